// The spectral convolution's truncated transform and its inverse. Macros beside those of common.cuh:
//   RADIX   1, 2, 4, 8 or 16, a divisor of N
//   TURNS   how many q (below) a block of the transform has;  GROUPS: blocks that it takes to have them all
//   PARTS   warps of a block, which share the signal's points;  STAGES: steps of a warp whose points have room in shared memory
//   REQUEST 16, 8, 4 or 2: how much of a signal a thread asks for at once, a divisor of the size of PLACES points
//   BLOCKS  blocks that a multiprocessor must have room for: bounds the registers
//
// With t = s + PLACES τ, PLACES = N / RADIX, mode k of a signal is Σ_s exp(-2πi k s / N) D_s[k mod RADIX], where D_s is the transform of
// the RADIX points x[s], x[s + PLACES], ... alone. A thread computes D_s in registers. With SHIFT = RADIX / 2, z = exp(-2πi (r - SHIFT) s
// / N) D_s[r] and v = exp(-2πi (RADIX q + SHIFT) s / N), the modes RADIX q + r and RADIX (q + 1) - r have the terms z v and conj(z) v: four
// products, Re z Re v, Im z Im v, Re z Im v and Im z Re v, serve them both (Lean: Spec.mode_pair), and a thread keeps the sums of these over
// s for all r and its q. Where r is 0 there is no second mode; SHIFT, whose D_s is real, shares its place. The inverse goes the same
// way back (Spec.signalAt_hermitian). `table` (BINS + ALL_TURNS, PLACES) holds the factors of D_s, then the v. No branch keeps loads from
// running ahead: what is beyond the last q or signal repeats the last, and is not stored; points beyond the last place are 0.

// cos(2πk/16), sin(2πk/16) for k = 0, ..., 4
__device__ constexpr double COS[] = {1.0, 0.92387953251128674, 0.70710678118654752, 0.38268343236508977, 0.0};
#define PLACES (N / RADIX)
#define SHIFT (RADIX / 2)
#define BINS (SHIFT + 1)                        // the r: modes of RADIX real points that are not conjugates of others
#define CLASSES (SHIFT > 0 ? SHIFT : 1)         // the r but SHIFT
#define ALL_TURNS ((M + RADIX - 1) / RADIX)     // the q
#define PAIRED(r) (0 < (r) && 2 * (r) < RADIX)  // whether an r has two modes for each q
#define PAIR 2  // signals of a thread in the inverse
#define HALF(q) ((q) / 2 + 1)  // modes of q real points

// The modes 0, ..., Q/2 of the points x[0], x[STEP], ..., x[(Q-1) STEP], by halves (Spec.dft_real_halves).
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

// The Q points whose modes 0, ..., Q/2 are these, and the rest their conjugates (Spec.dft_alternate).
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

// Ask for a signal's points at 32 places, or for zeros beyond the last place.
__device__ __forceinline__ void request(SIGNAL (&to)[RADIX][32], const SIGNAL* signal, int from) {
    constexpr int POINTS = REQUEST / sizeof(SIGNAL), ACROSS = 32 / POINTS;
#pragma unroll
    for (int at = threadIdx.x % 32; at < RADIX * ACROSS; at += 32) {
        const int j = at / ACROSS, i = at % ACROSS * POINTS;
        const bool there = from + i < PLACES;
        const SIGNAL* source = signal + j * PLACES + (there ? from + i : 0);
        if constexpr (REQUEST >= 4) bring<REQUEST>(&to[j][i], source, there);
        else to[j][i] = there ? *source : SIGNAL{};
    }
    brought_later();
}

// Signals x (rows, N) -> spectra (rows, M). A block is a signal and TURNS of its q. While a warp works on the points of one step, those
// of the STAGES - 1 after it are on their way, and it waits for no other warp.
extern "C" __global__ void __launch_bounds__(32 * PARTS, BLOCKS)
truncated_transform(const SIGNAL* x, const Complex* table, Complex* spectrum) {
    constexpr int UNITS = CLASSES * TURNS, VALUES = (4 * UNITS + 31) / 32 * 32, EACH = VALUES / 32, STEP = 32 * PARTS;
    __shared__ alignas(16) SIGNAL queue[PARTS][STAGES][RADIX][32];
    __shared__ REAL totals[PARTS][VALUES];
    const int lane = threadIdx.x % 32, part = threadIdx.x / 32, earliest = blockIdx.x % GROUPS * TURNS;
    const int64 row = blockIdx.x / GROUPS;
    const SIGNAL* signal = x + row * N;
    REAL sum[VALUES] = {};
#pragma unroll
    for (int ahead = 0; ahead < STAGES - 1; ahead++) request(queue[part][ahead], signal, part * 32 + ahead * STEP);
    for (int from = part * 32, stage = 0; from < PLACES; from += STEP, stage = (stage + 1) % STAGES) {
        REAL points[RADIX], re[BINS], im[BINS];
        brought<STAGES - 2>();
        __syncwarp();
#pragma unroll
        for (int j = 0; j < RADIX; j++) points[j] = real(queue[part][stage][j][lane]);
        request(queue[part][(stage + STAGES - 1) % STAGES], signal, from + (STAGES - 1) * STEP);
        const int at = min(from + lane, PLACES - 1);
        Complex factor[CLASSES], turn[TURNS];
#pragma unroll
        for (int r = 0; r < CLASSES; r++) factor[r] = table[r * PLACES + at];
#pragma unroll
        for (int q = 0; q < TURNS; q++) turn[q] = table[(BINS + min(earliest + q, ALL_TURNS - 1)) * PLACES + at];
        transform<RADIX, 1>(points, re, im);
#pragma unroll
        for (int r = 0; r < CLASSES; r++) {
            const Complex f = factor[r];
            const Complex z = r == 0 ? Complex{f.re * re[0], f.im * re[0]}
                                     : Complex{f.re * re[r] - f.im * im[r], f.re * im[r] + f.im * re[r]};
#pragma unroll
            for (int q = 0; q < TURNS; q++) {
                REAL* to = sum + 4 * (r * TURNS + q);
                to[0] += z.re * turn[q].re;
                to[r == 0 ? 0 : 1] += (r == 0 ? -z.im : z.im) * turn[q].im;
                to[r == 0 ? 1 : 2] += z.re * turn[q].im;
                to[r == 0 ? 1 : 3] += z.im * turn[q].re;
                if (r == 0 && SHIFT > 0) {
                    to[2] += re[SHIFT] * turn[q].re;
                    to[3] += re[SHIFT] * turn[q].im;
                }
            }
        }
    }
    sum_over_lanes(sum);
#pragma unroll
    for (int v = 0; v < EACH; v++) totals[part][lane * EACH + v] = sum[v];
    __syncthreads();
    for (int unit = threadIdx.x; unit < UNITS; unit += STEP) {
        const int r = unit / TURNS, q = earliest + unit % TURNS;
        REAL t[4] = {};
        for (int p = 0; p < PARTS; p++)
#pragma unroll
            for (int v = 0; v < 4; v++) t[v] += totals[p][4 * unit + v];
        const auto store = [&](int k, REAL re, REAL im) {
            if (k < M) spectrum[row * M + k] = {re, is_real(k) ? REAL(0) : im};
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
