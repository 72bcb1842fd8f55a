// First-order linear recurrences h_t = a_t h_{t-1} + b_t, forward, and back: dh_t = g_t + a_{t+1} dh_{t+1}. Compiled by NVRTC with
// these macros:
//   REAL     float | double | bf16 | half: the type of all tensors; arithmetic is in fp32, for double in fp64
//   WIDE     channels of a thread, read and written as one
//   COLUMNS  neighbouring threads that differ in their channels;  THREADS: of a block
//   STEPS    successive steps of a thread;  D: all channels, in units of WIDE
// Layout (batch, time, channel). A block walks along time in tiles of ROWS * STEPS steps. Each row of its threads composes its own steps
// to one, h -> a h + b; the rows of a warp and then the warps compose these; and each row starts from the state that is before it.
// Meanwhile the next tile comes. Time is cut in chunks of `length` where there are few blocks: `summarize` leaves the step that each
// chunk is; the recurrence over these, by the same kernels, gives the states `after` all chunks but the last, from which `scan` starts.
// Back, steps and chunks count from the last time.

#define ROWS (THREADS / COLUMNS)
#define WARPS (THREADS / 32)
#define ACROSS ((D + COLUMNS - 1) / COLUMNS)
static_assert(32 % COLUMNS == 0 && THREADS % 32 == 0, "a block that is no rows of columns");

typedef typename Real<REAL>::type Number;
struct alignas(WIDE * sizeof(REAL)) Tuple { REAL of[WIDE]; };
struct Step { Number a[WIDE], b[WIDE]; };  // h -> a h + b

__device__ __forceinline__ void take(Number (&h)[WIDE], const Step& s) {
#pragma unroll
    for (int k = 0; k < WIDE; k++) h[k] = s.a[k] * h[k] + s.b[k];
}
// `s` after `before`.
__device__ __forceinline__ void compose(Step& s, const Step& before) {
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
        s.b[k] += s.a[k] * before.b[k];
        s.a[k] *= before.a[k];
    }
}
__device__ __forceinline__ Step above(const Step& s, int rows) {
    Step up;
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
        up.a[k] = __shfl_up_sync(~0u, s.a[k], rows * COLUMNS);
        up.b[k] = __shfl_up_sync(~0u, s.b[k], rows * COLUMNS);
    }
    return up;
}
__device__ __forceinline__ Step nothing() {
    Step s;
#pragma unroll
    for (int k = 0; k < WIDE; k++) s.a[k] = 1, s.b[k] = 0;
    return s;
}

// A block's channels and steps. Threads beyond the last channel read what the last one does, and write nothing.
struct Walk {
    int64 chunk, begin, end, first, summary, state;
    int column, row;
    bool there;
    __device__ __forceinline__ Walk(int64 L, int64 length, int64 chunks) {
        const int64 flat = blockIdx.x, b = flat / ACROSS / chunks;
        column = threadIdx.x % COLUMNS;
        row = threadIdx.x / COLUMNS;
        const int64 mine = flat % ACROSS * COLUMNS + column, d = min(mine, (int64)D - 1);
        there = mine < D;
        chunk = flat / ACROSS % chunks;
        begin = chunk * length;
        end = min(L, begin + length);
        first = b * L * D + d;
        summary = (b * (chunks - 1) + chunk) * D + d;  // the place of this chunk's summary, for all chunks but the last
        state = b * D + d;
    }
};

// What a thread reads of a tile: its steps, and back also the states before them. EDGE: the tile may have the first time, the last one, or
// steps beyond the end.
template <bool BACK, bool STATES> struct Tile {
    Tuple a[STEPS], b[STEPS], h[STATES ? STEPS : 1];
    template <bool EDGE>
    __device__ __forceinline__ void read(const Walk& w, int64 from, const Tuple* a_, const Tuple* b_, const Tuple* h_, const Tuple* h0,
                                         int64 L) {
        const int64 r = from + w.row * STEPS, at = w.first + (BACK ? L - 1 - r : r) * D;
#pragma unroll
        for (int i = 0; i < STEPS; i++) {
            const int64 step = (BACK ? -i : i) * (int64)D;
            if (EDGE && r + i >= w.end) continue;
            b[i] = b_[at + step];
            if (!(EDGE && BACK && r + i == 0)) a[i] = a_[at + step + (BACK ? D : 0)];
            if (STATES) h[i] = EDGE && r + i == L - 1 ? h0[w.state] : h_[at + step - D];
        }
    }
    // Beyond the last step nothing happens; back, nothing comes from beyond the last time.
    template <bool EDGE> __device__ __forceinline__ Step step(const Walk& w, int64 from, int i) const {
        const int64 r = from + w.row * STEPS + i;
        Step s = nothing();
        if (EDGE && r >= w.end) return s;
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            s.a[k] = EDGE && BACK && r == 0 ? Number(0) : real(a[i].of[k]);
            s.b[k] = real(b[i].of[k]);
        }
        return s;
    }
};

// One tile, from the block's states `h`. `visit` is called with the steps from the walk's start, the thread's tile, its place there and
// the state after the step; without a VISIT, `all` is composed with the step that the tile is.
template <bool EDGE, bool BACK, bool STATES, bool VISIT, class Visit>
__device__ __forceinline__ void walk_tile(const Walk& w, int64 from, Number (&h)[WIDE], Step& all,
                                          const Tile<BACK, STATES>& tile, Step (&whole)[WARPS][COLUMNS], Visit visit) {
    constexpr int WARP_ROWS = 32 / COLUMNS;
    const int warp = threadIdx.x / 32, warp_row = w.row % WARP_ROWS;
    Step own = tile.template step<EDGE>(w, from, 0);
#pragma unroll
    for (int i = 1; i < STEPS; i++) {
        Step s = tile.template step<EDGE>(w, from, i);
        compose(s, own);
        own = s;
    }
#pragma unroll
    for (int rows = 1; rows < WARP_ROWS; rows *= 2) {
        const Step before = above(own, rows);
        if (warp_row >= rows) compose(own, before);
    }
    if (warp_row == WARP_ROWS - 1) whole[warp][w.column] = own;
    Step before = WARP_ROWS > 1 ? above(own, 1) : nothing();
    if (warp_row == 0) before = nothing();
    __syncthreads();
    Number start[WIDE];
#pragma unroll
    for (int k = 0; k < WIDE; k++) start[k] = h[k];
#pragma unroll
    for (int other = 0; other < WARPS; other++) {
        Step s = whole[other][w.column];
        take(h, s);
        if (other == warp - 1)
#pragma unroll
            for (int k = 0; k < WIDE; k++) start[k] = h[k];
        if (!VISIT) {
            compose(s, all);
            all = s;
        }
    }
    if (!VISIT) return;
    take(start, before);
#pragma unroll
    for (int i = 0; i < STEPS; i++) {
        const int64 r = from + w.row * STEPS + i;
        take(start, tile.template step<EDGE>(w, from, i));
        if (w.there && (!EDGE || r < w.end)) visit(r, tile, i, start);
    }
}

// Walks from the states `h`. Returns the step that the whole walk is, if there is no VISIT.
template <bool BACK, bool STATES, bool VISIT, class Visit>
__device__ __forceinline__ Step walk(const Walk& w, Number (&h)[WIDE], const Tuple* a, const Tuple* b, const Tuple* states,
                                     const Tuple* h0, int64 L, Visit visit) {
    __shared__ Step whole[2][WARPS][COLUMNS];  // what each warp's rows are, of this tile and the one before
    Step all = nothing();
    Tile<BACK, STATES> tile, next;
    auto inside = [&](int64 from) { return (!BACK || from > 0) && from + ROWS * STEPS < w.end; };
    auto bring = [&](int64 from) {
        if (inside(from)) next.template read<false>(w, from, a, b, states, h0, L);
        else next.template read<true>(w, from, a, b, states, h0, L);
    };
    bring(w.begin);
    int odd = 0;
    for (int64 from = w.begin; from < w.end; from += ROWS * STEPS, odd ^= 1) {
        tile = next;
        bring(from + ROWS * STEPS);
        if (inside(from)) walk_tile<false, BACK, STATES, VISIT>(w, from, h, all, tile, whole[odd], visit);
        else walk_tile<true, BACK, STATES, VISIT>(w, from, h, all, tile, whole[odd], visit);
    }
    return all;
}

template <bool BACK>
__device__ __forceinline__ void summary(const Tuple* a, const Tuple* b, Number* products, Number* ends, int64 L, int64 length,
                                        int64 chunks) {
    const Walk w(L, length, chunks);
    if (w.chunk == chunks - 1) return;
    Number h[WIDE] = {};
    const Step all = walk<BACK, false, false>(w, h, a, b, 0, 0, L, [](int64, const Tile<BACK, false>&, int, const Number (&)[WIDE]) {});
    if (!w.there || w.row > 0) return;
#pragma unroll
    for (int k = 0; k < WIDE; k++) {
        products[w.summary * WIDE + k] = all.a[k];
        ends[w.summary * WIDE + k] = all.b[k];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
summarize(const Tuple* a, const Tuple* b, Number* products, Number* ends, int64 L, int64 length, int64 chunks) {
    summary<false>(a, b, products, ends, L, length, chunks);
}
extern "C" __global__ void __launch_bounds__(THREADS)
summarize_back(const Tuple* a, const Tuple* g, Number* products, Number* ends, int64 L, int64 length, int64 chunks) {
    summary<true>(a, g, products, ends, L, length, chunks);
}

// What a chunk starts from; h0 (B, D) may be absent.
__device__ __forceinline__ void start(Number (&h)[WIDE], const Walk& w, const Tuple* h0, const Number* after) {
#pragma unroll
    for (int k = 0; k < WIDE; k++)
        h[k] = w.chunk > 0 ? after[(w.summary - D) * WIDE + k] : h0 ? real(h0[w.state].of[k]) : Number(0);
}

extern "C" __global__ void __launch_bounds__(THREADS)
scan(const Tuple* a, const Tuple* b, const Tuple* h0, const Number* after, Tuple* out, int64 L, int64 length, int64 chunks) {
    const Walk w(L, length, chunks);
    Number h[WIDE];
    start(h, w, h0, after);
    walk<false, false, true>(w, h, a, b, 0, 0, L, [&](int64 t, const Tile<false, false>&, int, const Number (&h_t)[WIDE]) {
        Tuple y;
#pragma unroll
        for (int k = 0; k < WIDE; k++) y.of[k] = rounded<REAL>(h_t[k]);
        out[w.first + t * D] = y;
    });
}

// The gradients of b, dh itself; of a, dh_t h_{t-1}; and of h0, a_0 dh_0. The states h are those of the forward pass.
extern "C" __global__ void __launch_bounds__(THREADS)
scan_back(const Tuple* a, const Tuple* g, const Tuple* h, const Tuple* h0, const Number* after, Tuple* da, Tuple* db, Tuple* dh0, int64 L,
          int64 length, int64 chunks) {
    const Walk w(L, length, chunks);
    Number dh[WIDE];
    start(dh, w, 0, after);
    walk<true, true, true>(w, dh, a, g, h, h0, L, [&](int64 r, const Tile<true, true>& tile, int i, const Number (&dh_t)[WIDE]) {
        Tuple of_a, of_b, of_h0;
#pragma unroll
        for (int k = 0; k < WIDE; k++) {
            of_b.of[k] = rounded<REAL>(dh_t[k]);
            of_a.of[k] = rounded<REAL>(dh_t[k] * real(tile.h[i].of[k]));
        }
        const int64 t = L - 1 - r;
        db[w.first + t * D] = of_b;
        da[w.first + t * D] = of_a;
        if (t > 0) return;
#pragma unroll
        for (int k = 0; k < WIDE; k++) of_h0.of[k] = rounded<REAL>(real(a[w.first].of[k]) * dh_t[k]);
        dh0[w.state] = of_h0;
    });
}
