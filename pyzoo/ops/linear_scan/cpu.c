// First-order linear recurrences h_t = a_t h_{t-1} + b_t on a CPU, in REAL, forward, and back: dh_t = g_t + a_{t+1} dh_{t+1}. Blocks of W
// channels of one sequence go through time row by row; they are independent, so each thread takes some of them.

#include <stdint.h>

#define W 256

typedef struct {  // h0 and dh0 (B, D), the others (B, L, D)
    const REAL *a, *b, *h0, *h;
    REAL *out, *da, *dh0;
    int64_t B, L, D;
} Recurrence;

typedef struct { int64_t first, width, state; } Block;  // of its first row and of h0, the first number; channels

static Block block_at(const Recurrence* r, int64_t i) {
    const int64_t across = (r->D + W - 1) / W, sequence = i / across, d = i % across * W;
    return (Block){sequence * r->L * r->D + d, r->D - d < W ? r->D - d : W, sequence * r->D + d};
}

// y = a x + b, for rows that don't overlap
static inline void step(int64_t n, const REAL* restrict a, const REAL* restrict x, const REAL* restrict b, REAL* restrict y) {
    for (int64_t i = 0; i < n; i++) y[i] = a[i] * x[i] + b[i];
}
static inline void product(int64_t n, const REAL* restrict x, const REAL* restrict y, REAL* restrict z) {
    for (int64_t i = 0; i < n; i++) z[i] = x[i] * y[i];
}

// The states `out` from a, b and h0.
int forward(const Recurrence* r, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) {
        const Block k = block_at(r, i);
        const REAL* before = r->h0 + k.state;
        for (int64_t t = 0; t < r->L; t++) {
            const int64_t at = k.first + t * r->D;
            step(k.width, r->a + at, before, r->b + at, r->out + at);
            before = r->out + at;
        }
    }
    return 0;
}

// The gradients of a, `da`, of b, `out`, and of h0, from that of the states, in b, and the states h.
int backward(const Recurrence* r, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) {
        const Block k = block_at(r, i);
        for (int64_t t = r->L - 1; t >= 0; t--) {
            const int64_t at = k.first + t * r->D, after = at + r->D;
            if (t == r->L - 1)
                for (int64_t j = 0; j < k.width; j++) r->out[at + j] = r->b[at + j];
            else step(k.width, r->a + after, r->out + after, r->b + at, r->out + at);
            product(k.width, r->out + at, t ? r->h + at - r->D : r->h0 + k.state, r->da + at);
        }
        product(k.width, r->a + k.first, r->out + k.first, r->dh0 + k.state);
    }
    return 0;
}
