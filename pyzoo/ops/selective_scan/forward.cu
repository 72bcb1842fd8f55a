// Forward selective scan: h_t = exp(Δ_t A) h_{t-1} + Δ_t B_t u_t,  y_t = (C_t · h_t + D u_t) silu(z_t).
// The steps are split in chunks of `length`: `summarize` runs all but the last from the zero state and leaves each one's last
// state and ΣΔ; `scan` folds these into the state that its chunk starts from, at one exponential a state, exp(A ΣΔ).
//
// A block is one warp: it never waits for another one. Between two barriers it asks for the tiles that it needs two barriers later, makes
// what the next one needs, in registers, and walks along this one: the memory's and the exponentials' latencies hide behind one another.

static_assert(WARPS == 1, "a block of the forward pass is one warp");

template <bool READ_OUT> struct Tiles {  // of three tiles, the ones whose numbers are 0, 1 and 2 modulo 3; what is made of them, of two
    alignas(16) REAL u[3][STEPS * CHANNELS], dt[3][STEPS * CHANNELS], z[3][READ_OUT && HAS_Z ? STEPS * CHANNELS : 8];
    alignas(16) REAL B[3][STEPS * PADDED], C[3][READ_OUT ? STEPS * PADDED : 8];
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
    const float shift = bias && p.has ? bias[p.e] : 0.0f, skip = READ_OUT && HAS_D && p.has ? D[p.e] : 0.0f;
    float a[STATES], h[STATES], sum = 0.0f;
    load_states(p.has ? A + (int64)p.e * N : 0, a);
#pragma unroll
    for (int j = 0; j < STATES; j++) a[j] *= LOG2E;
    load_states(p.has && h0 && p.chunk == 0 ? h0 + ((int64)p.b * E + p.e) * N : 0, h);
    const REAL *from_u = AT(u, p.begin, p.first), *from_dt = AT(dt, p.begin, p.first), *from_z = AT(z, p.begin, p.first);
    const REAL *from_B = AT(B, p.begin, p.group * N), *from_C = AT(C, p.begin, p.group * N);
    REAL* to = AT(out, p.begin + p.lane, p.e);
    float* save = saved + (((int64)(p.begin / STEPS) * batches + p.b) * E + p.e) * N;
    // Beyond the last tile nothing is read, and the addresses stay where they are.
    auto ask_steps = [&](int t, int slot) {
        bring<REAL, CHANNELS, TIME_dt>(tiles.dt[slot], from_dt, p.end - t, p.live);
        bring<REAL, CHANNELS, TIME_u>(tiles.u[slot], from_u, p.end - t, p.live);
        if (t + STEPS < p.end) from_u += STEPS * TIME_u, from_dt += STEPS * TIME_dt;
    };
    auto ask_inputs = [&](int t, int slot) {
        bring<REAL, PADDED, TIME_B>(tiles.B[slot], from_B, p.end - t, N);
        if (READ_OUT) bring<REAL, PADDED, TIME_C>(tiles.C[slot], from_C, p.end - t, N);
        if (t + STEPS < p.end) from_B += STEPS * TIME_B, from_C += STEPS * TIME_C;
    };
    auto ask_gate = [&](int t, int slot) {
        if (READ_OUT && HAS_Z) bring<REAL, CHANNELS, TIME_z>(tiles.z[slot], from_z, p.end - t, p.live);
        if (t + STEPS < p.end) from_z += STEPS * TIME_z;
    };
    struct Made { float2 pair[ROWS]; float skipped[ROWS]; Share B, C; } made;  // Δ and Δu, D u, and B and C before they are floats
    auto make = [&](int t, int slot) {
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const int s = p.lane + k * LANES;
            const float u_s = real(tiles.u[slot][p.in(s)]), inside = t + s < p.end ? 1.0f : 0.0f;
            const float delta = softplus(real(tiles.dt[slot][p.in(s)]) + shift) * inside;
            made.pair[k] = make_float2(delta, delta * u_s);
            made.skipped[k] = skip * u_s;
            sum += delta;
        }
        if (CONVERTS) {
            made.B.read(tiles.B[slot]);
            if (READ_OUT) made.C.read(tiles.C[slot]);
        }
    };
    auto keep = [&](int i) {
#pragma unroll
        for (int k = 0; k < ROWS; k++) tiles.pair[i & 1][p.in(p.lane + k * LANES)] = made.pair[k];
        if (CONVERTS) {
            made.B.write(tiles.float_B[i & 1]);
            if (READ_OUT) made.C.write(tiles.float_C[i & 1]);
        }
    };
    float y[STEPS], skipped[ROWS], gate[ROWS];
    constexpr int AHEAD = CONVERTS ? 3 : 2;  // tiles between asking for B and C and walking along them
    constexpr bool SPREAD = STATES > 4;      // whether steps are so long that asking is done along the walk, where other work fills the gaps
    auto ask = [&](int part, int t, int slot, int after) {
        if (part == 1) ask_steps(t + 3 * STEPS, slot);
        if (part == 2) ask_inputs(t + AHEAD * STEPS, CONVERTS ? slot : after);
        if (part == 3) {
            ask_gate(t + 2 * STEPS, after);
            brought_later();
        }
    };
    auto walk = [&](int t, int i, int slot, int after) {
        const float* B_tile = CONVERTS ? tiles.float_B[i & 1] : (const float*)tiles.B[slot];
        const float* C_tile = CONVERTS ? tiles.float_C[i & 1] : (const float*)tiles.C[slot];
#pragma unroll
        for (int s = 0; s < STEPS; s++) {
            float B_t[STATES], C_t[STATES], y_s = 0.0f;
            const float2 step = tiles.pair[i & 1][p.in(s)];
            read_states(B_tile, s, B_t);
            if (READ_OUT) read_states(C_tile, s, C_t);
#pragma unroll
            for (int j = 0; j < STATES; j++) {
                h[j] = exp2_(step.x * a[j]) * h[j] + step.y * B_t[j];
                if (READ_OUT) y_s += C_t[j] * h[j];
            }
            y[order(s)] = y_s;
            if (SPREAD && s % (STEPS / 4) == 0) ask(s / (STEPS / 4), t, slot, after);
        }
    };
#pragma unroll
    for (int k = 0; k < 3; k++) {
        ask_steps(p.begin + k * STEPS, k);
        if (k < AHEAD) ask_inputs(p.begin + k * STEPS, k);
        if (k < 2) ask_gate(p.begin + k * STEPS, k);
        if (k > 0) brought_later();
    }
    if (READ_OUT && p.has)
#pragma unroll 4
        for (int chunk = 0; chunk < p.chunk; chunk++) {
            const int64 at = ((int64)chunk * batches + p.b) * E + p.e;
            float end[STATES];
            load_states(ends + at * N, end);
#pragma unroll
            for (int j = 0; j < STATES; j++) h[j] = exp2_(sums[at] * a[j]) * h[j] + end[j];
        }
    brought<1>();
    __syncwarp();
    make(p.begin, 0);
    keep(0);
    __syncwarp();
    for (int t = p.begin, i = 0, slot = 0, next = 1, after = 2; t < p.end; t += STEPS, i++) {
        if (!SPREAD) ask(1, t, slot, after), ask(2, t, slot, after), ask(3, t, slot, after);
        if (READ_OUT) store_states(saved && p.has, save, h);
        save += batches * E * N;
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const float z_k = READ_OUT && HAS_Z ? real(tiles.z[slot][p.in(p.lane + k * LANES)]) : 0.0f;
            gate[k] = HAS_Z ? z_k * sigmoid(z_k) : 1.0f;
            skipped[k] = made.skipped[k];
        }
        make(t + STEPS, next);
        walk(t, i, slot, after);
        keep(i + 1);
        if (READ_OUT) {
            transposed_sum<STEPS, LANES, 1>(y);
#pragma unroll
            for (int k = 0; k < ROWS; k++)
                store_if(p.has && t + p.lane + k * LANES < p.end, to + k * LANES * TIME_out, rounded<REAL>((y[k] + skipped[k]) * gate[k]));
            to += STEPS * TIME_out;
        }
        brought<1>();
        __syncwarp();
        const int freed = slot;
        slot = next, next = after, after = freed;
    }
    if (READ_OUT) {
        store_states(last && p.end == L && p.has, last + ((int64)p.b * E + p.e) * N, h);
        return;
    }
    const int64 row = ((int64)p.chunk * batches + p.b) * E + p.e;
    float total[1] = {sum};
    transposed_sum<1, LANES, 1>(total);
    store_states(p.has, ends + row * N, h);
    if (p.has && p.lane == 0) sums[row] = total[0];
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
