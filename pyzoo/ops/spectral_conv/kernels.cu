// The spectral convolution's truncated transform, its inverse, and the products of modes between them. Compiled by NVRTC with these
// macros:
//   SIGNAL       float | double | bf16 | half: the type of signals and weights;  REAL: float | double, that of spectra and arithmetic
//   N, M         points and modes;  RADIX: 1, 2, 4, 8 or 16, a divisor of N
//   ROWS         signals of a thread: a power of two
//   MODES        modes of a warp: a power of two, and a multiple of RADIX if the modes take several warps
//   GROUPS       groups of MODES modes in a block;  PARTS: warps of a block that share a group's points
//   BLOCKS       blocks that a multiprocessor must have room for: bounds the registers
//   TALL, BROAD  outputs of a thread in a product of modes;  SPLIT: threads that share a sum
//                there;  ACROSS: sums of a block
//
// With t = s + PLACES τ, PLACES = N / RADIX, the transform is Σ_s exp(-2πi k s / N) D_s[k mod RADIX], where D_s is the transform of the
// RADIX points x[s], x[s + PLACES], ... alone. A thread computes D_s in registers and keeps the sums over s of its signals and modes.
// The inverse goes the same way back. `table` (M, PLACES) holds exp(-2πi k s / N). No branch keeps loads from running ahead: what is
// beyond the last mode or signal repeats the last, and is not stored.

struct alignas(2 * sizeof(REAL)) Complex { REAL re, im; };
struct alignas(2 * sizeof(SIGNAL)) Stored { SIGNAL re, im; };  // of a weight

__device__ __forceinline__ Complex load(const Complex& x) { return x; }
__device__ __forceinline__ Complex load(const Stored& x) { const Stored y = x; return {real(y.re), real(y.im)}; }
__device__ __forceinline__ void store(Complex& to, Complex x) { to = x; }
__device__ __forceinline__ void store(Stored& to, Complex x) { to = Stored{rounded<SIGNAL>(x.re), rounded<SIGNAL>(x.im)}; }

// cos(2πk/16), sin(2πk/16) for k = 0, ..., 4
__device__ constexpr double COS[] = {1.0, 0.92387953251128674, 0.70710678118654752, 0.38268343236508977, 0.0};
#define PLACES (N / RADIX)
#define PAIR 2  // signals of a thread in the inverse
#define HALF(q) ((q) / 2 + 1)  // modes of q real points
#define OWN_CONJUGATE(r) (2 * (r) % RADIX == 0)

// The modes 0, ..., Q/2 of the points x[0], x[STEP], ..., x[(Q-1) STEP], by halves.
template <int Q, int STEP>
__device__ __forceinline__ void transform(const REAL* x, REAL* re, REAL* im) {
    if constexpr (Q == 1) { re[0] = x[0]; im[0] = 0; }
    else if constexpr (Q == 2) { re[0] = x[0] + x[STEP]; re[1] = x[0] - x[STEP]; im[0] = im[1] = 0; }
    else {
        REAL even_re[HALF(Q / 2)], even_im[HALF(Q / 2)], odd_re[HALF(Q / 2)], odd_im[HALF(Q / 2)];
        transform<Q / 2, 2 * STEP>(x, even_re, even_im);
        transform<Q / 2, 2 * STEP>(x + STEP, odd_re, odd_im);
#pragma unroll
        for (int k = 0; k <= Q / 4; k++) {
            REAL a = odd_re[k], b = odd_im[k];  // times exp(-2πi k / Q)
            if (k == Q / 4) { const REAL t = a; a = b; b = -t; }
            else if (k > 0) {
                const REAL c = COS[k * (16 / Q)], s = COS[4 - k * (16 / Q)], t = a;
                a = c * t + s * b;
                b = c * b - s * t;
            }
            re[Q / 2 - k] = even_re[k] - a;
            im[Q / 2 - k] = b - even_im[k];
            re[k] = even_re[k] + a;
            im[k] = even_im[k] + b;
        }
    }
}

// The Q points whose modes 0, ..., Q/2 are these, and the rest their conjugates.
template <int Q, int STEP>
__device__ __forceinline__ void inverse(const REAL* re, const REAL* im, REAL* x) {
    if constexpr (Q == 1) x[0] = re[0];
    else if constexpr (Q == 2) { x[0] = re[0] + re[1]; x[STEP] = re[0] - re[1]; }
    else {
        REAL even_re[HALF(Q / 2)], even_im[HALF(Q / 2)], odd_re[HALF(Q / 2)], odd_im[HALF(Q / 2)];
#pragma unroll
        for (int k = 0; k <= Q / 4; k++) {
            const REAL other_im = k == 0 ? REAL(0) : -im[Q / 2 - k], own_im = k == 0 ? REAL(0) : im[k];
            even_re[k] = re[k] + re[Q / 2 - k];
            even_im[k] = own_im + other_im;
            const REAL a = re[k] - re[Q / 2 - k], b = own_im - other_im;  // times exp(2πi k / Q)
            if (k == 0) { odd_re[k] = a; odd_im[k] = b; }
            else if (k == Q / 4) { odd_re[k] = -b; odd_im[k] = a; }
            else {
                const REAL c = COS[k * (16 / Q)], s = COS[4 - k * (16 / Q)];
                odd_re[k] = c * a - s * b;
                odd_im[k] = c * b + s * a;
            }
        }
        inverse<Q / 2, 2 * STEP>(even_re, even_im, x);
        inverse<Q / 2, 2 * STEP>(odd_re, odd_im, x + STEP);
    }
}

// Sums over the lanes of a warp, elementwise: lane l gets the sums l VALUES / 32 and on, in value[0] and on.
template <int VALUES>
__device__ __forceinline__ void sum_over_lanes(REAL (&value)[VALUES]) {
    int count = VALUES;
#pragma unroll
    for (int m = 16; m >= 1; m /= 2) {
        const bool upper = threadIdx.x & m;
        if (count > 1) {
            count /= 2;
#pragma unroll
            for (int j = 0; j < VALUES / 2; j++)
                if (j < count) {
                    const REAL mine = upper ? value[j + count] : value[j], other = upper ? value[j] : value[j + count];
                    value[j] = mine + __shfl_xor_sync(~0u, other, m);
                }
        } else value[0] += __shfl_xor_sync(~0u, value[0], m);
    }
}

// The modes of RADIX points: the real parts of 0, ..., RADIX/2, then the imaginary parts of those that are not real.
struct Modes {
    REAL of[RADIX];
    __device__ __forceinline__ REAL re(int r) const { return of[2 * r > RADIX ? RADIX - r : r]; }
    __device__ __forceinline__ REAL im(int r) const {
        return OWN_CONJUGATE(r) ? REAL(0) : 2 * r > RADIX ? -of[RADIX / 2 + RADIX - r] : of[RADIX / 2 + r];
    }
};

#define WIDTH (RADIX < 8 ? RADIX : RADIX + 4)  // of a lane's modes in shared memory: lanes meet no bank twice

// Signals x (rows, N) -> spectra (rows, M). blockIdx.x is a block of ROWS rows, y one of GROUPS groups of modes. Groups share the work
// on their signals: each transforms every GROUPS-th. The points of the next places are read before the products of these.
extern "C" __global__ void __launch_bounds__(32 * GROUPS * PARTS, BLOCKS)
truncated_transform(const SIGNAL* x, const Complex* table, REAL* spectrum, int64 rows) {
    constexpr int VALUES = 2 * ROWS * MODES, EACH = VALUES < 32 ? 1 : VALUES / 32, OWN = (ROWS + GROUPS - 1) / GROUPS, STEP = 32 * PARTS;
    __shared__ REAL shared[PARTS][GROUPS][VALUES];
    __shared__ alignas(16) REAL exchange[2][PARTS][GROUPS == 1 ? 1 : ROWS][32][WIDTH];
    const int lane = threadIdx.x % 32, group = threadIdx.x / 32 % GROUPS, part = threadIdx.x / (32 * GROUPS);
    const int64 first = (int64)blockIdx.x * ROWS;
    const int lowest = (blockIdx.y * GROUPS + group) * MODES;
    const SIGNAL* row[OWN];
#pragma unroll
    for (int i = 0; i < OWN; i++) row[i] = x + min(first + group + i * GROUPS, rows - 1) * N;
    REAL sum[VALUES] = {}, points[OWN][RADIX];
    const auto read = [&](int s) {
        const int at = min(s, PLACES - 1);
#pragma unroll
        for (int i = 0; i < OWN; i++)
#pragma unroll
            for (int j = 0; j < RADIX; j++) points[i][j] = real(row[i][at + j * PLACES]);
    };
    read(part * 32 + lane);
    for (int from = 0, buffer = 0; from < PLACES; from += STEP, buffer ^= 1) {
        const int s = from + part * 32 + lane;
        const bool there = PLACES % STEP == 0 || s < PLACES;
        Modes modes[GROUPS == 1 ? ROWS : OWN];
#pragma unroll
        for (int i = 0; i < OWN; i++) {
            REAL re[HALF(RADIX)], im[HALF(RADIX)];
            transform<RADIX, 1>(points[i], re, im);
#pragma unroll
            for (int r = 0; 2 * r <= RADIX; r++) {
                if (r < RADIX) modes[i].of[r] = there ? re[r] : REAL(0);
                if (!OWN_CONJUGATE(r)) modes[i].of[RADIX / 2 + r] = there ? im[r] : REAL(0);
            }
        }
        if (GROUPS > 1)
#pragma unroll
            for (int i = 0; i < OWN; i++)
                if (group + i * GROUPS < ROWS)
#pragma unroll
                    for (int r = 0; r < RADIX; r++) exchange[buffer][part][group + i * GROUPS][lane][r] = modes[i].of[r];
        Complex turn[MODES];
#pragma unroll
        for (int k = 0; k < MODES; k++) turn[k] = table[min(lowest + k, M - 1) * PLACES + min(s, PLACES - 1)];
        read(s + STEP);
        if (GROUPS > 1) __syncthreads();
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            Modes own;
            if (GROUPS == 1) own = modes[i];
            else
#pragma unroll
                for (int r = 0; r < RADIX; r++) own.of[r] = exchange[buffer][part][i][lane][r];
#pragma unroll
            for (int k = 0; k < MODES; k++) {
                REAL* to = sum + 2 * (i * MODES + k);
                const REAL a = own.re(k % RADIX), b = own.im(k % RADIX);
                to[0] += turn[k].re * a;
                to[1] += turn[k].im * a;
                if (!OWN_CONJUGATE(k % RADIX)) {
                    to[0] -= turn[k].im * b;
                    to[1] += turn[k].re * b;
                }
            }
        }
    }
    sum_over_lanes(sum);
    const int begin = lane * VALUES / 32;
    if (PARTS > 1) {
#pragma unroll
        for (int v = 0; v < EACH; v++) shared[part][group][begin + v] = sum[v];
        __syncthreads();
        if (part > 0) return;
        for (int p = 1; p < PARTS; p++)
#pragma unroll
            for (int v = 0; v < EACH; v++) sum[v] += shared[p][group][begin + v];
    }
#pragma unroll
    for (int v = 0; v < EACH; v++) {
        const int at = begin + v, i = at / (2 * MODES), k = lowest + at / 2 % MODES;
        if (first + i < rows && k < M && (VALUES >= 32 || lane % (32 / VALUES) == 0))
            spectrum[2 * ((first + i) * M + k) + at % 2] = sum[v];
    }
}

// What the inverse transform multiplies mode k by: m_k / N, where m_k is 1 for the modes 0 and N/2, which are their own conjugates,
// and else 2.
__device__ __forceinline__ REAL weight_of(int64 k) { return (k == 0 || 2 * k == N ? REAL(1) : REAL(2)) / N; }

// Spectra (rows, M) -> signals y (rows, N): Σ_k weight_of(k) Re(spectrum_k exp(2πi k t / N)). blockIdx.x is a block of PAIR rows, y a
// part of the places.
extern "C" __global__ void __launch_bounds__(128, 5)
truncated_inverse(const Complex* spectrum, const Complex* table, SIGNAL* y, int64 rows) {
    constexpr int ALL = (M + RADIX - 1) / RADIX * RADIX;
    struct alignas(PAIR * sizeof(Complex) < 16 ? 8 : 16) Column { Complex of[PAIR]; };
    __shared__ Column modes[ALL];  // times their weights, and 0 beyond the last
    const int64 first = (int64)blockIdx.x * PAIR;
    for (int at = threadIdx.x; at < ALL * PAIR; at += blockDim.x) {
        const int k = at % ALL, i = at / ALL;
        const Complex c = spectrum[min(first + i, rows - 1) * M + min(k, M - 1)];
        const REAL f = k < M ? weight_of(k) * (OWN_CONJUGATE(k % RADIX) ? REAL(1) : REAL(0.5)) : REAL(0);
        modes[k].of[i] = {f * c.re, f * c.im};
    }
    __syncthreads();
    for (int s = blockIdx.y * blockDim.x + threadIdx.x; s < PLACES; s += blockDim.x * gridDim.y) {
        REAL re[PAIR][HALF(RADIX)] = {}, im[PAIR][HALF(RADIX)] = {};
        for (int lowest = 0; lowest < M; lowest += RADIX) {
            Complex turn[RADIX];
#pragma unroll
            for (int r = 0; r < RADIX; r++) turn[r] = table[min(lowest + r, M - 1) * PLACES + s];
#pragma unroll
            for (int r = 0; r < RADIX; r++) {
                const int bin = 2 * r > RADIX ? RADIX - r : r;
                const Column column = modes[lowest + r];
#pragma unroll
                for (int i = 0; i < PAIR; i++) {
                    const Complex c = column.of[i];
                    re[i][bin] += turn[r].re * c.re;
                    re[i][bin] += turn[r].im * c.im;
                    if (!OWN_CONJUGATE(r)) {
                        const REAL sign = 2 * r > RADIX ? -1 : 1;
                        im[i][bin] += sign * turn[r].re * c.im;
                        im[i][bin] -= sign * turn[r].im * c.re;
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < PAIR; i++) {
            REAL points[RADIX];
            inverse<RADIX, 1>(re[i], im[i], points);
            if (first + i < rows)
#pragma unroll
                for (int j = 0; j < RADIX; j++) y[(first + i) * N + s + j * PLACES] = rounded<SIGNAL>(points[j]);
        }
    }
}

// out[p, q] = f Σ_r a[p, r] b[r, q] for each of M modes, the innermost axis of all; an array's strides are in rows of M numbers.
// CONJUGATE: 0 neither, 1 a, 2 b. WEIGHTS: whether f is weight_of(k), else 1. blockIdx.x is a block of TALL outputs; a block's threads
// are (SPLIT, ACROSS): threads with the same place among the ACROSS add up every SPLIT-th term each.
template <int CONJUGATE, bool WEIGHTS, class A, class B, class Out>
__device__ __forceinline__ void product(const A* a, int64 a_p, int64 a_r, const B* b, int64 b_r, int64 b_q, Out* out, int64 ps, int64 qs,
                                        int64 rs) {
    __shared__ Complex shared[SPLIT][TALL * BROAD][ACROSS];
    const int across = threadIdx.x % ACROSS, split = threadIdx.x / ACROSS;
    const int64 i = (int64)blockIdx.y * ACROSS + across, k = i % M, q = i / M * BROAD, p = (int64)blockIdx.x * TALL;
    const A* row[TALL];
    const B* column[BROAD];
#pragma unroll
    for (int j = 0; j < TALL; j++) row[j] = a + min(p + j, ps - 1) * a_p * M + k;
#pragma unroll
    for (int j = 0; j < BROAD; j++) column[j] = b + min(q + j, qs - 1) * b_q * M + k;
    Complex sum[TALL][BROAD] = {};
#pragma unroll 4
    for (int r = split; r < rs; r += SPLIT) {
        Complex x[TALL], y[BROAD];
#pragma unroll
        for (int j = 0; j < TALL; j++) x[j] = load(row[j][r * a_r * M]);
#pragma unroll
        for (int j = 0; j < BROAD; j++) y[j] = load(column[j][r * b_r * M]);
#pragma unroll
        for (int g = 0; g < TALL; g++)
#pragma unroll
            for (int h = 0; h < BROAD; h++) {
                const REAL u = CONJUGATE == 1 ? -x[g].im : x[g].im, v = CONJUGATE == 2 ? -y[h].im : y[h].im;
                sum[g][h].re += x[g].re * y[h].re;
                sum[g][h].re -= u * v;
                sum[g][h].im += x[g].re * v;
                sum[g][h].im += u * y[h].re;
            }
    }
#pragma unroll
    for (int j = 0; j < TALL * BROAD; j++) shared[split][j][across] = sum[j / BROAD][j % BROAD];
    __syncthreads();
    for (int j = split; j < TALL * BROAD; j += SPLIT) {
        const int64 p_ = p + j / BROAD, q_ = q + j % BROAD;
        Complex total = shared[0][j][across];
#pragma unroll
        for (int g = 1; g < SPLIT; g++) { total.re += shared[g][j][across].re; total.im += shared[g][j][across].im; }
        const REAL f = WEIGHTS ? weight_of(k) : REAL(1);
        if (p_ < ps && q_ < qs) store(out[(p_ * qs + q_) * M + k], {f * total.re, f * total.im});
    }
}

// x (B, C), weight (C, O) -> (B, O)
extern "C" __global__ void mix(const Complex* x, const Stored* weight, Complex* out, int64 B, int64 C, int64 O) {
    product<0, false>(x, C, 1, weight, O, 1, out, B, O, C);
}
// The gradient of x: g (B, O), weight (C, O) -> (B, C)
extern "C" __global__ void mix_back(const Complex* g, const Stored* weight, Complex* out, int64 B, int64 C, int64 O) {
    product<2, false>(g, O, 1, weight, 1, O, out, B, C, O);
}
// The gradient of the weight: x (B, C), g (B, O) -> (C, O), times the weights of the modes
extern "C" __global__ void weight_gradient(const Complex* x, const Complex* g, Stored* out, int64 B, int64 C, int64 O) {
    product<1, true>(x, 1, C, g, O, 1, out, C, O, B);
}
