"""`pyzoo conform spectral`: the Fourier layer passes with either transform, and wrong ones fail."""

import pytest

from pyzoo.conformance import run
from pyzoo.conformance.mutants import mutants


@pytest.mark.parametrize("seed", range(2))
def test_a_correct_layer_passes(lean, seed):
    result = run.conform(lean, "spectral", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"spectral.parameters", *run.family("spectral").POINTS}


@pytest.mark.parametrize("mutant", mutants("spectral"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "spectral", mutant, seed=2, device="cpu")["killed"], mutant.why
