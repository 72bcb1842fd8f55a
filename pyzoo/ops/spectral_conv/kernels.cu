// The spectral convolution's truncated transform, its inverse, and the products of modes between them. Compiled by NVRTC with these
// macros:
//   SIGNAL       float | double | bf16 | half: the type of signals and weights;  REAL: float | double, that of spectra and arithmetic
//   N, M         points and modes;  RADIX: 1, 2, 4, 8 or 16, a divisor of N
//   ROWS         signals of a block of the transform
//   CLASSES, TURNS  how many r and q (below) a group of warps has;  GROUPS: groups of a block, all that there are
//   PARTS        warps of a group, which share its points
//   BLOCKS       blocks that a multiprocessor must have room for: bounds the registers
//   TALL, BROAD  outputs of a thread in a product of modes;  SPLIT: threads that share a sum
//                there;  ACROSS: sums of a block
//
// With t = s + PLACES τ, PLACES = N / RADIX, mode k of a signal is Σ_s exp(-2πi k s / N) D_s[k mod RADIX], where D_s is the transform of
// the RADIX points x[s], x[s + PLACES], ... alone. A thread computes D_s in registers. With SHIFT = RADIX / 2, z = exp(-2πi (r - SHIFT) s
// / N) D_s[r] and v = exp(-2πi (RADIX q + SHIFT) s / N), the modes RADIX q + r and RADIX (q + 1) - r have the terms z v and conj(z) v: four
// products, Re z Re v, Im z Im v, Re z Im v and Im z Re v, serve them both (Lean: Spec.mode_pair), and a thread keeps the sums of these over
// s for its signals, r and q. Where r is 0 there is no second mode; SHIFT, whose D_s is real, shares its place. The inverse goes the same
// way back (Spec.signal_pair). `table` (BINS + ALL_TURNS, PLACES) holds the factors of D_s, then the v. No branch keeps loads from running
// ahead: what is beyond the last q or signal repeats the last, and is not stored.

struct alignas(2 * sizeof(REAL)) Complex { REAL re, im; };
struct alignas(2 * sizeof(SIGNAL)) Stored { SIGNAL re, im; };  // of a weight

__device__ __forceinline__ Complex load(const Complex& x) { return x; }
__device__ __forceinline__ Complex load(const Stored& x) { const Stored y = x; return {real(y.re), real(y.im)}; }
__device__ __forceinline__ void store(Complex& to, Complex x) { to = x; }
__device__ __forceinline__ void store(Stored& to, Complex x) { to = Stored{rounded<SIGNAL>(x.re), rounded<SIGNAL>(x.im)}; }

// cos(2πk/16), sin(2πk/16) for k = 0, ..., 4
__device__ constexpr double COS[] = {1.0, 0.92387953251128674, 0.70710678118654752, 0.38268343236508977, 0.0};
#define PLACES (N / RADIX)
#define SHIFT (RADIX / 2)
#define BINS (SHIFT + 1)                        // the r: modes of RADIX real points that are not conjugates of others
#define ALL_CLASSES (SHIFT > 0 ? SHIFT : 1)     // the r but SHIFT
#define ALL_TURNS ((M + RADIX - 1) / RADIX)     // the q
#define PAIRED(r) (0 < (r) && 2 * (r) < RADIX)  // whether an r has two modes for each q
#define PAIR 2  // signals of a thread in the inverse
#define HALF(q) ((q) / 2 + 1)  // modes of q real points

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
    static_assert(VALUES % 32 == 0, "as many sums for every lane");
#pragma unroll
    for (int m = 16, count = VALUES / 2; m >= 1; m /= 2, count /= 2) {
        const bool upper = threadIdx.x & m;
#pragma unroll
        for (int j = 0; j < VALUES / 2; j++)
            if (j < count) {
                const REAL mine = upper ? value[j + count] : value[j], other = upper ? value[j] : value[j + count];
                value[j] = mine + __shfl_xor_sync(~0u, other, m);
            }
    }
}

// A mode that is its own conjugate is real.
__device__ __forceinline__ bool is_real(int k) { return k == 0 || 2 * k == N; }

// Signals x (rows, N) -> spectra (rows, M). blockIdx.x is a block of ROWS rows. Groups share the work on them: each transforms every
// GROUPS-th. The points of the next places are read before the products of these.
extern "C" __global__ void __launch_bounds__(32 * GROUPS * PARTS, BLOCKS)
truncated_transform(const SIGNAL* x, const Complex* table, Complex* spectrum, int64 rows) {
    constexpr int UNITS = ROWS * CLASSES * TURNS, VALUES = (4 * UNITS + 31) / 32 * 32, EACH = VALUES / 32;
    constexpr int ACROSS_CLASSES = ALL_CLASSES / CLASSES, OWN = (ROWS + GROUPS - 1) / GROUPS, STEP = 32 * PARTS;
    __shared__ REAL totals[PARTS][GROUPS][VALUES];
    __shared__ Complex exchange[2][PARTS][ROWS][ALL_CLASSES][32];
    const int lane = threadIdx.x % 32, group = threadIdx.x / 32 % GROUPS, part = threadIdx.x / (32 * GROUPS);
    const int lowest = group % ACROSS_CLASSES * CLASSES, earliest = group / ACROSS_CLASSES * TURNS;
    const int64 first = (int64)blockIdx.x * ROWS;
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
        const int s = from + part * 32 + lane, at = min(s, PLACES - 1);
        const bool there = PLACES % STEP == 0 || s < PLACES;
        Complex own[OWN][ALL_CLASSES];  // D_s[r]; with D_s[0], which is real, D_s[SHIFT] as imaginary part
#pragma unroll
        for (int i = 0; i < OWN; i++) {
            REAL re[BINS], im[BINS];
            transform<RADIX, 1>(points[i], re, im);
            im[0] = SHIFT > 0 ? re[SHIFT] : REAL(0);
#pragma unroll
            for (int r = 0; r < ALL_CLASSES; r++) {
                own[i][r] = {there ? re[r] : REAL(0), there ? im[r] : REAL(0)};
                if (GROUPS > 1 && group + i * GROUPS < ROWS) exchange[buffer][part][group + i * GROUPS][r][lane] = own[i][r];
            }
        }
        Complex factor[CLASSES], turn[TURNS];
#pragma unroll
        for (int i = 0; i < CLASSES; i++) factor[i] = table[(lowest + i) * PLACES + at];
#pragma unroll
        for (int q = 0; q < TURNS; q++) turn[q] = table[(BINS + min(earliest + q, ALL_TURNS - 1)) * PLACES + at];
        read(s + STEP);
        if (GROUPS > 1) __syncthreads();
#pragma unroll
        for (int i = 0; i < CLASSES; i++)
#pragma unroll
            for (int j = 0; j < ROWS; j++) {
                Complex d;
                if constexpr (GROUPS == 1) d = own[j][i];
                else d = exchange[buffer][part][j][lowest + i][lane];
                const Complex f = factor[i];
                REAL* to = sum + 4 * (i * ROWS + j) * TURNS;
                if (lowest + i == 0) {
                    const Complex z = {f.re * d.re, f.im * d.re};
#pragma unroll
                    for (int q = 0; q < TURNS; q++, to += 4) {
                        to[0] += z.re * turn[q].re;
                        to[0] -= z.im * turn[q].im;
                        to[1] += z.re * turn[q].im;
                        to[1] += z.im * turn[q].re;
                        to[2] += d.im * turn[q].re;
                        to[3] += d.im * turn[q].im;
                    }
                } else {
                    const Complex z = {f.re * d.re - f.im * d.im, f.re * d.im + f.im * d.re};
#pragma unroll
                    for (int q = 0; q < TURNS; q++, to += 4) {
                        to[0] += z.re * turn[q].re;
                        to[1] += z.im * turn[q].im;
                        to[2] += z.re * turn[q].im;
                        to[3] += z.im * turn[q].re;
                    }
                }
            }
    }
    sum_over_lanes(sum);
#pragma unroll
    for (int v = 0; v < EACH; v++) totals[part][group][lane * EACH + v] = sum[v];
    __syncthreads();
    for (int at = threadIdx.x; at < GROUPS * UNITS; at += 32 * GROUPS * PARTS) {
        const int g = at / UNITS, unit = at % UNITS;
        const int r = g % ACROSS_CLASSES * CLASSES + unit / (ROWS * TURNS), q = g / ACROSS_CLASSES * TURNS + unit % TURNS;
        const int64 i = first + unit / TURNS % ROWS;
        REAL t[4] = {};
        for (int p = 0; p < PARTS; p++)
#pragma unroll
            for (int v = 0; v < 4; v++) t[v] += totals[p][g][4 * unit + v];
        const auto store = [&](int k, REAL re, REAL im) {
            if (i < rows && k < M) spectrum[i * M + k] = {re, is_real(k) ? REAL(0) : im};
        };
        if (r > 0) {
            store(RADIX * q + r, t[0] - t[1], t[2] + t[3]);
            store(RADIX * (q + 1) - r, t[0] + t[1], t[2] - t[3]);
        } else {
            store(RADIX * q, t[0], t[1]);
            if (SHIFT > 0) store(RADIX * q + SHIFT, t[2], t[3]);
        }
    }
}

// What the inverse transform multiplies mode k by: m_k / N, where m_k is 1 for the modes 0 and N/2, which are their own conjugates,
// and else 2.
__device__ __forceinline__ REAL weight_of(int64 k) { return (is_real(k) ? REAL(1) : REAL(2)) / N; }

// Spectra (rows, M) -> signals y (rows, N): Σ_k weight_of(k) Re(spectrum_k exp(2πi k t / N)). blockIdx.x is a block of PAIR rows, y a
// part of the places. The modes RADIX q + r and RADIX (q + 1) - r, a and b times their weights, give Re v Re(a + b) + Im v Im(a + b) to the
// real part and Re v Im(a - b) - Im v Re(a - b) to the imaginary one.
extern "C" __global__ void __launch_bounds__(128, 5)
truncated_inverse(const Complex* spectrum, const Complex* table, SIGNAL* y, int64 rows) {
    struct alignas(16) Both { Complex sum, difference; };
    __shared__ Both modes[PAIR][ALL_TURNS][BINS];
    const int64 first = (int64)blockIdx.x * PAIR;
    for (int at = threadIdx.x; at < PAIR * ALL_TURNS * BINS; at += blockDim.x) {
        const int i = at / (ALL_TURNS * BINS), q = at / BINS % ALL_TURNS, r = at % BINS;
        const auto mode = [&](bool there, int k) {
            const Complex c = spectrum[min(first + i, rows - 1) * M + min(k, M - 1)];
            const REAL f = there && k < M ? weight_of(k) * (PAIRED(r) ? REAL(0.5) : REAL(1)) : REAL(0);
            return Complex{f * c.re, is_real(k) ? REAL(0) : f * c.im};
        };
        const Complex a = mode(true, RADIX * q + r), b = mode(PAIRED(r), RADIX * (q + 1) - r);
        modes[i][q][r] = {{a.re + b.re, a.im + b.im}, {a.re - b.re, a.im - b.im}};
    }
    __syncthreads();
    for (int s = blockIdx.y * blockDim.x + threadIdx.x; s < PLACES; s += blockDim.x * gridDim.y) {
        asm volatile("" ::: "memory");  // the modes are read anew for each place: all at once they don't fit the registers
        REAL re[PAIR][BINS] = {}, im[PAIR][BINS] = {};
        Complex factor[BINS];
#pragma unroll
        for (int r = 0; r < BINS; r++) factor[r] = table[r * PLACES + s];
        Complex next = table[BINS * PLACES + s];
#pragma unroll 1
        for (int q = 0; q < ALL_TURNS; q++) {
            const Complex turn = next;
            next = table[(BINS + min(q + 1, ALL_TURNS - 1)) * PLACES + s];
#pragma unroll
            for (int r = 0; r < BINS; r++)
#pragma unroll
                for (int i = 0; i < PAIR; i++) {
                    const Both both = modes[i][q][r];
                    re[i][r] += turn.re * both.sum.re;
                    re[i][r] += turn.im * both.sum.im;
                    if (r != SHIFT) {
                        im[i][r] += turn.re * both.difference.im;
                        im[i][r] -= turn.im * both.difference.re;
                    }
                }
        }
#pragma unroll
        for (int i = 0; i < PAIR; i++) {
            REAL points[RADIX];
#pragma unroll
            for (int r = 0; r < BINS; r++)
                if (r != SHIFT) {
                    const REAL a = re[i][r], b = im[i][r];
                    re[i][r] = factor[r].re * a + factor[r].im * b;
                    im[i][r] = factor[r].re * b - factor[r].im * a;
                }
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
