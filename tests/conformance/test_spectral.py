"""`pyzoo conform spectral`: the Fourier layer passes with either transform, and wrong ones fail."""

import pytest
from flint import arb, ctx, fmpq

from pyzoo.conformance import run
from pyzoo.conformance.judge import judge_fact
from pyzoo.conformance.mutants import mutants


@pytest.mark.parametrize("seed", range(2))
def test_a_correct_layer_passes(lean, seed):
    result = run.conform(lean, "spectral", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"spectral.parameters", *run.family("spectral").POINTS}
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", mutants("spectral"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "spectral", mutant, seed=2, device="cpu")["killed"], mutant.why


def turns(n: int) -> list[int]:
    """Cosine and sine of each n-th of a turn, with 1 added, to the nearest multiple of 2^-100, by ball arithmetic."""
    with ctx.workprec(400):
        angles = [2 * arb(fmpq(j, n)) for j in range(n)]
        values = [f for angle in angles for f in (angle.cos_pi(), angle.sin_pi())]
        return [int(((1 + v) * 2**100 + arb(fmpq(1, 2))).floor().unique_fmpz()) for v in values]


@pytest.mark.parametrize("n", [1, 2, 3, 8, 31, 372, 784, 1134, 2049])
def test_the_roots_of_unity_are_those_of_ball_arithmetic(lean, n):
    assert judge_fact(lean, "spectral.turns", turns(n), sizes=[n]).verdict == "EXACT"


def test_another_root_would_be_found(lean):
    wrong = turns(31)
    wrong[5] += 1
    assert judge_fact(lean, "spectral.turns", wrong, sizes=[31]).verdict == "FAIL"
