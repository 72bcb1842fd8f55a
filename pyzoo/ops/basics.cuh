// For all CUDA sources: the types of tensors' numbers and their conversions, and copies that nobody waits for.

typedef unsigned int uint;
typedef long long int64;
struct bf16 { unsigned short bits; };
struct half { unsigned short bits; };

__device__ __forceinline__ float real(float x) { return x; }
__device__ __forceinline__ double real(double x) { return x; }
__device__ __forceinline__ float real(bf16 x) { return __uint_as_float((uint)x.bits << 16); }
__device__ __forceinline__ float real(half x) { float y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
template <class T> struct Real { typedef float type; };  // that computes with a T
template <> struct Real<double> { typedef double type; };
template <class T> __device__ __forceinline__ T rounded(typename Real<T>::type x) { return x; }
template <> __device__ __forceinline__ bf16 rounded<bf16>(float x) {
    bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y;
}
template <> __device__ __forceinline__ half rounded<half>(float x) {
    half y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y;
}

// BYTES (4, 8 or 16, which divide both addresses) from global to shared memory, or zeros unless `there`. What a thread has asked for since
// the last call of `brought_later` is one group; `brought<n>` waits until all but its last n groups are there.
template <int BYTES> __device__ __forceinline__ void bring(void* to, const void* from, bool there) {
    const uint target = (uint)__cvta_generic_to_shared(to);
    if constexpr (BYTES == 16)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(target), "l"(from), "r"(there ? 16 : 0) : "memory");
    else
        asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;"
                     :: "r"(target), "l"(from), "r"(there ? BYTES : 0), "n"(BYTES) : "memory");
}
__device__ __forceinline__ void brought_later() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int LATER> __device__ __forceinline__ void brought() { asm volatile("cp.async.wait_group %0;" :: "n"(LATER) : "memory"); }
__device__ __forceinline__ void brought() { asm volatile("cp.async.wait_all;" ::: "memory"); }
