"""Run every CUDA kernel once on small inputs of odd sizes, for NVIDIA's compute-sanitizer:

    PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --report-api-errors no --error-exitcode 1 python benchmarks/sanitizer.py

and with `--tool racecheck`, `initcheck` or `synccheck`. It prints the number of calls. Without `--report-api-errors no` memcheck also
lists the functions that cuda-bindings looks for and an older driver lacks.
"""

import torch

from pyzoo.bench.scan import inputs
from pyzoo.models.mamba import MambaConfig, Mixer
from pyzoo.ops.cross_entropy import losses_and_slopes
from pyzoo.ops.linear_scan import cuda as recurrence
from pyzoo.ops.linear_scan import linear_scan
from pyzoo.ops.selective_scan import cuda, selective_scan
from pyzoo.ops.selective_scan.step import step
from pyzoo.ops.spectral_conv import spectral_conv

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
SPREAD = ((cuda.Plan(2, 16, 3, 16), cuda.Plan(4, 32, 3, 4)), (cuda.Plan(4, 8, 1, 16), cuda.Plan(4, 32, 1, 4)))


def scans() -> int:
    """The scan in chunks and at once, and on its own plan with gradients."""
    calls = 0
    for dtype in DTYPES:
        for E, L in ((33, 131), (64, 200), (1, 1)):
            x = inputs(2, E, L, dtype, "cuda")
            grouped = x | {n: x[n][:, :, None] for n in ("b", "c")}
            given = [grouped[n] for n in ("u", "dt", "a", "b", "c", "d", "z", "bias")]
            for forward, backward in SPREAD:
                y, last, saved = cuda.forward(*given, None, True, True, spread=forward)
                cuda.backward(y, last, *given, saved, True, spread=backward)
            leaves = {name: tensor.requires_grad_() for name, tensor in x.items()}
            selective_scan(**leaves)[0].float().sum().backward()
            calls += 3
    return calls


def recurrences() -> int:
    """The linear recurrence and its gradients, at once and in chunks."""
    calls = 0
    for dtype in (*DTYPES, torch.float64):
        for B, L, D in ((2, 131, 33), (1, 1, 1), (3, 1000, 8)):
            decay, input = (torch.rand(B, L, D, device="cuda").to(dtype).requires_grad_() for _ in range(2))
            h0 = torch.rand(B, D, device="cuda").to(dtype).requires_grad_()
            y = linear_scan(decay=decay, input=input, h0=h0)
            y.float().sum().backward()
            with torch.no_grad():
                recurrence.backward(y, decay, h0, recurrence.forward(decay, input, h0, -(-L // 3)), -(-L // 3))
            calls += 2
    return calls


def convolutions() -> int:
    """The spectral convolution and its gradients."""
    calls = 0
    for dtype in (*DTYPES, torch.float64):
        sizes = (2, 3, 2, 33, 5), (3, 2, 5, 64, 33), (1, 2, 2, 1, 1), (2, 5, 3, 1024, 16), (5, 3, 2, 2048, 64), (128, 17, 1, 3120, 20)
        for B, C, O, n, M in sizes:
            x = torch.randn(B, C, n, device="cuda").to(dtype).requires_grad_()
            weight = torch.randn(C, O, M, 2, device="cuda").to(dtype).requires_grad_()
            spectral_conv(x=x, weight=weight).float().sum().backward()
            calls += 1
    return calls


def steps() -> int:
    """A step of Mamba's mixer, between its projections."""
    calls = 0
    for dtype in DTYPES:
        for width, N, K, B, expand in ((4, 3, 3, 2, 2), (1, 1, 1, 1, 1), (33, 16, 4, 3, 2), (768, 16, 4, 2, 2)):
            mixer = Mixer(MambaConfig(vocab=1, width=width, layers=1, state=N, taps=K, expand=expand)).to("cuda", dtype)
            E = expand * width
            weights = {name: w for name, w in mixer.named_parameters() if name not in ("in_proj", "out_proj")}
            given = (torch.randn(shape, device="cuda").to(dtype) for shape in ((B, 2 * E), (B, E, K - 1), (B, E, N)))
            with torch.no_grad():
                step(*given, **weights)
            calls += 1
    return calls


def losses() -> int:
    """The cross-entropy of logits, and its gradient."""
    calls = 0
    for dtype in DTYPES:
        for T, V in ((3, 1), (5, 65), (7, 8195)):
            logits = torch.randn(T, -(-V // 64) * 64, device="cuda").to(dtype)
            losses_and_slopes(logits, torch.arange(T, device="cuda") % V, V)
            calls += 1
    return calls


if __name__ == "__main__":
    torch.manual_seed(0)
    print(sum(run() for run in (scans, recurrences, convolutions, steps, losses)), "calls")
    torch.cuda.synchronize()
