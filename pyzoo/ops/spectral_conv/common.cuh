// What the spectral convolution's kernels share. Macros:
//   SIGNAL  float | double | bf16 | half: the type of signals and weights;  REAL: float | double, that of spectra and arithmetic
//   N, M    points and modes

struct alignas(2 * sizeof(REAL)) Complex { REAL re, im; };

// A mode that is its own conjugate is real.
__device__ __forceinline__ bool is_real(int k) { return k == 0 || 2 * k == N; }

// What the inverse transform multiplies mode k by: m_k / N, where m_k is 1 for the modes 0 and N/2, which are their own conjugates,
// and else 2.
__device__ __forceinline__ REAL weight_of(int64 k) { return (is_real(k) ? REAL(1) : REAL(2)) / N; }
