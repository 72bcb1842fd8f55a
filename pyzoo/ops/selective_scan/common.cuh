// Selective scan: what forward and backward share. Compiled by NVRTC with these macros:
//   REAL        float | bf16 | half: the type of u, Δ, z, B, C and of their gradients; all arithmetic is fp32
//   N           states of a channel;  PADDED: N, rounded up to a power of two
//   E, G        channels and groups;  TIME_u, ...: stride of a tensor's time, in elements
//   LANES       threads that share a channel, each with STATES = PADDED / LANES of its states
//   CHANNELS    channels of a block;  STEPS: time steps of a tile
//   VECTOR      1 if every tile's rows start and end at multiples of 16 bytes
//   BLOCKS      blocks that a multiprocessor must have room for;  HAS_Z, HAS_D, SOFTPLUS: 0 or 1
// Layout: (batch, time, channel) with any batch and time stride; B and C (batch, time, group, state).
//
// A thread walks along its channel with its lane's states, and it alone has the rows lane + k LANES of a tile for
// whatever is done once a step and channel (softplus, gate, gradients of u, Δ, z).

#define STATES (PADDED / LANES)
#define NEIGHBOURS (32 / LANES)  // threads of a warp with the same states
#define WARPS (CHANNELS / NEIGHBOURS)
#define THREADS (32 * WARPS)
#define ROWS (STEPS / LANES)     // rows of a tile that a thread has
#define LOG2E 1.4426950408889634f
#define LN2 0.6931471805599453f
#define BLOCKS_OF_GROUP ((E / G + CHANNELS - 1) / CHANNELS)
static_assert(WARPS >= 1 && CHANNELS % NEIGHBOURS == 0 && STEPS % LANES == 0 && LANES <= PADDED, "a plan that fits no warp");

__device__ __forceinline__ float exp2_(float x) { float y; asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float reciprocal(float x) { float y; asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }
__device__ __forceinline__ float sigmoid(float x) { return reciprocal(1.0f + exp2_(-LOG2E * x)); }
// max(x, 0) + log(1 + e), e = exp(-|x|): e times a polynomial that is within 5e-9 of log(1 + e) / e, the best of its degree.
__device__ __forceinline__ float softplus(float x) {
    const float e = exp2_(-LOG2E * fabsf(x));
    float p = -0.003244024468585849f;
    p = p * e + 0.019851459190249443f;
    p = p * e - 0.05695952847599983f;
    p = p * e + 0.10603654384613037f;
    p = p * e - 0.15305592119693756f;
    p = p * e + 0.1967593878507614f;
    p = p * e - 0.24954134225845337f;
    p = p * e + 0.3332996368408203f;
    p = p * e - 0.4999990165233612f;
    p = p * e + 1.0f;
    return SOFTPLUS ? fmaxf(x, 0.0f) + e * p : x;
}

// Sums over WIDTH threads, STRIDE lanes apart: each brings VALUES numbers to be summed elementwise. Thread k of them gets the
// sums k * VALUES / WIDTH and on (in value[0] and on); if there are fewer values than threads, neighbours get the same.
template <int VALUES, int WIDTH, int STRIDE>
__device__ __forceinline__ void transposed_sum(float (&value)[VALUES]) {
    int count = VALUES;
#pragma unroll
    for (int m = WIDTH / 2; m >= 1; m /= 2) {
        const bool upper = threadIdx.x / STRIDE & m;
        if (count > 1) {
            count /= 2;
#pragma unroll
            for (int j = 0; j < VALUES / 2; j++)
                if (j < count) {
                    const float mine = upper ? value[j + count] : value[j], other = upper ? value[j] : value[j + count];
                    value[j] = mine + __shfl_xor_sync(~0u, other, m * STRIDE);
                }
        } else value[0] += __shfl_xor_sync(~0u, value[0], m * STRIDE);
    }
}
// Where step s of a tile must stand for the lanes' sum to give lane l the steps l + k LANES.
__device__ __forceinline__ constexpr int order(int s) { return s % LANES * ROWS + s / LANES; }

// A tensor (batch, time, channel) as an argument: its address and the stride of its batches; TIME_name is that of its time.
#define TENSOR(T, name) T* name, int64 name##_batch
#define AT(name, t, e) (name + p.b * name##_batch + (int64)(t) * TIME_##name + (e))

// Which channels and steps a block has: blockIdx.x is the block of channels (none spans two groups), y the batch, z the chunk.
struct Place {
    int group, first, live, b, chunk, begin, end, lane, channel, e;
    bool has;
    __device__ __forceinline__ Place(int L, int length) {
        const int width = E / G, within = blockIdx.x % BLOCKS_OF_GROUP * CHANNELS;
        group = blockIdx.x / BLOCKS_OF_GROUP;
        first = group * width + within;        // the block's first channel
        live = min(CHANNELS, width - within);  // its channels
        b = blockIdx.y;
        chunk = blockIdx.z;
        begin = chunk * length;
        end = min(L, begin + length);
        lane = threadIdx.x % LANES;
        channel = threadIdx.x / LANES;  // the thread's in the block; whether it is there: `has`
        e = first + channel;
        has = channel < live;
    }
    __device__ __forceinline__ int in(int t) const { return t * CHANNELS + channel; }  // the channel's place in row t of a tile
};

// Stores without a branch, which would keep what leads to x from running beside other work.
template <class T> __device__ __forceinline__ void store_if(bool there, T* to, T x) {
    if constexpr (sizeof(T) == 4)
        asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.f32 [%1], %2; }" :: "r"((int)there), "l"(to), "f"(x) : "memory");
    else
        asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.b16 [%1], %2; }"
                     :: "r"((int)there), "l"(to), "h"(x.bits) : "memory");
}
__device__ __forceinline__ void store_if(bool there, float* to, float x, float y, float z, float w) {
    asm volatile("{ .reg .pred p; setp.ne.s32 p, %0, 0; @p st.global.v4.f32 [%1], {%2, %3, %4, %5}; }"
                 :: "r"((int)there), "l"(to), "f"(x), "f"(y), "f"(z), "f"(w) : "memory");
}

// Tiles straight from global to shared memory, without waiting: 16 bytes at a time where addresses allow it (VECTOR), else by
// element. What lies beyond `rows` or `columns` becomes 0.
template <class T, int WIDTH, int64 TIME>
__device__ __forceinline__ void bring(T* tile, const T* from, int rows, int columns) {
    constexpr int BYTES = WIDTH * sizeof(T) < 16 ? WIDTH * sizeof(T) : 16, EACH = VECTOR ? BYTES / sizeof(T) : 1;
    constexpr int ACROSS = WIDTH / EACH;
#pragma unroll
    for (int k = 0; k < (STEPS * ACROSS + THREADS - 1) / THREADS; k++) {
        const int i = threadIdx.x + k * THREADS, row = i / ACROSS, column = i % ACROSS * EACH;
        if (STEPS * ACROSS % THREADS != 0 && i >= STEPS * ACROSS) return;
        const bool there = row < rows && column < columns;
        const T* source = from + (there ? row * TIME + column : 0);
        if constexpr (VECTOR) bring<BYTES>(tile + row * WIDTH + column, source, there);
        else tile[row * WIDTH + column] = there ? *source : T{};
    }
}
#define CONVERTS (sizeof(REAL) != 4)  // B and C must become floats before they are used

// A thread's share of a tile of B or C, on its way to floats.
struct Share {
    static constexpr int ALL = STEPS * PADDED, EACH = ALL < 2 * THREADS ? 1 : ALL < 8 * THREADS ? 2 : 8;
    static constexpr int COUNT = (ALL + THREADS * EACH - 1) / (THREADS * EACH);
    struct alignas(EACH * sizeof(REAL)) Some { REAL x[EACH]; };
    struct alignas(EACH < 4 ? 4 * EACH : 16) Floats { float x[EACH]; };
    Some some[COUNT];
    static __device__ __forceinline__ int at(int k) { return (threadIdx.x + k * THREADS) * EACH; }
    static __device__ __forceinline__ bool there(int k) { return ALL % (THREADS * EACH) == 0 || at(k) < ALL; }
    __device__ __forceinline__ void read(const REAL* from) {
#pragma unroll
        for (int k = 0; k < COUNT; k++)
            if (there(k)) some[k] = *(const Some*)(from + at(k));
    }
    __device__ __forceinline__ void write(float* to) const {
#pragma unroll
        for (int k = 0; k < COUNT; k++)
            if (there(k)) {
                Floats floats;
#pragma unroll
                for (int j = 0; j < EACH; j++) floats.x[j] = real(some[k].x[j]);
                *(Floats*)(to + at(k)) = floats;
            }
    }
};
__device__ __forceinline__ void convert(const REAL* from, float* to) {
    Share share;
    share.read(from);
    share.write(to);
}

// The states of a thread's lane from row t of a tile of B or C.
__device__ __forceinline__ void read_states(const float* tile, int t, float (&into)[STATES]) {
    const float* from = tile + t * PADDED + threadIdx.x % LANES * STATES;
    if constexpr (STATES % 4 == 0) {
#pragma unroll
        for (int j = 0; j < STATES; j += 4) {
            const float4 four = *(const float4*)(from + j);
            into[j] = four.x; into[j + 1] = four.y; into[j + 2] = four.z; into[j + 3] = four.w;
        }
    } else if constexpr (STATES == 2) {
        const float2 two = *(const float2*)from;
        into[0] = two.x; into[1] = two.y;
    } else into[0] = from[0];
}

// States (…, E, N) of one channel: lane's share, from and to memory; nothing beyond N.
__device__ __forceinline__ void load_states(const float* from, float (&into)[STATES]) {
#pragma unroll
    for (int j = 0; j < STATES; j++) {
        const int n = threadIdx.x % LANES * STATES + j;
        into[j] = from && n < N ? from[n] : 0.0f;
    }
}
__device__ __forceinline__ void store_states(bool there, float* to, const float (&from)[STATES]) {
    to += threadIdx.x % LANES * STATES;
    if constexpr (N == PADDED && STATES % 4 == 0) {
#pragma unroll
        for (int j = 0; j < STATES; j += 4) store_if(there, to + j, from[j], from[j + 1], from[j + 2], from[j + 3]);
    } else {
#pragma unroll
        for (int j = 0; j < STATES; j++) store_if(there && threadIdx.x % LANES * STATES + j < N, to + j, from[j]);
    }
}
