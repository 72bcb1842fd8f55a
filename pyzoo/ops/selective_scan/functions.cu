// The scan's own functions, entry by entry, for a sweep over all numbers.

extern "C" __global__ void evaluate(const float* x, float* y, int64 n, int64 which) {
    const int64 i = (int64)blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = which == 0 ? exp2_(x[i]) : which == 1 ? softplus(x[i]) : sigmoid(x[i]);
}
