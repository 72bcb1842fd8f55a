// First-order linear recurrences h_t = a_t h_{t-1} + b_t, forward, and back: dh_t = g_t + a_{t+1} dh_{t+1}. Compiled by NVRTC with these
// macros:
//   REAL   float | double | bf16 | half: the type of all tensors; arithmetic is in fp32, for double in fp64
//   WIDE   channels of a thread, read and written as one
//   AHEAD  steps that a thread reads before it takes them
// Layout (batch, time, channel). Time is cut in chunks of `length`: `summarize` leaves the product of each chunk's a and its last state
// from 0; the recurrence over these, by the same kernels, gives the states `after` all chunks but the last, from which `scan` starts.
// Back, steps and chunks count from the last time.

typedef typename Real<REAL>::type Number;
struct alignas(WIDE * sizeof(REAL)) Tuple { REAL of[WIDE]; };

// A thread's channels and steps. D counts tuples of channels.
struct Walk {
    int64 chunk, begin, end, first, summary;
    bool there;
    __device__ __forceinline__ Walk(int64 B, int64 D, int64 L, int64 length, int64 chunks) {
        const int64 flat = (int64)blockIdx.x * blockDim.x + threadIdx.x, d = flat % D, b = flat / D / chunks;
        chunk = flat / D % chunks;
        there = b < B;
        begin = chunk * length;
        end = min(L, begin + length);
        first = b * L * D + d;
        summary = (b * (chunks - 1) + chunk) * D + d;  // the place of this chunk's summary, for all chunks but the last
    }
};

// Calls `take` with time, a, b and, if asked for, h before the step.
template <bool BACK, bool STATES, class Take>
__device__ __forceinline__ void take_steps(const Walk& w, const Tuple* a, const Tuple* b, const Tuple* h, const Tuple* h0, int64 D, int64 L, Take take) {
    for (int64 from = w.begin; from < w.end; from += AHEAD) {
        Tuple as[AHEAD], bs[AHEAD], hs[AHEAD];
#pragma unroll
        for (int i = 0; i < AHEAD; i++) {
            const int64 r = min(from + i, w.end - 1), t = BACK ? L - 1 - r : r;
            bs[i] = b[w.first + t * D];
            as[i] = a[w.first + (BACK ? min(t + 1, L - 1) : t) * D];
            if (STATES) hs[i] = t > 0 ? h[w.first + (t - 1) * D] : *h0;
        }
#pragma unroll
        for (int i = 0; i < AHEAD; i++)
            if (from + i < w.end) take(BACK ? L - 1 - from - i : from + i, as[i], bs[i], hs[i]);
    }
}

// The decay into time t going back: nothing comes from beyond the last time.
template <bool BACK> __device__ __forceinline__ Number decay(const Tuple& a, int w, int64 t, int64 L) {
    return BACK && t == L - 1 ? Number(0) : real(a.of[w]);
}

template <bool BACK>
__device__ __forceinline__ void summary(const Tuple* a, const Tuple* b, Number* products, Number* ends, int64 B, int64 D, int64 L, int64 length, int64 chunks) {
    const Walk w(B, D, L, length, chunks);
    if (!w.there || w.chunk == chunks - 1) return;
    Number product[WIDE], h[WIDE] = {};
#pragma unroll
    for (int k = 0; k < WIDE; k++) product[k] = 1;
    take_steps<BACK, false>(w, a, b, 0, 0, D, L, [&](int64 t, const Tuple& a_t, const Tuple& b_t, const Tuple&) {
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            const Number d = decay<BACK>(a_t, k, t, L);
            product[k] *= d;
            h[k] = d * h[k] + real(b_t.of[k]);
        }
    });
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
        products[w.summary * WIDE + k] = product[k];
        ends[w.summary * WIDE + k] = h[k];
    }
}

extern "C" __global__ void summarize(const Tuple* a, const Tuple* b, Number* products, Number* ends, int64 B, int64 D, int64 L, int64 length, int64 chunks) {
    summary<false>(a, b, products, ends, B, D, L, length, chunks);
}
extern "C" __global__ void summarize_back(const Tuple* a, const Tuple* g, Number* products, Number* ends, int64 B, int64 D, int64 L, int64 length, int64 chunks) {
    summary<true>(a, g, products, ends, B, D, L, length, chunks);
}

// What a chunk starts from; h0 (B, D) may be absent.
__device__ __forceinline__ void start(Number (&h)[WIDE], const Walk& w, const Tuple* h0, const Number* after, int64 D, int64 L) {
#pragma unroll
    for (int k = 0; k < WIDE; k++)
        h[k] = w.chunk > 0 ? after[(w.summary - D) * WIDE + k] : h0 ? real(h0[w.first / (L * D) * D + w.first % D].of[k]) : Number(0);
}

extern "C" __global__ void scan(const Tuple* a, const Tuple* b, const Tuple* h0, const Number* after, Tuple* out, int64 B, int64 D, int64 L, int64 length, int64 chunks) {
    const Walk w(B, D, L, length, chunks);
    if (!w.there) return;
    Number h[WIDE];
    start(h, w, h0, after, D, L);
    take_steps<false, false>(w, a, b, 0, 0, D, L, [&](int64 t, const Tuple& a_t, const Tuple& b_t, const Tuple&) {
        Tuple y;
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            h[k] = real(a_t.of[k]) * h[k] + real(b_t.of[k]);
            y.of[k] = rounded<REAL>(h[k]);
        }
        out[w.first + t * D] = y;
    });
}

// The gradients of b, dh itself; of a, dh_t h_{t-1}; and of h0, a_0 dh_0. The states h are those of the forward pass.
extern "C" __global__ void scan_back(const Tuple* a, const Tuple* g, const Tuple* h, const Tuple* h0, const Number* after, Tuple* da, Tuple* db, Tuple* dh0, int64 B, int64 D, int64 L, int64 length, int64 chunks) {
    const Walk w(B, D, L, length, chunks);
    if (!w.there) return;
    const int64 row = w.first / (L * D) * D + w.first % D;
    Number dh[WIDE];
    start(dh, w, 0, after, D, L);
    take_steps<true, true>(w, a, g, h, h0 + row, D, L, [&](int64 t, const Tuple& a_t, const Tuple& g_t, const Tuple& before) {
        Tuple of_a, of_b;
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            dh[k] = decay<true>(a_t, k, t, L) * dh[k] + real(g_t.of[k]);
            of_b.of[k] = rounded<REAL>(dh[k]);
            of_a.of[k] = rounded<REAL>(dh[k] * real(before.of[k]));
        }
        db[w.first + t * D] = of_b;
        da[w.first + t * D] = of_a;
    });
    if (w.end < L) return;
    Tuple of_h0;
#pragma unroll
    for (int k = 0; k < WIDE; k++) of_h0.of[k] = rounded<REAL>(real(a[w.first].of[k]) * dh[k]);
    dh0[row] = of_h0;
}
