// The types of tensors' numbers and their conversions, for all CUDA sources.

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
