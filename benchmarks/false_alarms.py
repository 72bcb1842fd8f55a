"""How often a correct implementation is rejected, and how much of its budget it uses.

`python benchmarks/false_alarms.py [RUNS]` draws that many runs a family (10 if not given): a freshly built model with sizes,
inputs and dtype drawn from the run's number, and with the sums of its linear layers and its recurrence in one of several
orders; each of these adds in its own dtype and declares no order. It prints
the false alarms, with the numbers of the runs that repeat them, and the median of error / budget over all spec points.
"""

import random
import statistics
import sys

import torch

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance import FAMILIES, run
from pyzoo.ops.point import Arithmetic

DTYPES = (torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
LINEAR = ("mamba.in_proj", "mamba.x_proj", "mamba.out_proj", "mamba.head", "resnet.fc", "vit.embed", "vit.qkv", "vit.proj",
          "vit.fc1", "vit.fc2", "vit.head", "rnn.head", "lstm.head", "gru.head", "gpt.qkv", "gpt.proj", "gpt.fc1", "gpt.fc2",
          "gpt.head")  # fmt: skip


def sequential(x, weight, bias=0):
    """One product after another, the first feature first."""
    total = torch.zeros(*x.shape[:-1], len(weight), dtype=x.dtype)
    for k in range(x.shape[-1]):
        total = total + x[..., k, None] * weight[:, k]
    return total + bias


def backward(x, weight, bias=0):
    """As `sequential`, the last feature first, from the bias on."""
    total = torch.zeros(*x.shape[:-1], len(weight), dtype=x.dtype) + bias
    for k in reversed(range(x.shape[-1])):
        total = total + x[..., k, None] * weight[:, k]
    return total


def pairwise(x, weight, bias=0):
    """In a balanced tree."""
    terms = list((x[..., None, :] * weight).unbind(-1))
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2])] + terms[len(terms) & ~1 :]  # noqa: B905
    return terms[0] + bias


def doubling(*, decay, input, h0):
    """A recurrence by doubling: every step composed with 1, 2, 4, ... steps before it."""
    a, b, reach = decay, input, 1
    while reach < a.shape[1]:
        b = torch.cat((b[:, :reach], a[:, reach:] * b[:, :-reach] + b[:, reach:]), 1)
        a = torch.cat((a[:, :reach], a[:, reach:] * a[:, :-reach]), 1)
        reach *= 2
    return a * h0[:, None] + b


def halves(*, decay, input, h0):
    """A recurrence in two chunks, the second from the zero state and what the first leaves carried in afterwards."""
    half = (decay.shape[1] + 1) // 2
    first = doubling(decay=decay[:, :half], input=input[:, :half], h0=h0)
    if half == decay.shape[1]:
        return first
    a, b = decay[:, half:], input[:, half:]
    return torch.cat((first, doubling(decay=a, input=b, h0=torch.zeros_like(h0)) + a.cumprod(1) * first[:, -1:]), 1)


def undeclared(function):
    """The function, without a word on its order."""
    call = lambda **inputs: function(**inputs)  # noqa: E731
    call.arithmetic = Arithmetic()
    return call


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with Evaluator() as lean:
        lean.wait()
        for family in FAMILIES:
            ratios, verdicts, alarms = {dtype: [] for dtype in DTYPES}, 0, []
            for number in range(runs):
                draw = random.Random(number)
                dtype, order = draw.choice(DTYPES), draw.choice((None, sequential, backward, pairwise))
                replaced = {p: undeclared(order) for p in LINEAR if order}
                if scan := draw.choice((None, doubling, halves)):
                    replaced["mamba.states"] = undeclared(scan)
                calls = run.record(family, number, replaced=replaced, dtype=dtype)
                for verdict in run.judge_calls(lean, family, calls, number):
                    verdicts += 1
                    if verdict.verdict == "FAIL" and "is NaN or infinite" not in (verdict.message or ""):
                        alarms.append((number, verdict.id))
                    elif verdict.verdict == "WITHIN":
                        ratios[dtype].append(verdict.error_over_budget)
            print(f"{family}: {len(alarms)} false alarms in {runs} runs, {verdicts} verdicts {alarms or ''}")
            for dtype, values in ratios.items():
                if values:
                    print(f"  {str(dtype):15} median of the largest error / budget {statistics.median(values):.3f}")


if __name__ == "__main__":
    main()
