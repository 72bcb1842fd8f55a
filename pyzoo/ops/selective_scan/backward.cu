// Backward selective scan. Going back in time, with g the gradient before the gate, the gradient of the state is
//   dh_t = C_t g_t + exp(Δ_{t+1} A) dh_{t+1}.
// The states come from the forward pass, which saves one at each tile's start. `summarize_back` runs each chunk from zero and
// leaves its dh before the first step and ΣΔ; `scan_back` folds these into the dh that its chunk starts from.
// What is summed over channels (dB, dC) or over batch and chunks (dA, dD, dbias) leaves as one part a block: no atomics,
// the same bits each time.

// The tiles of a block, going back from the one at t: one is used while the next is on its way.
struct Brought {
    alignas(16) REAL u[STEPS * CHANNELS], dt[STEPS * CHANNELS], z[HAS_Z ? STEPS * CHANNELS : 8], g[STEPS * CHANNELS];
    alignas(16) REAL B[STEPS * PADDED], C[STEPS * PADDED];
};
struct Source {
    const REAL *u, *dt, *z, *g, *B, *C;
    template <bool ALL> __device__ __forceinline__ void ask(Brought& tile, int t, const Place& p) {
        if (t < p.begin) return;
        bring<REAL, CHANNELS, TIME_dt>(tile.dt, dt, p.end - t, p.live);
        if (HAS_Z) bring<REAL, CHANNELS, TIME_z>(tile.z, z, p.end - t, p.live);
        bring<REAL, CHANNELS, TIME_g>(tile.g, g, p.end - t, p.live);
        bring<REAL, PADDED, TIME_C>(tile.C, C, p.end - t, N);
        if (ALL) {
            bring<REAL, CHANNELS, TIME_u>(tile.u, u, p.end - t, p.live);
            bring<REAL, PADDED, TIME_B>(tile.B, B, p.end - t, N);
            u -= STEPS * TIME_u, B -= STEPS * TIME_B;
        }
        dt -= STEPS * TIME_dt, z -= STEPS * TIME_z, g -= STEPS * TIME_g, C -= STEPS * TIME_C;
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) summarize_back(
    TENSOR(const REAL, dt), TENSOR(const REAL, C), TENSOR(const REAL, z), TENSOR(const REAL, g), const float* A,
    const float* bias, float* ends, float* sums, int64 batches, int64 L, int64 length) {
    __shared__ Brought brought_tiles[2];
    __shared__ __align__(16) float float_C[CONVERTS ? STEPS * PADDED : 4];
    __shared__ __align__(16) float2 pair[STEPS * CHANNELS];  // Δ, g
    const Place p(L, length);
    const float shift = bias && p.has ? bias[p.e] : 0.0f;
    float a[STATES], dh[STATES] = {}, sum = 0.0f;
    load_states(p.has ? A + (int64)p.e * N : 0, a);
#pragma unroll
    for (int j = 0; j < STATES; j++) a[j] *= LOG2E;
    const int final_tile = p.begin + (p.end - p.begin - 1) / STEPS * STEPS;
    Source source{0, AT(dt, final_tile, p.first), AT(z, final_tile, p.first), AT(g, final_tile, p.first), 0,
                  AT(C, final_tile, p.group * N)};
    source.ask<false>(brought_tiles[0], final_tile, p);
    int i = 0;
    for (int t = final_tile; t >= p.begin; t -= STEPS, i ^= 1) {
        const Brought& tile = brought_tiles[i];
        brought();
        __syncthreads();
        source.ask<false>(brought_tiles[i ^ 1], t - STEPS, p);
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const int s = p.lane + k * LANES;
            const float gate = HAS_Z ? real(tile.z[p.in(s)]) : 0.0f, g_k = real(tile.g[p.in(s)]), inside = t + s < p.end ? 1.0f : 0.0f;
            const float delta = softplus(real(tile.dt[p.in(s)]) + shift) * inside;
            pair[p.in(s)] = make_float2(delta, HAS_Z ? g_k * gate * sigmoid(gate) : g_k);
            sum += delta;
        }
        if (CONVERTS) {
            convert(tile.C, float_C);
            __syncthreads();
        } else __syncwarp();
#pragma unroll
        for (int s = STEPS - 1; s >= 0; s--) {
            float C_t[STATES];
            const float2 step = pair[p.in(s)];
            read_states(CONVERTS ? float_C : (const float*)tile.C, s, C_t);
#pragma unroll
            for (int j = 0; j < STATES; j++) dh[j] = exp2_(step.x * a[j]) * (dh[j] + C_t[j] * step.y);
        }
    }
    const int64 row = ((int64)p.chunk * batches + p.b) * E + p.e;
    float total[1] = {sum};
    transposed_sum<1, LANES, 1>(total);
    if (p.has && p.lane == 0) sums[row] = total[0];
    store_states(p.has, ends + row * N, dh);
}

#define SHARE (2 * STATES >= NEIGHBOURS ? 2 * STATES / NEIGHBOURS : 1)     // sums of dB and dC that a thread ends up with
#define COPIES (2 * STATES >= NEIGHBOURS ? 1 : NEIGHBOURS / (2 * STATES))  // threads that end up with the same sums

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) scan_back(
    TENSOR(const REAL, u), TENSOR(const REAL, dt), TENSOR(const REAL, B), TENSOR(const REAL, C), TENSOR(const REAL, z),
    TENSOR(const REAL, g), REAL* du, REAL* ddt, REAL* dz, const float* A, const float* D, const float* bias, const float* saved,
    const float* dlast, const float* ends, const float* sums, float* dB, float* dC, float* dA, float* dD, float* dbias,
    float* dh0, int64 batches, int64 L, int64 length) {
    __shared__ Brought brought_tiles[2];
    __shared__ __align__(16) float float_B[CONVERTS ? STEPS * PADDED : 4], float_C[CONVERTS ? STEPS * PADDED : 4];
    __shared__ __align__(16) float2 pair[STEPS * CHANNELS];  // Δ, Δu
    __shared__ __align__(16) float g_tile[STEPS * CHANNELS];
    __shared__ float part[WARPS][STEPS * 2 * PADDED];  // sums of dB and dC over a warp's channels
    const Place p(L, length);
    const int neighbour = threadIdx.x % 32 / LANES;
    const float shift = bias && p.has ? bias[p.e] : 0.0f, skip = HAS_D && p.has ? D[p.e] : 0.0f;
    float a[STATES], dh[STATES], dA_sum[STATES] = {}, dD_sum = 0.0f, dbias_sum = 0.0f;
    load_states(p.has ? A + (int64)p.e * N : 0, a);
#pragma unroll
    for (int j = 0; j < STATES; j++) a[j] *= LOG2E;
    load_states(p.has && dlast ? dlast + ((int64)p.b * E + p.e) * N : 0, dh);
    for (int chunk = gridDim.z - 1; p.has && chunk > p.chunk; chunk--) {
        const int64 at = ((int64)chunk * batches + p.b) * E + p.e;
        float end[STATES];
        load_states(ends + at * N, end);
#pragma unroll
        for (int j = 0; j < STATES; j++) dh[j] = exp2_(sums[at] * a[j]) * dh[j] + end[j];
    }
    const int final_tile = p.begin + (p.end - p.begin - 1) / STEPS * STEPS;
    Source source{AT(u, final_tile, p.first), AT(dt, final_tile, p.first), AT(z, final_tile, p.first), AT(g, final_tile, p.first),
                  AT(B, final_tile, p.group * N), AT(C, final_tile, p.group * N)};
    const int64 first_out = (p.b * L + final_tile + p.lane) * E + p.e;
    REAL *to_u = du + first_out, *to_dt = ddt + first_out, *to_z = dz + first_out;
    const float* start = saved + (((int64)(final_tile / STEPS) * batches + p.b) * E + p.e) * N;
    const int64 block = blockIdx.x % BLOCKS_OF_GROUP * batches + p.b, first_part = ((block * L + final_tile) * G + p.group) * N;
    float *to_B = dB + first_part, *to_C = dC + first_part;
    source.ask<true>(brought_tiles[0], final_tile, p);
    int i = 0;
    for (int t = final_tile; t >= p.begin; t -= STEPS, i ^= 1) {
        const Brought& tile = brought_tiles[i];
        const float *B_tile = CONVERTS ? float_B : (const float*)tile.B, *C_tile = CONVERTS ? float_C : (const float*)tile.C;
        float h[STEPS + 1][STATES], y[ROWS];
        load_states(p.has ? start : 0, h[0]);
        start -= batches * E * N;
        brought();
        __syncthreads();
        source.ask<true>(brought_tiles[i ^ 1], t - STEPS, p);
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            const int s = p.lane + k * LANES;
            const float gate = HAS_Z ? real(tile.z[p.in(s)]) : 0.0f, g_k = real(tile.g[p.in(s)]), inside = t + s < p.end ? 1.0f : 0.0f;
            const float delta = softplus(real(tile.dt[p.in(s)]) + shift) * inside;
            pair[p.in(s)] = make_float2(delta, delta * real(tile.u[p.in(s)]));
            g_tile[p.in(s)] = HAS_Z ? g_k * gate * sigmoid(gate) : g_k;
        }
        if (CONVERTS) {
            convert(tile.B, float_B);
            convert(tile.C, float_C);
            __syncthreads();
        } else __syncwarp();
#pragma unroll
        for (int k = 0; k < ROWS; k++) {
            float y_sum[LANES] = {};
#pragma unroll
            for (int r = 0; r < LANES; r++) {
                const int s = k * LANES + r;
                float B_t[STATES], C_t[STATES];
                const float2 step = pair[p.in(s)];
                read_states(B_tile, s, B_t);
                if (HAS_Z) read_states(C_tile, s, C_t);
#pragma unroll
                for (int j = 0; j < STATES; j++) {
                    h[s + 1][j] = exp2_(step.x * a[j]) * h[s][j] + step.y * B_t[j];
                    if (HAS_Z) y_sum[r] += C_t[j] * h[s + 1][j];
                }
            }
            if (HAS_Z) transposed_sum<LANES, LANES, 1>(y_sum);
            y[k] = y_sum[0];
        }
#pragma unroll
        for (int k = ROWS - 1; k >= 0; k--) {
            float s_sum[LANES] = {}, q_sum[LANES] = {};  // over the states: of the gradients of Δu, and of Δ through the decay
#pragma unroll
            for (int r = LANES - 1; r >= 0; r--) {
                const int s = k * LANES + r;
                float B_t[STATES], C_t[STATES], d[2 * STATES];
                const float2 step = pair[p.in(s)];
                const float g_s = g_tile[p.in(s)];
                read_states(B_tile, s, B_t);
                read_states(C_tile, s, C_t);
#pragma unroll
                for (int j = 0; j < STATES; j++) {
                    dh[j] += C_t[j] * g_s;
                    d[j] = dh[j] * step.y;
                    d[STATES + j] = h[s + 1][j] * g_s;
                    s_sum[r] += dh[j] * B_t[j];
                    dh[j] *= exp2_(step.x * a[j]);
                    const float slope = dh[j] * h[s][j];
                    q_sum[r] += slope * a[j];
                    dA_sum[j] += slope * step.x;
                }
                transposed_sum<2 * STATES, NEIGHBOURS, LANES>(d);
                if (neighbour % COPIES == 0)
#pragma unroll
                    for (int m = 0; m < SHARE; m++) {
                        const int v = neighbour / COPIES * SHARE + m;
                        part[threadIdx.x / 32][(s * 2 + v / STATES) * PADDED + p.lane * STATES + v % STATES] = d[m];
                    }
            }
            const int s = p.lane + k * LANES;
            transposed_sum<LANES, LANES, 1>(s_sum);
            transposed_sum<LANES, LANES, 1>(q_sum);
            const bool there = p.has && t + s < p.end;
            const float u_s = real(tile.u[p.in(s)]), before = g_tile[p.in(s)];
            float slope = q_sum[0] * LN2 + s_sum[0] * u_s;
            if (SOFTPLUS) slope *= sigmoid(real(tile.dt[p.in(s)]) + shift);
            store_if(there, to_u + k * LANES * E, rounded<REAL>(pair[p.in(s)].x * s_sum[0] + skip * before));
            store_if(there, to_dt + k * LANES * E, rounded<REAL>(slope));
            if (HAS_Z) {
                const float gate = real(tile.z[p.in(s)]), open = sigmoid(gate), y_s = y[k] + skip * u_s;
                store_if(there, to_z + k * LANES * E, rounded<REAL>(real(tile.g[p.in(s)]) * y_s * open * (1.0f + gate * (1.0f - open))));
            }
            dD_sum += before * u_s;
            dbias_sum += there ? slope : 0.0f;
        }
        to_u -= STEPS * E;
        to_dt -= STEPS * E;
        to_z -= STEPS * E;
        __syncthreads();
#pragma unroll
        for (int k = 0; k < (STEPS * 2 * PADDED + THREADS - 1) / THREADS; k++) {
            const int at = threadIdx.x + k * THREADS, s = at / (2 * PADDED), kind = at / PADDED % 2, n = at % PADDED;
            if (n < N && s < min(STEPS, p.end - t)) {
                float sum = 0.0f;
#pragma unroll
                for (int w = 0; w < WARPS; w++) sum += part[w][at];
                (kind ? to_C : to_B)[s * G * N + n] = sum;
            }
        }
        to_B -= STEPS * G * N;
        to_C -= STEPS * G * N;
    }
    const int64 row = ((int64)p.chunk * batches + p.b) * E + p.e;
    float D_total[1] = {dD_sum}, bias_total[1] = {dbias_sum};
    transposed_sum<1, LANES, 1>(D_total);
    transposed_sum<1, LANES, 1>(bias_total);
    if (!p.has) return;
    store_states(true, dA + row * N, dA_sum);
    store_states(p.chunk == 0, dh0 + ((int64)p.b * E + p.e) * N, dh);
    if (p.lane == 0) {
        dD[row] = D_total[0];
        dbias[row] = bias_total[0];
    }
}
