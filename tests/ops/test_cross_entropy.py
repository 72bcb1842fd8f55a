"""The cross-entropy of a head: its CUDA kernel has the values and gradients of fp64."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pyzoo.ops import cross_entropy as package
from pyzoo.ops import nvrtc
from pyzoo.ops.cross_entropy import head_loss, losses_and_slopes

MISSING = nvrtc.missing()
UNIT = {torch.float32: 2**-24, torch.bfloat16: 2**-8, torch.float16: 2**-11}  # roundoffs
SIXTEEN = 16 * 2**-24  # roundings of fp32, which `trust_boundaries.yaml` assumes of compiled kernels


def inputs(T=37, D=24, V=65) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, weight = (torch.randn(n, D, generator=generator, dtype=torch.float64) for n in (T, V))
    return x, weight, torch.randint(V, (T,), generator=generator)


def plain(x: Tensor, weight: Tensor, after: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(x, weight), after)


def test_without_a_kernel_it_is_pytorchs():
    assert torch.equal(head_loss(*inputs()), plain(*inputs()))


@pytest.mark.parametrize(("change", "sentence"), [
    ({0: torch.zeros(37, 23)}, r"x \(37, 23\) and weight \(65, 24\) must be \(T, D\) and \(V, D\)"),
    ({2: torch.zeros(36, dtype=torch.int64)}, r"after is torch.int64 of shape \(36,\); x \(37, 24\) asks for torch.int64 of \(37,\)"),
    ({2: torch.zeros(37)}, "after is torch.float32"),
    ({2: torch.zeros(37, dtype=torch.int64, device="meta")}, "x is on cpu, weight on cpu and after on meta"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        head_loss(*(change.get(i, x) for i, x in enumerate(inputs())))


def results(loss, x: Tensor, weight: Tensor, after: Tensor) -> tuple[Tensor, ...]:
    """A loss and its gradients, with a gradient of its own that is not 1."""
    x, weight = (t.detach().requires_grad_() for t in (x, weight))
    value = loss(x, weight, after)
    return value.detach(), *torch.autograd.grad(value, (x, weight), torch.full_like(value, -3.0))


def rows_hold(V: int, dtype: torch.dtype, size: float = 1.0) -> bool:
    """Whether the kernel's losses and slopes of logits of that size are as near to those of fp64 as the trust file assumes."""
    logits = (size * torch.randn(19, -(-V // 64) * 64, generator=torch.Generator().manual_seed(V))).to(dtype)
    after = torch.arange(19) * 7 % V
    logits[3] = logits[3, 0]  # all alike
    exact = logits[:, :V].double().requires_grad_()
    losses = F.cross_entropy(exact, after, reduction="none")
    (slopes,) = torch.autograd.grad(losses.sum(), exact)
    found, slope = (t.cpu().double() for t in losses_and_slopes(logits.cuda(), after.cuda(), V))
    near = ((found - losses).abs() <= SIXTEEN * losses.clamp_min(1)).all().item()
    return near and slope[:, V:].eq(0).all().item() and torch.allclose(slope[:, :V], slopes, rtol=UNIT[dtype] + SIXTEEN, atol=SIXTEEN / 2)


@pytest.mark.cuda
@pytest.mark.skipif(MISSING is not None, reason=f"the CUDA kernel needs a GPU: {MISSING}")
class TestKernel:
    @pytest.mark.parametrize("dtype", list(UNIT))
    def test_any_vocabulary(self, dtype):
        assert all(rows_hold(V, dtype) for V in (1, 2, 63, 64, 65, 1000, 8193, 50257))

    def test_large_logits_do_not_overflow(self):
        assert all(rows_hold(V, torch.float32, 300.0) for V in (65, 50257))

    @pytest.mark.parametrize("dtype", list(UNIT))
    def test_gradients_of_the_head_are_those_of_fp64(self, dtype):
        """In the norm within a rounding, 16 in fp32, or twice as far away as PyTorch's, which round as often but for the mean."""
        x, weight, after = (t.cuda() for t in inputs(T=130, V=1001))
        x, weight = x.to(dtype), weight.to(dtype)
        exact = results(plain, x.double(), weight.double(), after)
        kernel, other = results(head_loss, x, weight, after), results(plain, x, weight, after)
        for k, p, e in zip(kernel, other, exact, strict=True):
            error, theirs = ((t.double() - e).norm() / e.norm() for t in (k, p))
            assert k.dtype == (torch.float32 if k.dim() == 0 else dtype) and error <= max(SIXTEEN, UNIT[dtype], 2 * theirs)

    def test_a_token_outside_the_vocabulary_gives_nan(self):
        x, weight, after = (t.cuda() for t in inputs())
        for token in (-100, 65, 127):
            after[0] = token
            assert head_loss(x.float(), weight.float(), after).isnan()

    def test_no_tokens(self):
        assert head_loss(torch.zeros(0, 3, device="cuda"), torch.zeros(5, 3, device="cuda"), torch.zeros(0, dtype=torch.int64, device="cuda")).isnan()

    @pytest.mark.parametrize(("right", "wrong"), [
        ("i * EACH + j < V ? ", "true ? "),  # what is beyond the logits counts
        ("i * EACH + j == target", "i * EACH + j == target + 1"),
        ("of * exp_(most - next) + other.of", "of + other.of"),  # sums whose largest numbers differ
        ("int m = 16; m; m /= 2", "int m = 8; m; m /= 2"),  # half of a warp left out
        ("sum = sums[threadIdx.x % 32]", "sum = sums[0]"),  # the other warps left out
        ("part.most = fmaxf(part.most, x[j]);", "part.most = 0;"),  # no reference
        ("i < WIDTH / EACH", "i < WIDTH / EACH - 1"),  # the last numbers left out
        ("target < V;", "target < WIDTH;"),
    ])  # fmt: skip
    def test_wrong_kernels_are_found(self, found, right, wrong):
        def all_hold() -> bool:
            self.test_a_token_outside_the_vocabulary_gives_nan()
            return all(rows_hold(V, dtype, size) for V in (65, 8193) for dtype in (torch.float32, torch.bfloat16) for size in (1.0, 300.0))

        def holds() -> bool:
            try:
                return all_hold()
            except AssertionError:
                return False

        assert found(package, "FILE", right, wrong, package._kernel.cache_clear, holds)
