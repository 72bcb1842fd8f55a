"""How often a correct implementation is rejected, and how much of its budget it uses.

`python benchmarks/false_alarms.py [--runs N] [--family F]` draws N runs a family (1,000 if not given). Run k is a call of
spec point k mod P of the family's P, with the inputs that it has in a freshly built model: sizes, weights, data and
dtype from seed k div P, the order of sums from k. The point is run as it is, or with every sum inside it in one of
`ORDERS`, with or without fused multiply-add, accumulated in its own dtype or more precisely; half of these runs declare
it. A whole GPT gets three tokens of one text, and a spectral convolution at most 24 points, with fast transforms beyond 8
modes rather than 32. The table has the verdicts, and the median over fp32 runs of the largest error / budget. False alarms
are listed.
"""

import argparse
import math
import random
import statistics
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance import FAMILIES, run
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call, base, calls_of
from pyzoo.ops import selective_scan as scan
from pyzoo.ops import spectral_conv
from pyzoo.ops.point import POINTS, Arithmetic

DTYPES = (torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
ORDERS = ("plain", "sequential", "backward", "tree", "chunks", "shuffled")
SCANS = ("mamba.states",)  # recurrences that are composed in a tree too
UNDECLARED = {  # what a declaration would have to cover that `Reordered` leaves alone
    "mamba.states", "mamba.mixer", "mamba.step", "mamba.selective_scan",  # the steps
    "mamba2.mixer", "mamba2.step",
    "mamba.readout", "mamba2.ssd", "mamba2.ssd_step",  # the skip connection, which is one of the sum's terms
}  # fmt: skip
ENTRIES = 24  # of a call's output that are compared
WIDER = dict.fromkeys((torch.float32, torch.float64), torch.float64) | dict.fromkeys(
    (torch.bfloat16, torch.float16), torch.float32
)
aten = torch.ops.aten


class Reordered(TorchDispatchMode):
    """Within the block, PyTorch's sums and sums of products are added in another order, in the dtype `accumulator` if
    one is given."""

    def __init__(self, order: str, fused: bool, accumulator: torch.dtype | None, draw: random.Random) -> None:
        super().__init__()
        self.order, self.fused, self.accumulator, self.draw = order, fused, accumulator, draw
        self.chunk = draw.randint(2, 4)
        self.depth = 0  # of the deepest tree so far

    def declared(self) -> str:
        """The name of the order class."""
        return {"sequential": "sequential", "backward": "sequential", "tree": f"tree:{self.depth}",
                "chunks": f"chunks:{self.chunk}"}.get(self.order, "any")  # fmt: skip

    def total(self, terms: list[Tensor]) -> Tensor:
        """The sum of tensors of one shape."""
        if self.order == "backward":
            terms = terms[::-1]
        elif self.order == "shuffled":
            terms = self.draw.sample(terms, len(terms))
        if self.order == "tree":
            self.depth = max(self.depth, math.ceil(math.log2(len(terms))))
            while len(terms) > 1:
                pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
                terms = pairs + terms[2 * len(pairs) :]
        elif self.order == "chunks" and len(terms) > self.chunk:
            terms = [self._run(terms[i : i + self.chunk]) for i in range(0, len(terms), self.chunk)]
        elif self.order == "shuffled" and len(terms) > 2:
            cut = self.draw.randrange(1, len(terms))
            terms = [self.total(terms[:cut]), self.total(terms[cut:])]
        return self._run(terms)

    @staticmethod
    def _run(terms: list[Tensor]) -> Tensor:
        first, *rest = terms
        for term in rest:
            first = first + term
        return first

    def sum(self, x: Tensor) -> Tensor:
        """The sum along the last axis."""
        return self.total([*x.to(self.accumulator or x.dtype).unbind(-1)]).to(x.dtype)

    def dot(self, x: Tensor, w: Tensor, bias: Tensor | None = None) -> Tensor:
        """`Σ x w + bias` along the last axis."""
        dtype, inner = x.dtype, self.accumulator or x.dtype
        x, w = torch.broadcast_tensors(x.to(inner), w.to(inner))
        first = [] if bias is None else [bias.to(x.dtype).expand(x.shape[:-1])]
        if self.fused and self.order in ("sequential", "backward"):
            wide = WIDER[x.dtype]
            order = range(x.shape[-1]) if self.order == "sequential" else reversed(range(x.shape[-1]))
            total = first[0] if first else torch.zeros_like(x[..., 0])
            for k in order:  # the product of two numbers is exact in the wider dtype
                total = (total.to(wide) + x[..., k].to(wide) * w[..., k].to(wide)).to(x.dtype)
            return total.to(dtype)
        return self.total([*first, *(x * w).unbind(-1)]).to(dtype)

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        if op in (aten.mm.default, aten.bmm.default, aten.addmm.default):
            bias, x, w = args if op is aten.addmm.default else (None, *args)
            return self.dot(x[..., :, None, :], w.transpose(-1, -2)[..., None, :, :], bias)
        if op in (aten.mean.dim, aten.sum.dim_IntList):
            return self._reduce(op, *args)
        if op is aten._softmax.default:
            x, dim = args[0].movedim(args[1], -1), args[1]
            e = torch.exp(x - x.amax(-1, keepdim=True))
            return (e / self.sum(e)[..., None]).movedim(-1, dim)
        if op is aten.convolution.default:
            return self._convolution(*args)
        return op(*args, **(kwargs or {}))

    def _reduce(self, op, x: Tensor, dims: list[int], keep: bool = False) -> Tensor:
        dims = sorted(d % x.dim() for d in dims)
        last = x.movedim(dims, [*range(-len(dims), 0)]).flatten(-len(dims))
        mean = self.sum(last) / last.shape[-1] if op is aten.mean.dim else self.sum(last)
        return mean.reshape([1 if i in dims else n for i, n in enumerate(x.shape)]) if keep else mean

    def _convolution(self, x, weight, bias, stride, padding, dilation, transposed, output_padding, groups) -> Tensor:
        if flat := x.dim() == 3:
            x, weight, stride, padding = x[:, :, None], weight[:, :, None], [1, *stride], [0, *padding]
        height, width = ((n + 2 * p - k) // s + 1 for n, p, k, s in
                         zip(x.shape[2:], padding, weight.shape[2:], stride, strict=True))  # fmt: skip
        patches = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
        patches = patches.unfold(2, weight.shape[2], stride[0]).unfold(3, weight.shape[3], stride[1])  # (B,C,H',W',R,S)
        patches = patches.unflatten(1, (groups, -1)).movedim(2, 4).flatten(4)  # (B,G,H',W',n)
        kernels = weight.unflatten(0, (groups, -1)).flatten(2)[:, :, None, None]  # (G,K/G,1,1,n)
        bias = None if bias is None else bias.reshape(groups, -1, 1, 1)
        y = self.dot(patches[:, :, None], kernels, bias).reshape(len(x), len(weight), height, width)
        return y[:, :, 0] if flat else y


def doubling(*, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """A recurrence by doubling: every step composed with 1, 2, 4, ... steps before it."""
    a, b, reach = decay, input, 1
    while reach < a.shape[1]:
        b = torch.cat((b[:, :reach], a[:, reach:] * b[:, :-reach] + b[:, reach:]), 1)
        a = torch.cat((a[:, :reach], a[:, reach:] * a[:, :-reach]), 1)
        reach *= 2
    return a * h0[:, None] + b


def halves(*, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """A recurrence in two chunks, the second from the zero state and what the first leaves carried in afterwards."""
    half = (decay.shape[1] + 1) // 2
    first = doubling(decay=decay[:, :half], input=input[:, :half], h0=h0)
    if half == decay.shape[1]:
        return first
    a, b = decay[:, half:], input[:, half:]
    return torch.cat((first, doubling(decay=a, input=b, h0=torch.zeros_like(h0)) + a.cumprod(1) * first[:, -1:]), 1)


def stepwise(**inputs: Tensor) -> Tensor:
    """The fused scan as single PyTorch operations."""
    return scan.reference(*(inputs[name] for name in ("u", "dt", "a", "b", "c", "d", "z", "bias", "h0")), True)[0]


def small(call: Call) -> Call:
    """The call, on less data if Lean would take seconds for it."""
    inputs = call.inputs
    if call.point in ("gpt.logits", "gpt.decode"):
        inputs = inputs | {"tokens": inputs["tokens"][:1, :3]}
    elif call.point == "spectral.conv" and inputs["x"].shape[2] > 24:
        n = 12 + inputs["x"].shape[2] % 13
        inputs = {"x": inputs["x"][:, :, :n].contiguous(), "weight": inputs["weight"][:, :, : n // 2 + 1].contiguous()}
    else:
        return call
    with run.full_precision(), torch.no_grad():
        return replace(call, inputs=inputs, output=POINTS[call.point](**inputs, **call.ints))


def again(call: Call, order: str, draw: random.Random) -> Call:
    """The call, run once more with its sums in that order."""
    point, inputs = base(call.point), call.inputs | call.ints
    if order == "plain":
        return call
    if point in SCANS:
        return replace(call, output=draw.choice((doubling, halves))(**inputs), arithmetic=Arithmetic())
    accumulator = draw.choice((None, WIDER[call.output.dtype]))
    mode = Reordered(order, draw.random() < 0.5, accumulator, draw)
    with torch.no_grad(), mode:
        output = (stepwise if point == "mamba.selective_scan" else POINTS[point])(**inputs)
    said = Arithmetic()
    if point not in UNDECLARED and draw.random() < 0.5:
        said = Arithmetic(mode.declared(), accumulator and str(accumulator).removeprefix("torch."))
    return next(c for c in calls_of(point, inputs, output, said) if c.point == call.point)


def finite(call: Call) -> bool:
    """Whether the model before this point did not overflow."""
    return all(bool(x.isfinite().all()) for x in call.inputs.values())


def draws(family: str, runs: int):
    """The calls of a family by their numbers, with their dtype and order."""
    points = run.family(family).POINTS
    calls: list[Call] = []
    for k in range(runs):
        seed, place = divmod(k, len(points))
        dtype = random.Random(seed).choice(DTYPES)
        if place == 0:
            calls = [c for c in run.record(family, seed, dtype=dtype) if finite(c)]
        draw = random.Random(k)
        own = [c for c in calls if c.point == points[place] and c.output.numel()]
        order = draw.choice(ORDERS)
        yield k, points[place], dtype, order, again(small(draw.choice(own)), order, draw) if own else None


def count(family: str, runs: int) -> str:
    """The family's line of the table, and its false alarms."""
    verdicts, ratios, alarms, start = Counter(), [], [], time.monotonic()
    spectral_conv.MOST_MODES["matrix"] = 8  # or no small signal would have enough modes for fast transforms
    with Evaluator(family=family) as lean:
        lean.wait()
        for k, point, dtype, order, call in draws(family, runs):
            if call is None:
                verdicts["not reached"] += 1
                continue
            verdict = judge(lean, call, ENTRIES, k)
            verdicts[verdict.verdict] += 1
            if verdict.verdict == "WITHIN" and dtype is torch.float32:
                ratios.append(verdict.error_over_budget)
            elif verdict.verdict not in ("EXACT", "WITHIN", "UNBOUNDED"):
                said = f"{dtype} {order} {call.arithmetic} {verdict.message}"
                alarms.append(f"  {verdict.verdict} run {k}: {call.id} {said}")
    counts = ", ".join(f"{n} {word}" for word, n in verdicts.most_common())
    median = f"{statistics.median(ratios):.3f}" if ratios else ""
    cells = (family, runs, counts, verdicts["FAIL"], median, f"{time.monotonic() - start:.0f}")
    return "\n".join((f"| {' | '.join(map(str, cells))} |", *alarms))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--family", choices=FAMILIES)
    chosen = parser.parse_args()
    print(f"runs 0 to {chosen.runs - 1} of each family, PyTorch {torch.__version__} on the CPU")
    print("| family | runs | verdicts | false alarms | median error / budget, fp32 | s |")
    print("|---|---|---|---|---|---|", flush=True)
    torch.set_num_threads(1)
    with ProcessPoolExecutor(2) as pool:
        for line in pool.map(count, [chosen.family] if chosen.family else FAMILIES, [chosen.runs] * len(FAMILIES)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
