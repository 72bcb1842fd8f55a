// The products of modes between the spectral convolution's transforms. Macros beside those of common.cuh:
//   C, O         channels in and out
//   TALL, BROAD  outputs of a thread, no more than there are;  SPLIT: warps that share their sums
//   MODES        modes of a warp

struct alignas(2 * sizeof(SIGNAL)) Stored { SIGNAL re, im; };  // of a weight

__device__ __forceinline__ Complex load(const Complex& x) { return x; }
__device__ __forceinline__ Complex load(const Stored& x) { const Stored y = x; return {real(y.re), real(y.im)}; }
__device__ __forceinline__ void store(Complex& to, Complex x) { to = x; }
__device__ __forceinline__ void store(Stored& to, Complex x) { to = Stored{rounded<SIGNAL>(x.re), rounded<SIGNAL>(x.im)}; }

// out[p, q] = f Σ_r a[p, r] b[r, q] for each of M modes, the innermost axis of all; the strides A_P, ..., B_Q of an array are in rows of M
// numbers. CONJUGATE: 0 neither, 1 a, 2 b. WEIGHTS: whether f is weight_of(k), else 1. A thread has TALL by BROAD outputs of one mode. A
// warp's lanes are (32 / MODES, MODES); a block's warps take every SPLIT-th term each, and read the one after next while they work on one.
// The last outputs of a row or column are computed with those before them, some twice.
template <int CONJUGATE, bool WEIGHTS, int A_P, int A_R, int B_R, int B_Q, class A, class B, class Out>
__device__ __forceinline__ void product(const A* a, const B* b, Out* out, int64 ps, int64 qs, int64 rs) {
    constexpr int ACROSS = (M + MODES - 1) / MODES, AHEAD = 2;
    __shared__ Complex shared[SPLIT][TALL * BROAD][32];
    const int lane = threadIdx.x % 32, split = threadIdx.x / 32, terms = (rs - split + SPLIT - 1) / SPLIT;
    const int k = min((int)blockIdx.y % ACROSS * MODES + lane % MODES, M - 1);
    const int64 p = min((int64)blockIdx.x * TALL, ps - TALL);
    const int64 q = min((int64)(blockIdx.y / ACROSS * (32 / MODES) + lane / MODES) * BROAD, qs - BROAD);
    const A* row = a + (p * A_P + split * A_R) * M + k;
    const B* column = b + (q * B_Q + split * B_R) * M + k;
    Complex sum[TALL][BROAD] = {}, x[AHEAD][TALL], y[AHEAD][BROAD];
    const auto read = [&](int slot, int term) {
        const int64 at = (int64)min(term, terms - 1) * SPLIT;
#pragma unroll
        for (int j = 0; j < TALL; j++) x[slot][j] = load(row[(at * A_R + j * A_P) * M]);
#pragma unroll
        for (int j = 0; j < BROAD; j++) y[slot][j] = load(column[(at * B_R + j * B_Q) * M]);
    };
#pragma unroll
    for (int slot = 0; slot < AHEAD; slot++) read(slot, slot);
    for (int term = 0; term < terms; term += AHEAD)
#pragma unroll
        for (int slot = 0; slot < AHEAD; slot++) {
            if (term + slot < terms)
#pragma unroll
                for (int g = 0; g < TALL; g++)
#pragma unroll
                    for (int h = 0; h < BROAD; h++) {
                        const Complex c = x[slot][g], d = y[slot][h];
                        const REAL u = CONJUGATE == 1 ? -c.im : c.im, v = CONJUGATE == 2 ? -d.im : d.im;
                        sum[g][h].re += c.re * d.re;
                        sum[g][h].re -= u * v;
                        sum[g][h].im += c.re * v;
                        sum[g][h].im += u * d.re;
                    }
            read(slot, term + slot + AHEAD);
        }
#pragma unroll
    for (int j = 0; j < TALL * BROAD; j++) shared[split][j][lane] = sum[j / BROAD][j % BROAD];
    __syncthreads();
    for (int j = split; j < TALL * BROAD; j += SPLIT) {
        Complex total = shared[0][j][lane];
#pragma unroll
        for (int g = 1; g < SPLIT; g++) { total.re += shared[g][j][lane].re; total.im += shared[g][j][lane].im; }
        const REAL f = WEIGHTS ? weight_of(k) : REAL(1);
        store(out[((p + j / BROAD) * qs + q + j % BROAD) * M + k], {f * total.re, f * total.im});
    }
}

// x (B, C), weight (C, O) -> (B, O)
extern "C" __global__ void __launch_bounds__(32 * SPLIT) mix(const Complex* x, const Stored* weight, Complex* out, int64 B) {
    product<0, false, C, 1, O, 1>(x, weight, out, B, O, C);
}
// The gradient of x: g (B, O), weight (C, O) -> (B, C)
extern "C" __global__ void __launch_bounds__(32 * SPLIT) mix_back(const Complex* g, const Stored* weight, Complex* out, int64 B) {
    product<2, false, O, 1, 1, O>(g, weight, out, B, C, O);
}
// The gradient of the weight: x (B, C), g (B, O) -> (C, O), times the weights of the modes
extern "C" __global__ void __launch_bounds__(32 * SPLIT) weight_gradient(const Complex* x, const Complex* g, Stored* out, int64 B) {
    product<1, true, 1, C, O, 1>(x, g, out, C, O, B);
}
