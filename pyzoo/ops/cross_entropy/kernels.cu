// The cross-entropy of rows of logits and its gradient: with p = softmax(x), loss = -log p_t, slope_i = p_i - (i == t). Compiled by NVRTC
// with these macros:
//   REAL   float | bf16 | half: the type of logits and slopes; arithmetic is in fp32
//   V      logits of a row;  WIDTH: numbers of a row, a multiple of 64: those beyond the logits are not looked at, and their slope is 0
//   THREADS: of a block, which has one row
// A row is read twice, the second time from a cache. A target that is none of the logits gives NaN.

#define EACH (int)(16 / sizeof(REAL))
#define BLOCKS (THREADS > 128 ? 2048 / THREADS : 16)  // that a multiprocessor must have room for: bounds the registers
#define LOG2E 1.4426950408889634f
#define LN2 0.6931471805599453f
static_assert(WIDTH % EACH == 0 && V <= WIDTH && THREADS % 32 == 0, "rows that are not read in vectors");
struct alignas(16) Some { REAL x[EACH]; };

__device__ __forceinline__ float exp_(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * LOG2E)); return y; }
__device__ __forceinline__ float infinity() { return __int_as_float(0x7f800000); }

// Σ exp(xᵢ - most) for the largest of the xᵢ; of no number at all, 0 beside -∞.
struct Sum {
    float most, of;
    __device__ __forceinline__ void add(Sum other) {
        const float next = fmaxf(most, other.most);
        if (next == -infinity()) return;
        of = of * exp_(most - next) + other.of * exp_(other.most - next);
        most = next;
    }
};
__device__ __forceinline__ Sum over_warp(Sum s) {
#pragma unroll
    for (int m = 16; m; m /= 2) s.add({__shfl_xor_sync(~0u, s.most, m), __shfl_xor_sync(~0u, s.of, m)});
    return s;
}
__device__ __forceinline__ float logit(const Some& some, int i, int j) {
    return i * EACH + j < V ? real(some.x[j]) : -infinity();
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
cross_entropy(const REAL* logits, const int64* targets, float* losses, REAL* slopes) {
    __shared__ Sum sums[32];
    const int64 row = blockIdx.x, target = targets[row];
    const Some* from = (const Some*)(logits + row * WIDTH);
    Some* to = (Some*)(slopes + row * WIDTH);
    Sum sum = {-infinity(), 0};
    for (int i = threadIdx.x; i < WIDTH / EACH; i += THREADS) {
        const Some some = from[i];
        float x[EACH];
        Sum part = {-infinity(), 0};
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            x[j] = logit(some, i, j);
            part.most = fmaxf(part.most, x[j]);
        }
        if (part.most != -infinity())
#pragma unroll
            for (int j = 0; j < EACH; j++) part.of += exp_(x[j] - part.most);
        sum.add(part);
    }
    sum = over_warp(sum);
    if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
    __syncthreads();
    sum = {-infinity(), 0};
    if (threadIdx.x % 32 < THREADS / 32) sum = sums[threadIdx.x % 32];
    sum = over_warp(sum);
    const bool there = 0 <= target && target < V;
    const float share = there ? 1 / sum.of : __int_as_float(0x7fffffff);
    if (threadIdx.x == 0) losses[row] = there ? sum.most - real(logits[row * WIDTH + target]) + log2f(sum.of) * LN2 : share;
    for (int i = threadIdx.x; i < WIDTH / EACH; i += THREADS) {
        const Some some = from[i];
        Some slope;
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            const float p = exp_(logit(some, i, j) - sum.most) * share;
            slope.x[j] = rounded<REAL>(i * EACH + j == target ? p - 1 : p);
        }
        to[i] = slope;
    }
}
