"""`pyzoo conform rnn|lstm|gru`: correct models pass, wrong ones fail."""

import pytest

from pyzoo.conformance import run
from pyzoo.conformance.judge import judge_fact
from pyzoo.conformance.mutants import mutants

FAMILIES = ("rnn", "lstm", "gru")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(10))
def test_a_correct_model_passes(lean, family, seed):
    result = run.conform(lean, family, seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {f"{family}.parameters", *run.family(family).POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


@pytest.mark.parametrize("mutant", [m for family in FAMILIES for m in mutants(family)], ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, mutant.id.partition(".")[0], mutant, seed=2, device="cpu")["killed"], mutant.why


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_parameter_count_fails(lean, family):
    assert judge_fact(lean, f"{family}.parameters", [1], sizes=[7, 4, 5, 2]).verdict == "FAIL"
