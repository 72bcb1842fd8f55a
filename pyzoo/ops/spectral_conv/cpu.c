// The lowest modes of real signals in fp32, and the signals of lowest modes, on a CPU; n is a multiple of RADIX.
//
// With t = s + PLACES τ, PLACES = n / RADIX, the transform is Σ_s exp(-2πi k s / n) D_s[k mod RADIX], where D_s is the transform of the
// RADIX points x[s], x[s + PLACES], ... alone. W places stand in a vector; a tile is TILE of these, for ROWS signals, and stays in the
// first-level cache. The inverse goes the same way back. Spectra are stored as (row, real and imaginary part, mode), with modes up to a
// multiple of W. Each function is called for the numbers first, ..., end - 1 of what it is of, and those are independent: so each
// thread takes some.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RADIX 16
#define W 16
#define TILE 8
#define ROWS 2
#define SIGNALS 16  // that a product of modes has at a time
#define HALF (RADIX / 2 + 1)  // modes of RADIX real points
typedef float vec __attribute__((vector_size(4 * W)));
#define INLINE static inline __attribute__((always_inline))

typedef struct {
    const float *in, *table;  // signals (rows, n) or spectra; (M, 2, vectors, W), back (vectors, M, 2, W)
    float* out;               // the other
    int64_t rows, n, M;
} Transform;
typedef struct {
    const float *x, *g, *weight, *scale;  // spectra of (B, C) and (B, O) signals; (C, O, M, 2); of modes, up to a multiple of W
    float* out;
    int64_t B, C, O, M;
} Product;

static int64_t padded(int64_t modes) { return (modes + W - 1) / W * W; }
INLINE vec load(const float* from, int64_t live) {
    vec x = {};
    if (live >= W) memcpy(&x, from, sizeof x);
    else memcpy(&x, from, 4 * live);
    return x;
}
INLINE void store(float* to, vec x, int64_t live) {
    if (live >= W) memcpy(to, &x, sizeof x);
    else memcpy(to, &x, 4 * live);
}
// The sums of W = 16 vectors: halves of two vectors are added side by side, then quarters, eighths, and single numbers.
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define FOLD(half, low, high) \
    for (int i = 0; i < half; i++) \
        x[i] = __builtin_shufflevector(x[i], x[i + half], low) + __builtin_shufflevector(x[i], x[i + half], high);
INLINE vec totals(vec* x) {
    FOLD(8, LOW_8, HIGH_8)
    FOLD(4, LOW_4, HIGH_4)
    FOLD(2, LOW_2, HIGH_2)
    FOLD(1, LOW_1, HIGH_1)
    return x[0];
}

// cos(2πk/16), k = 0, ..., 4
static const float COS[] = {1.0f, 0.92387953251128674f, 0.70710678118654752f, 0.38268343236508977f, 0.0f};

// The signs of imaginary parts where modes modulo RADIX = W are conjugates of lower ones.
static const vec CONJUGATE = {1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1};

// The modes 0, ..., q/2 of q points from those of the even and of the odd ones.
INLINE void join(int q, const vec* even_re, const vec* even_im, const vec* odd_re, const vec* odd_im, vec* re, vec* im) {
    for (int k = 0; k <= q / 4; k++) {
        const float c = COS[k * (16 / q)], s = COS[4 - k * (16 / q)];  // odd times exp(-2πi k / q)
        const vec a = k == 0 ? odd_re[k] : k == q / 4 ? odd_im[k] : c * odd_re[k] + s * odd_im[k];
        const vec b = k == 0 ? odd_im[k] : k == q / 4 ? -odd_re[k] : c * odd_im[k] - s * odd_re[k];
        re[q / 2 - k] = even_re[k] - a;
        im[q / 2 - k] = b - even_im[k];
        re[k] = even_re[k] + a;
        im[k] = even_im[k] + b;
    }
}
INLINE void modes2(const vec* x, int step, vec* re, vec* im) {
    re[0] = x[0] + x[step], re[1] = x[0] - x[step];
    im[0] = im[1] = (vec){};
}
#define MODES(q, half)                                                       \
    INLINE void modes##q(const vec* x, int step, vec* re, vec* im) {         \
        vec even_re[q / 4 + 1], even_im[q / 4 + 1], odd_re[q / 4 + 1], odd_im[q / 4 + 1]; \
        modes##half(x, 2 * step, even_re, even_im);                          \
        modes##half(x + step, 2 * step, odd_re, odd_im);                     \
        join(q, even_re, even_im, odd_re, odd_im, re, im);                   \
    }
MODES(4, 2)
MODES(8, 4)
MODES(16, 8)

// The way back: q points whose modes 0, ..., q/2 are these, and the rest their conjugates.
INLINE void part(int q, const vec* re, const vec* im, vec* even_re, vec* even_im, vec* odd_re, vec* odd_im) {
    for (int k = 0; k <= q / 4; k++) {
        const float c = COS[k * (16 / q)], s = COS[4 - k * (16 / q)];  // odd times exp(2πi k / q)
        const vec zero = {}, a = re[k] - re[q / 2 - k], own = k ? im[k] : zero, other = k ? im[q / 2 - k] : zero, b = own + other;
        even_re[k] = re[k] + re[q / 2 - k];
        even_im[k] = own - other;
        odd_re[k] = k == 0 ? a : k == q / 4 ? -b : c * a - s * b;
        odd_im[k] = k == 0 ? b : k == q / 4 ? a : c * b + s * a;
    }
}
INLINE void points2(const vec* re, const vec* im, int step, vec* x) { x[0] = re[0] + re[1], x[step] = re[0] - re[1]; }
#define POINTS(q, half)                                                      \
    INLINE void points##q(const vec* re, const vec* im, int step, vec* x) {  \
        vec even_re[q / 4 + 1], even_im[q / 4 + 1], odd_re[q / 4 + 1], odd_im[q / 4 + 1]; \
        part(q, re, im, even_re, even_im, odd_re, odd_im);                   \
        points##half(even_re, even_im, 2 * step, x);                         \
        points##half(odd_re, odd_im, 2 * step, x + step);                    \
    }
POINTS(4, 2)
POINTS(8, 4)
POINTS(16, 8)

// Signals to modes; of blocks of ROWS signals.
int forward(const Transform* p, int64_t first, int64_t end) {
    const int64_t M = p->M, all = padded(M), places = p->n / RADIX, vectors = (places + W - 1) / W;
    vec* sums = aligned_alloc(sizeof(vec), ROWS * 2 * all * sizeof(vec));  // (ROWS, 2, all)
    if (!sums) return 1;
    for (int64_t row = first * ROWS; row < end * ROWS && row < p->rows; row += ROWS) {
        const int rows = p->rows - row < ROWS ? p->rows - row : ROWS;
        memset(sums, 0, ROWS * 2 * all * sizeof(vec));
        for (int64_t from = 0; from < vectors; from += TILE) {
            const int tile = vectors - from < TILE ? vectors - from : TILE;
            vec re[HALF][TILE][ROWS], im[HALF][TILE][ROWS];
            for (int v = 0; v < tile; v++)
                for (int r = 0; r < ROWS; r++) {
                    const int64_t s = (from + v) * W;
                    vec x[RADIX], own_re[HALF], own_im[HALF];
                    const float* signal = p->in + (row + (r < rows ? r : 0)) * p->n + s;
                    for (int i = 0; i < RADIX; i++) x[i] = load(signal + i * places, places - s);
                    modes16(x, 1, own_re, own_im);
                    for (int q = 0; q < HALF; q++) re[q][v][r] = own_re[q], im[q][v][r] = own_im[q];
                }
            for (int64_t k = 0; k < M; k++) {
                const int folded = k % RADIX >= HALF, q = folded ? RADIX - k % RADIX : k % RADIX;
                const vec* table = (const vec*)p->table + 2 * k * vectors + from;
                vec sum[ROWS][2];
                for (int i = 0; i < 2 * ROWS; i++) sum[i / 2][i % 2] = sums[i * all + k];
                for (int v = 0; v < tile; v++) {
                    const vec c = table[v], s = folded ? -table[vectors + v] : table[vectors + v];
                    for (int r = 0; r < ROWS; r++) {  // of a folded mode the conjugate
                        sum[r][0] += c * re[q][v][r] - s * im[q][v][r];
                        sum[r][1] += c * im[q][v][r] + s * re[q][v][r];
                    }
                }
                for (int i = 0; i < 2 * ROWS; i++) sums[i * all + k] = sum[i / 2][i % 2];
            }
        }
        for (int i = 0; i < 2 * rows; i++)
            for (int64_t k = 0; k < all; k += W) {
                const vec sum = totals(sums + i * all + k);
                store(p->out + (2 * row + i) * all + k, i % 2 ? sum * CONJUGATE : sum, W);
            }
    }
    free(sums);
    return 0;
}

// Modes to signals; of blocks of ROWS signals. The table has the modes' weights, halved where a mode of RADIX points stands for its
// conjugate too.
int inverse(const Transform* p, int64_t first, int64_t end) {
    const int64_t M = p->M, all = padded(M), places = p->n / RADIX, vectors = (places + W - 1) / W;
    for (int64_t row = first * ROWS; row < end * ROWS && row < p->rows; row += ROWS) {
        const int rows = p->rows - row < ROWS ? p->rows - row : ROWS;
        for (int64_t v = 0; v < vectors; v++) {
            vec re[ROWS][HALF], im[ROWS][HALF];
            for (int q = 0; q < HALF; q++) {
                vec sum[ROWS][2] = {};
                for (int64_t base = 0; base < M + RADIX; base += RADIX)
                    for (int folded = 0; folded < 2; folded++) {
                        const int64_t k = folded ? base - q : base + q;
                        if (k < 0 || k >= M || (folded && 2 * q % RADIX == 0)) continue;
                        const vec *table = (const vec*)p->table + 2 * (v * M + k), c = table[0], s = table[1];
                        for (int r = 0; r < ROWS; r++) {
                            const float* at = p->in + 2 * (row + (r < rows ? r : 0)) * all + k;
                            const float a = at[0], b = at[all];
                            sum[r][0] += a * c - b * s;
                            const vec turned = a * s + b * c;
                            sum[r][1] += folded ? -turned : turned;
                        }
                    }
                for (int r = 0; r < ROWS; r++) re[r][q] = sum[r][0], im[r][q] = sum[r][1];
            }
            for (int r = 0; r < rows; r++) {
                vec x[RADIX];
                points16(re[r], im[r], 1, x);
                float* signal = p->out + (row + r) * p->n + v * W;
                for (int i = 0; i < RADIX; i++) store(signal + i * places, x[i], places - v * W);
            }
        }
    }
    return 0;
}

// W complex numbers of pairs, 0 beyond `live`; and back.
INLINE void read_pairs(const float* from, int64_t live, vec* re, vec* im) {
    const vec a = load(from, 2 * live), b = 2 * live > W ? load(from + W, 2 * live - W) : (vec){};
    *re = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    *im = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}
INLINE void write_pairs(float* to, int64_t live, vec re, vec im) {
    store(to, __builtin_shufflevector(re, im, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), 2 * live);
    if (2 * live > W)
        store(to + W, __builtin_shufflevector(re, im, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 2 * live - W);
}
// y += x w, or y += x conj(w), for `count` spectra, `from` and `to` numbers apart.
INLINE void add_products(const float* x, int64_t from, float* y, int64_t to, int64_t count, int64_t all, vec re, vec im) {
    for (int64_t b = 0; b < count; b++, x += from, y += to) {
        const vec a = load(x, W), c = load(x + all, W);
        store(y, load(y, W) + (a * re - c * im), W);
        store(y + all, load(y + all, W) + (a * im + c * re), W);
    }
}

// out (B, O): Σ_c x weight; of outputs o.
int product(const Product* p, int64_t first, int64_t end) {
    const int64_t all = padded(p->M);
    for (int64_t b = 0; b < p->B; b++) memset(p->out + 2 * (b * p->O + first) * all, 0, 2 * (end - first) * all * sizeof(float));
    for (int64_t b = 0; b < p->B; b += SIGNALS)
        for (int64_t c = 0; c < p->C; c++)
            for (int64_t o = first; o < end; o++)
                for (int64_t k = 0; k < p->M; k += W) {
                    vec re, im;
                    read_pairs(p->weight + 2 * ((c * p->O + o) * p->M + k), p->M - k, &re, &im);
                    add_products(p->x + 2 * (b * p->C + c) * all + k, 2 * p->C * all, p->out + 2 * (b * p->O + o) * all + k, 2 * p->O * all,
                                 p->B - b < SIGNALS ? p->B - b : SIGNALS, all, re, im);
                }
    return 0;
}

// out (B, C): Σ_o g conj(weight); of channels c.
int adjoint(const Product* p, int64_t first, int64_t end) {
    const int64_t all = padded(p->M);
    for (int64_t b = 0; b < p->B; b++) memset(p->out + 2 * (b * p->C + first) * all, 0, 2 * (end - first) * all * sizeof(float));
    for (int64_t b = 0; b < p->B; b += SIGNALS)
        for (int64_t c = first; c < end; c++)
            for (int64_t o = 0; o < p->O; o++)
                for (int64_t k = 0; k < p->M; k += W) {
                    vec re, im;
                    read_pairs(p->weight + 2 * ((c * p->O + o) * p->M + k), p->M - k, &re, &im);
                    add_products(p->g + 2 * (b * p->O + o) * all + k, 2 * p->O * all, p->out + 2 * (b * p->C + c) * all + k, 2 * p->C * all,
                                 p->B - b < SIGNALS ? p->B - b : SIGNALS, all, re, -im);
                }
    return 0;
}

// out (C, O, M, 2): Σ_b conj(x) g, scaled; of channels c.
int of_weight(const Product* p, int64_t first, int64_t end) {
    const int64_t all = padded(p->M);
    for (int64_t c = first; c < end; c++)
        for (int64_t o = 0; o < p->O; o++)
            for (int64_t k = 0; k < p->M; k += W) {
                vec re = {}, im = {};
                for (int64_t b = 0; b < p->B; b++) {
                    const float *x = p->x + 2 * (b * p->C + c) * all + k, *g = p->g + 2 * (b * p->O + o) * all + k;
                    const vec x_re = load(x, W), x_im = load(x + all, W), g_re = load(g, W), g_im = load(g + all, W);
                    re += x_re * g_re + x_im * g_im;
                    im += x_re * g_im - x_im * g_re;
                }
                const vec scale = load(p->scale + k, W);
                write_pairs(p->out + 2 * ((c * p->O + o) * p->M + k), p->M - k, scale * re, scale * im);
            }
    return 0;
}
