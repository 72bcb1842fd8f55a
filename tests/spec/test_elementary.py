"""The enclosures of `Spec.Num.Elementary` against arbitrary-precision ball arithmetic."""

import numpy as np
import pytest
import sympy
import torch
from flint import arb, ctx, fmpq

from pyzoo.conformance.trace import bits

CASES = {
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tanh": lambda x: x.tanh(),
    "softplus": lambda x: x.exp().log1p(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "silu": lambda x: x / (1 + (-x).exp()),
    "gelu": lambda x: x * (-x / arb(2).sqrt()).erfc() / 2,
    "sqrt": lambda x: x.sqrt(),
}
POSITIVE = ("log", "sqrt")
LARGEST = {"exp": 4000, "softplus": 4000, "sigmoid": 4000, "silu": 4000, "gelu": 89, "tanh": 2000}  # beyond, the value or
# its distance to the limit is below 2^-5700


def dyadic(mantissa: int, scale: int) -> fmpq:
    return fmpq(mantissa) / fmpq(2) ** scale if scale >= 0 else fmpq(mantissa) * fmpq(2) ** -scale


def arguments(name: str) -> torch.Tensor:
    """Every exponent of fp32 once with a random fraction and both signs, as far as the function has a value there, and
    dense points where it bends."""
    rng = np.random.default_rng(0)
    exponents = np.arange(0, 255, dtype=np.uint32)
    fractions = rng.integers(0, 1 << 23, len(exponents), dtype=np.uint32)
    wide = np.concatenate(((exponents << 23) | fractions, (exponents << 23) | fractions | 1 << 31)).view(np.float32)
    dense = rng.uniform(-30, 30, 60).astype(np.float32)
    x = np.concatenate((wide, dense, np.float32([0.0, -0.0, 20.0, -88.0, 88.0, 6.0, -6.0, 6.000001, -12.0, 1.0, 0.75, 1.5])))
    x = np.abs(x[x != 0]) if name in POSITIVE else x
    return torch.from_numpy(x[np.abs(x) < LARGEST.get(name, np.inf)])


@pytest.mark.parametrize("name", CASES)
def test_the_enclosure_contains_the_exact_value_and_is_narrow(lean, name):
    x = arguments(name)
    answer = lean.ask({"function": name, "x": bits(x)}, timeout=300)["enclosures"]
    assert len(answer) == len(x) > 100
    ctx.prec = 8000  # exp(-4000) has 5771 leading zero bits
    for value, enclosure in zip(x.double().tolist(), answer, strict=True):
        exact = CASES[name](arb(value))
        lo, hi = arb(dyadic(*enclosure[:2])), arb(dyadic(*enclosure[2:]))
        assert lo <= exact <= hi, (name, value)
        assert hi - lo <= abs(exact) * arb(2) ** -60, (name, value)


def test_a_shifted_enclosure_would_be_caught(lean):
    lo = lean.ask({"function": "exp", "x": bits(torch.tensor([1.0]))}, timeout=60)["enclosures"][0]
    ctx.prec = 8000
    assert not arb(1).exp() <= arb(dyadic(lo[0], lo[1]))


def test_there_is_no_enclosure_beyond_the_range(lean):
    assert lean.ask({"function": "exp", "x": bits(torch.tensor([5000.0]))}, timeout=60)["enclosures"] == [None]


def derivative(expression):
    """SymPy's derivative of an expression in x, as a function of a ball."""
    functions = {"exp": lambda y: arb(y).exp(), "erf": lambda y: arb(y).erf(), "sqrt": lambda y: arb(y).sqrt(), "pi": arb.pi()}
    return sympy.lambdify(sympy.Symbol("x"), sympy.diff(expression, "x"), modules=[functions])


@pytest.mark.parametrize(
    ("name", "formula"),
    [("sigmoid", "1 / (1 + exp(-x))"), ("tanh", "(exp(2 * x) - 1) / (exp(2 * x) + 1)"), ("silu", "x / (1 + exp(-x))"),
     ("gelu", "x * (1 + erf(x / sqrt(2))) / 2")],
)  # fmt: skip
def test_the_enclosure_of_a_derivative_contains_it(lean, name, formula):
    """Where a derivative passes through 0, its width is in relation to what cancels there."""
    x = torch.from_numpy(np.random.default_rng(1).uniform(-40, 40, 150).astype(np.float32))
    answer = lean.ask({"function": f"{name}_slope", "x": bits(x)}, timeout=300)["enclosures"]
    ctx.prec = 3000
    exact = derivative(sympy.sympify(formula))
    for value, enclosure in zip(x.double().tolist(), answer, strict=True):
        lo, hi = arb(dyadic(*enclosure[:2])), arb(dyadic(*enclosure[2:]))
        assert lo <= exact(arb(value)) <= hi, (name, value)
        assert hi - lo <= (1 + abs(arb(value))) * arb(2) ** -60, (name, value)
