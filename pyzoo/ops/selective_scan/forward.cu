// Forward selective scan: h_t = exp(Δ_t A) h_{t-1} + Δ_t B_t u_t,  y_t = (C_t · h_t + D u_t) silu(z_t).
// The steps are split in chunks of `length`: `summarize` runs all but the last from the zero state and leaves each one's last
// state and ΣΔ; `scan` folds these into the state that its chunk starts from, at one exponential a state, exp(A ΣΔ).
//
// A block is one warp: it never waits for another one. Between two barriers it asks for coming tiles, walks along this one and
// prepares the next: the memory's and the exponentials' latencies hide behind one another.

static_assert(WARPS == 1, "a block of the forward pass is one warp");

template <bool READ_OUT> struct Tiles {  // of two tiles, the one with an even and the one with an odd number
    alignas(16) REAL u[2][STEPS * CHANNELS], dt[2][STEPS * CHANNELS], z[2][READ_OUT && HAS_Z ? STEPS * CHANNELS : 8];
    alignas(16) REAL B[2][STEPS * PADDED], C[2][READ_OUT ? STEPS * PADDED : 8];
    alignas(16) float float_B[2][CONVERTS ? STEPS * PADDED : 4], float_C[2][CONVERTS && READ_OUT ? STEPS * PADDED : 4];
    alignas(16) float2 pair[2][STEPS * CHANNELS];  // Δ, Δu
};

template <bool READ_OUT>
__device__ __forceinline__ void pass(
    TENSOR(const REAL, u), TENSOR(const REAL, dt), TENSOR(const REAL, B), TENSOR(const REAL, C), TENSOR(const REAL, z),
    TENSOR(REAL, out), const float* A, const float* D, const float* bias, const float* h0, float* ends, float* sums, float* last,
    float* saved, int64 batches, int64 L, int64 length) {
    __shared__ Tiles<READ_OUT> tiles;
    const Place p(L, length);
    float a[WIDE][STATES], h[WIDE][STATES], shift[WIDE], skip[WIDE], sum[WIDE] = {};
#pragma unroll
    for (int w = 0; w < WIDE; w++) {
        const bool has = p.has(w);
        shift[w] = bias && has ? bias[p.e + w] : 0.0f;
        skip[w] = READ_OUT && HAS_D && has ? D[p.e + w] : 0.0f;
        load_states(has ? A + (int64)(p.e + w) * N : 0, a[w]);
#pragma unroll
        for (int j = 0; j < STATES; j++) a[w][j] *= LOG2E;
        load_states(has && h0 && p.chunk == 0 ? h0 + ((int64)p.b * E + p.e + w) * N : 0, h[w]);
        for (int chunk = 0; READ_OUT && has && chunk < p.chunk; chunk++) {
            const int64 at = ((int64)chunk * batches + p.b) * E + p.e + w;
            float end[STATES];
            load_states(ends + at * N, end);
#pragma unroll
            for (int j = 0; j < STATES; j++) h[w][j] = exp2_(sums[at] * a[w][j]) * h[w][j] + end[j];
        }
    }
    const REAL *from_u = AT(u, p.begin, p.first), *from_dt = AT(dt, p.begin, p.first), *from_z = AT(z, p.begin, p.first);
    const REAL *from_B = AT(B, p.begin, p.group * N), *from_C = AT(C, p.begin, p.group * N);
    REAL* to = AT(out, p.begin + p.lane, p.e);
    float* save = saved + (((int64)(p.begin / STEPS) * batches + p.b) * E + p.e) * N;
    auto store_all = [&](float* to) {
#pragma unroll
        for (int w = 0; w < WIDE; w++)
            if (p.has(w)) store_states(to + w * N, h[w]);
    };
    // Beyond the last tile nothing is read, and the addresses stay where they are.
    auto ask_steps = [&](int t, int i) {
        bring<REAL, CHANNELS, TIME_dt>(tiles.dt[i & 1], from_dt, p.end - t, p.live);
        bring<REAL, CHANNELS, TIME_u>(tiles.u[i & 1], from_u, p.end - t, p.live);
        if (t + STEPS < p.end) from_u += STEPS * TIME_u, from_dt += STEPS * TIME_dt;
    };
    auto ask_inputs = [&](int t, int i) {
        bring<REAL, PADDED, TIME_B>(tiles.B[i & 1], from_B, p.end - t, N);
        if (READ_OUT) bring<REAL, PADDED, TIME_C>(tiles.C[i & 1], from_C, p.end - t, N);
        if (t + STEPS < p.end) from_B += STEPS * TIME_B, from_C += STEPS * TIME_C;
    };
    auto ask_gate = [&](int t, int i) {
        if (READ_OUT && HAS_Z) bring<REAL, CHANNELS, TIME_z>(tiles.z[i & 1], from_z, p.end - t, p.live);
        if (t + STEPS < p.end) from_z += STEPS * TIME_z;
    };
    float skipped[ROWS][WIDE] = {}, next_skipped[ROWS][WIDE];  // D u
    auto prepare = [&](int t, int i) {
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const auto x = read_channels(tiles.dt[i & 1], p.lane + k * LANES, p), u_k = read_channels(tiles.u[i & 1], p.lane + k * LANES, p);
            const float inside = t + p.lane + k * LANES < p.end ? 1.0f : 0.0f;
            Channels<float2> pair;
#pragma unroll
            for (int w = 0; w < WIDE; w++) {
                const float delta = softplus(real(x.of[w]) + shift[w]) * inside;
                pair.of[w] = make_float2(delta, delta * real(u_k.of[w]));
                next_skipped[k][w] = skip[w] * real(u_k.of[w]);
                sum[w] += delta;
            }
            *(Channels<float2>*)(tiles.pair[i & 1] + (p.lane + k * LANES) * CHANNELS + p.channel) = pair;
        }
        if (CONVERTS) {
            convert(tiles.B[i & 1], tiles.float_B[i & 1]);
            if (READ_OUT) convert(tiles.C[i & 1], tiles.float_C[i & 1]);
        }
    };
    auto walk = [&](int t, int i) {
        const float* B_tile = CONVERTS ? tiles.float_B[i & 1] : (const float*)tiles.B[i & 1];
        const float* C_tile = CONVERTS ? tiles.float_C[i & 1] : (const float*)tiles.C[i & 1];
        float y[WIDE][STEPS];
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            float B_t[STATES], C_t[STATES];
            const auto step = read_channels(tiles.pair[i & 1], s, p);
            read_states(B_tile, s, B_t);
            if (READ_OUT) read_states(C_tile, s, C_t);
#pragma unroll
            for (int w = 0; w < WIDE; w++) {
                float y_s = 0.0f;
#pragma unroll
                for (int j = 0; j < STATES; j++) {
                    h[w][j] = exp2_(step.of[w].x * a[w][j]) * h[w][j] + step.of[w].y * B_t[j];
                    if (READ_OUT) y_s += C_t[j] * h[w][j];
                }
                y[w][order(s)] = y_s;
            }
        }
        if (!READ_OUT) return;
#pragma unroll
        for (int w = 0; w < WIDE; w++) transposed_sum<STEPS, LANES, 1>(y[w]);
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            Channels<REAL> z_k = {};
            if (HAS_Z) z_k = read_channels(tiles.z[i & 1], p.lane + k * LANES, p);
#pragma unroll
            for (int w = 0; w < WIDE; w++) {
                const float gate = real(z_k.of[w]), y_k = y[w][k] + skipped[k][w];
                store_if(p.has(w) && t + p.lane + k * LANES < p.end, to + k * LANES * TIME_out + w,
                         rounded<REAL>(HAS_Z ? y_k * gate * sigmoid(gate) : y_k));
            }
        }
        to += STEPS * TIME_out;
    };
    ask_steps(p.begin, 0);
    ask_inputs(p.begin, 0);
    ask_gate(p.begin, 0);
    ask_steps(p.begin + STEPS, 1);
    if (CONVERTS) ask_inputs(p.begin + STEPS, 1);
    brought();
    __syncwarp();
    prepare(p.begin, 0);
    __syncwarp();
    int i = 0;
    for (int t = p.begin; t < p.end; t += STEPS, i++) {
        ask_steps(t + 2 * STEPS, i);
        ask_gate(t + STEPS, i + 1);
        if (CONVERTS) ask_inputs(t + 2 * STEPS, i); else ask_inputs(t + STEPS, i + 1);
        if (READ_OUT && saved) store_all(save);
        save += batches * E * N;
#pragma unroll
        for (int k = 0; k < ROWS * WIDE; k++) skipped[k / WIDE][k % WIDE] = next_skipped[k / WIDE][k % WIDE];
        walk(t, i);
        prepare(t + STEPS, i + 1);
        brought();
        __syncwarp();
    }
    if (READ_OUT) {
        if (last && p.end == L) store_all(last + ((int64)p.b * E + p.e) * N);
        return;
    }
    const int64 row = ((int64)p.chunk * batches + p.b) * E + p.e;
    store_all(ends + row * N);
#pragma unroll
    for (int w = 0; w < WIDE; w++) {
        float total[1] = {sum[w]};
        transposed_sum<1, LANES, 1>(total);
        if (p.lane == 0 && p.has(w)) sums[row + w] = total[0];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) summarize(
    TENSOR(const REAL, u), TENSOR(const REAL, dt), TENSOR(const REAL, B), const float* A, const float* bias, const float* h0,
    float* ends, float* sums, int64 batches, int64 L, int64 length) {
    pass<false>(u, u_batch, dt, dt_batch, B, B_batch, 0, 0, 0, 0, 0, 0, A, 0, bias, h0, ends, sums, 0, 0, batches, L, length);
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) scan(
    TENSOR(const REAL, u), TENSOR(const REAL, dt), TENSOR(const REAL, B), TENSOR(const REAL, C), TENSOR(const REAL, z),
    TENSOR(REAL, out), const float* A, const float* D, const float* bias, const float* h0, float* ends, float* sums,
    float* last, float* saved, int64 batches, int64 L, int64 length) {
    pass<true>(u, u_batch, dt, dt_batch, B, B_batch, C, C_batch, z, z_batch, out, out_batch, A, D, bias, h0, ends, sums, last,
               saved, batches, L, length);
}
