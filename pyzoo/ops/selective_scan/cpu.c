// Selective scan on a CPU, in fp32. W channels of one sequence go through time together, one in each place of a vector; their
// states stay in the first-level cache. Blocks of W channels are independent, so each thread takes some of them.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define W 16
#define STEPS 16  // the forward pass saves a state every so many steps for the backward pass
typedef float vec __attribute__((vector_size(4 * W)));
typedef int32_t ints __attribute__((vector_size(4 * W)));

static inline vec all(float x) { return x - (vec){}; }
static inline vec choose(ints mask, vec x, vec y) { return (vec)((mask & (ints)x) | (~mask & (ints)y)); }
static inline float total(vec x) {
    float part[W];
    memcpy(part, &x, sizeof part);
    for (int half = W / 2; half; half /= 2)
        for (int i = 0; i < half; i++) part[i] += part[i + half];
    return part[0];
}

// e^x: n = x / ln 2 rounded, and a polynomial of what is left, within 2e-8; 0 below the normal numbers, infinite above.
static inline vec exp_(vec x) {
    const vec magic = all(12582912.0f), kept = choose(x < -87.33654f, all(-87.33654f), choose(x > 88.72f, all(88.72f), x));
    const vec n = (kept * 1.44269504f + magic) - magic;
    const vec f = (kept - n * 0.693359375f) - n * -2.12194440e-4f;
    vec p = all(1.9875691500e-4f);
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1.0f;
    const ints whole = __builtin_convertvector(n, ints), low = whole >> 1;  // 2^n in two factors: n may be 128
    const vec y = p * (vec)((low + 127) << 23) * (vec)((whole - low + 127) << 23);
    return choose(x < -87.33654f, all(0), choose(x > 88.72f, all(__builtin_inff()), y));
}
static inline vec sigmoid(vec x) { return 1.0f / (1.0f + exp_(-x)); }
// max(x, 0) + log(1 + e), e = exp(-|x|), by 2 atanh(e / (2 + e)): a polynomial in its square, within 4e-9 of the quotient.
static inline vec softplus(vec x) {
    const vec e = exp_(choose(x > 0, -x, x)), s = e / (2.0f + e), q = s * s;
    vec p = all(0.28157779574394226f);
    p = p * q + 0.27965158224105835f;
    p = p * q + 0.4002459645271301f;
    p = p * q + 0.6666632294654846f;
    p = p * q + 2.0f;
    return choose(x > 0, x, all(0)) + s * p;
}

typedef struct {  // a tensor and its strides of batch and time, in elements
    const float* data;
    int64_t batch, time;
} Tensor;
typedef struct {
    Tensor u, dt, z, b, c, g;
    const float *a, *d, *bias, *h0, *dlast;
    float *out, *last, *saved, *du, *ddt, *dz, *db, *dc, *da, *dd, *dbias, *dh0;
    int64_t B, L, E, G, N, softplus;
} Scan;
typedef struct {  // a block of channels of a sequence
    int64_t b, group, first, live;
} Block;

static inline Block block_at(const Scan* s, int64_t i) {
    const int64_t width = s->E / s->G, blocks = (width + W - 1) / W, k = i % blocks;
    const int64_t group = i / blocks % s->G;
    const int64_t left = width - k * W;
    return (Block){i / (blocks * s->G), group, group * width + k * W, left < W ? left : W};
}
static inline vec load(const float* from, int64_t live) {
    vec x = {};
    memcpy(&x, from, live * sizeof(float));
    return x;
}
static inline vec row(Tensor x, const Block* k, int64_t t) {
    return load(x.data + k->b * x.batch + t * x.time + k->first, k->live);
}
static inline void put(float* to, vec x, int64_t live) { memcpy(to, &x, live * sizeof(float)); }
static inline const float* states_of(Tensor x, const Scan* s, const Block* k, int64_t t) {
    return x.data + k->b * x.batch + t * x.time + k->group * s->N;
}
// (E, N) in memory, N vectors of W channels here.
static void gather(const float* from, const Scan* s, const Block* k, vec* to) {
    for (int64_t n = 0; n < s->N; n++) {
        to[n] = (vec){};
        for (int64_t w = 0; from && w < k->live; w++) to[n][w] = from[(k->first + w) * s->N + n];
    }
}
static void scatter(float* to, const Scan* s, const Block* k, const vec* from) {
    for (int64_t n = 0; n < s->N; n++)
        for (int64_t w = 0; w < k->live; w++) to[(k->first + w) * s->N + n] = from[n][w];
}
static inline vec delta_of(const Scan* s, const Block* k, int64_t t, vec bias) {
    const vec x = row(s->dt, k, t) + bias;
    return s->softplus ? softplus(x) : x;
}
static inline float* states_at(float* all_states, const Scan* s, const Block* k, int64_t tile) {
    return all_states + (tile * s->B + k->b) * s->E * s->N;
}

int forward(const Scan* s, int64_t first, int64_t end) {
    const int64_t N = s->N;
    vec* memory = aligned_alloc(sizeof(vec), 2 * N * sizeof(vec));
    if (!memory) return 1;
    vec *a = memory, *h = memory + N;
    for (int64_t i = first; i < end; i++) {
        const Block k = block_at(s, i);
        const vec bias = s->bias ? load(s->bias + k.first, k.live) : all(0), d = s->d ? load(s->d + k.first, k.live) : all(0);
        gather(s->a, s, &k, a);
        gather(s->h0 ? s->h0 + k.b * s->E * N : 0, s, &k, h);
        for (int64_t t = 0; t < s->L; t++) {
            if (s->saved && t % STEPS == 0) scatter(states_at(s->saved, s, &k, t / STEPS), s, &k, h);
            const float *b = states_of(s->b, s, &k, t), *c = states_of(s->c, s, &k, t);
            const vec u = row(s->u, &k, t), delta = delta_of(s, &k, t, bias), moved = delta * u;
            vec y = d * u;
            for (int64_t n = 0; n < N; n++) {
                h[n] = exp_(delta * a[n]) * h[n] + moved * b[n];
                y += c[n] * h[n];
            }
            if (s->z.data) {
                const vec z = row(s->z, &k, t);
                y *= z * sigmoid(z);
            }
            put(s->out + (k.b * s->L + t) * s->E + k.first, y, k.live);
        }
        scatter(s->last + k.b * s->E * N, s, &k, h);
    }
    free(memory);
    return 0;
}

// The sums over channels, db and dc, are this thread's share: (B, L, G, N) each, zero before the first call.
int backward(const Scan* s, int64_t first, int64_t end) {
    const int64_t N = s->N;
    vec* memory = aligned_alloc(sizeof(vec), ((2 * STEPS + 5) * N + 5 * STEPS) * sizeof(vec));
    if (!memory) return 1;
    vec *a = memory, *dh = a + N, *da = dh + N, *h = da + N, *decay = h + (STEPS + 1) * N;
    vec *delta = decay + (STEPS + 1) * N, *u = delta + STEPS, *z = u + STEPS, *g = z + STEPS, *y = g + STEPS;
    for (int64_t i = first; i < end; i++) {
        const Block k = block_at(s, i);
        const vec bias = s->bias ? load(s->bias + k.first, k.live) : all(0), d = s->d ? load(s->d + k.first, k.live) : all(0);
        vec dd = {}, dbias = {};
        gather(s->a, s, &k, a);
        gather(s->dlast + k.b * s->E * N, s, &k, dh);
        for (int64_t n = 0; n < N; n++) da[n] = all(0);
        for (int64_t start = (s->L - 1) / STEPS * STEPS; start >= 0; start -= STEPS) {
            const int64_t steps = s->L - start < STEPS ? s->L - start : STEPS;
            gather(states_at(s->saved, s, &k, start / STEPS), s, &k, h);
            for (int64_t i = 0; i < steps; i++) {
                const float *b = states_of(s->b, s, &k, start + i), *c = states_of(s->c, s, &k, start + i);
                delta[i] = delta_of(s, &k, start + i, bias);
                u[i] = row(s->u, &k, start + i);
                g[i] = row(s->g, &k, start + i);
                const vec moved = delta[i] * u[i];
                y[i] = d * u[i];
                for (int64_t n = 0; n < N; n++) {
                    decay[i * N + n] = exp_(delta[i] * a[n]);
                    h[(i + 1) * N + n] = decay[i * N + n] * h[i * N + n] + moved * b[n];
                    y[i] += c[n] * h[(i + 1) * N + n];
                }
                if (s->z.data) z[i] = row(s->z, &k, start + i);
            }
            for (int64_t i = steps - 1; i >= 0; i--) {
                const int64_t t = start + i, at = (k.b * s->L + t) * s->E + k.first;
                const float *b = states_of(s->b, s, &k, t), *c = states_of(s->c, s, &k, t);
                float *db = s->db + ((k.b * s->L + t) * s->G + k.group) * N, *dc = s->dc + (db - s->db);
                vec before = g[i], moved_grad = {}, delta_grad = {};
                if (s->z.data) {
                    const vec open = sigmoid(z[i]);
                    put(s->dz + at, g[i] * y[i] * open * (1.0f + z[i] * (1.0f - open)), k.live);
                    before *= z[i] * open;
                }
                for (int64_t n = 0; n < N; n++) {
                    dh[n] += c[n] * before;
                    db[n] += total(dh[n] * delta[i] * u[i]);
                    dc[n] += total(h[(i + 1) * N + n] * before);
                    moved_grad += dh[n] * b[n];
                    dh[n] *= decay[i * N + n];
                    const vec slope = dh[n] * h[i * N + n];
                    delta_grad += slope * a[n];
                    da[n] += slope * delta[i];
                }
                delta_grad += moved_grad * u[i];
                if (s->softplus) delta_grad *= sigmoid(row(s->dt, &k, t) + bias);
                put(s->du + at, delta[i] * moved_grad + d * before, k.live);
                put(s->ddt + at, delta_grad, k.live);
                dd += before * u[i];
                dbias += delta_grad;
            }
        }
        scatter(s->da + k.b * s->E * N, s, &k, da);
        scatter(s->dh0 + k.b * s->E * N, s, &k, dh);
        put(s->dd + k.b * s->E + k.first, dd, k.live);
        put(s->dbias + k.b * s->E + k.first, dbias, k.live);
    }
    free(memory);
    return 0;
}
