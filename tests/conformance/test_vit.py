"""`pyzoo conform vit`: correct models pass, wrong ones fail."""

import pytest

from pyzoo.conformance import run
from pyzoo.conformance.mutants import mutants


@pytest.mark.parametrize("seed", range(20))
def test_a_correct_model_passes(lean, seed):
    result = run.conform(lean, "vit", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"vit.parameters", "vit.token_count", *run.family("vit").POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", mutants("vit"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "vit", mutant, seed=2, device="cpu")["killed"], mutant.why
