// One step of a stream of Mamba's mixer between its projections: convolution, selection, recurrence, readout and gate. Compiled by
// NVRTC with these macros:
//   REAL     float | bf16 | half: the type of all tensors; all arithmetic is fp32
//   E, N, R, K  channels, states of a channel, rank of the step sizes, taps
//   LANES    threads that share a channel's states and the products of its step size
//   CLUSTER  blocks that share a sequence's channels, and add up the products with x_proj in each other's memory
//   THREADS  threads of a block
// Layout: xz (B, 2E), window (B, E, K - 1) oldest first, h (B, E, N), y (B, E); the new window and states may take the old ones' place.

#define CHANNELS ((E + CLUSTER - 1) / CLUSTER)
#define STATES ((N + LANES - 1) / LANES)
#define SELECTED (R + 2 * N)  // of x_proj: the step size before its projection, B and C

__device__ __forceinline__ float silu(float x) { return x / (1.0f + expf(-x)); }
__device__ __forceinline__ float softplus(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

template <int WIDTH>
__device__ __forceinline__ float sum_over(float x) {
#pragma unroll
    for (int m = WIDTH / 2; m >= 1; m /= 2) x += __shfl_xor_sync(~0u, x, m);
    return x;
}

#if CLUSTER > 1
#define CLUSTERED __cluster_dims__(CLUSTER, 1, 1)
__device__ __forceinline__ void wait_for_cluster() {
    asm volatile("barrier.cluster.arrive.aligned;\n barrier.cluster.wait.aligned;" ::: "memory");
}
__device__ __forceinline__ float of_block(const float* here, int rank) {
    uint there;
    float x;
    asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"((uint)__cvta_generic_to_shared(here)), "r"(rank));
    asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(x) : "r"(there));
    return x;
}
#else
#define CLUSTERED
__device__ __forceinline__ void wait_for_cluster() { __syncthreads(); }
__device__ __forceinline__ float of_block(const float* here, int) { return *here; }
#endif

// blockIdx.x is the block of a cluster, y the sequence.
extern "C" __global__ void CLUSTERED __launch_bounds__(THREADS)
step(const REAL* xz, const REAL* window, const REAL* h, REAL* new_window, REAL* new_h, REAL* y, const REAL* conv_weight,
     const REAL* conv_bias, const REAL* x_proj, const REAL* dt_weight, const REAL* dt_bias, const REAL* a_log, const REAL* d) {
    __shared__ float u[CHANNELS], share[SELECTED], selected[SELECTED];
    const int first = blockIdx.x * CHANNELS, live = min(CHANNELS, E - first), warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int64 b = blockIdx.y, row = b * E + first;

    for (int c = threadIdx.x; c < live; c += THREADS) {
        const int e = first + c;
        REAL taps[K];
#pragma unroll
        for (int k = 0; k < K - 1; k++) taps[k] = window[(row + c) * (K - 1) + k];
        taps[K - 1] = xz[b * 2 * E + e];
        float sum = real(conv_bias[e]);
#pragma unroll
        for (int k = 0; k < K; k++) sum += real(conv_weight[e * K + k]) * real(taps[k]);
#pragma unroll
        for (int k = 0; k < K - 1; k++) new_window[(row + c) * (K - 1) + k] = taps[k + 1];
        u[c] = silu(sum);
    }
    __syncthreads();
#pragma unroll 4
    for (int j = warp; j < SELECTED; j += THREADS / 32) {
        float sum = 0.0f;
#pragma unroll 4
        for (int c = lane; c < live; c += 32) sum += real(x_proj[(int64)j * E + first + c]) * u[c];
        sum = sum_over<32>(sum);
        if (lane == 0) share[j] = sum;
    }
    wait_for_cluster();
    for (int j = threadIdx.x; j < SELECTED; j += THREADS) {
        float sum = 0.0f;
#pragma unroll
        for (int rank = 0; rank < CLUSTER; rank++) sum += of_block(share + j, rank);
        selected[j] = sum;
    }
    wait_for_cluster();

    for (int from = 0; from < CHANNELS; from += THREADS / LANES) {
        const int own = from + threadIdx.x / LANES, l = threadIdx.x % LANES;
        const bool there = own < live;
        const int c = there ? own : 0, e = there ? first + c : 0;
        float delta = 0.0f, sum = 0.0f;
#pragma unroll 4
        for (int r = l; r < R; r += LANES) delta += real(dt_weight[(int64)e * R + r]) * selected[r];
        delta = softplus(sum_over<LANES>(delta) + real(dt_bias[e]));
        const float in = u[c], moved = delta * in;
#pragma unroll
        for (int j = 0; j < STATES; j++) {
            const int n = l * STATES + j;
            if (n < N && there) {
                const int64 at = (row + c) * N + n;
                const float a = -expf(real(a_log[e * N + n]));
                const float now = expf(delta * a) * real(h[at]) + moved * selected[R + n];
                new_h[at] = rounded<REAL>(now);
                sum += selected[R + N + n] * now;
            }
        }
        sum = sum_over<LANES>(sum);
        if (l == 0 && there) y[row + c] = rounded<REAL>((sum + real(d[e]) * in) * silu(real(xz[b * 2 * E + E + e])));
    }
}
