"""The trust file: what is in it is so, and what is not so is found."""

import copy

import pytest

from pyzoo.bridge.lean.build import Theorem
from pyzoo.errors import InputError
from pyzoo.trust.check import check, load

THEOREMS = [Theorem("Spec.holds", "1 = 1", "00", ("propext",), "Spec.A", 3)]
PROVED = {"claim": "It holds.", "theorem": "Spec.holds", "hash": "00"}
TESTED = {"claim": "It works.", "method": "example", "breaks": "much",
          "tests": ["tests/trust/test_check.py::test_a_document_in_order_has_no_problems"]}  # fmt: skip


@pytest.fixture
def document():
    """The real external section, with one theorem and one test."""
    return {"schema": 1, "proved": [dict(PROVED)], "tested": [copy.deepcopy(TESTED)], "external": load()["external"]}


def words(document, theorems=THEOREMS):
    return [f"{p.where} {p.what}" for p in check(document, theorems)]


def test_a_document_in_order_has_no_problems(document):
    assert words(document) == []


def test_a_theorem_that_does_not_exist(document):
    document["proved"][0]["theorem"] = "Spec.is_missing"
    assert any("Spec.is_missing the library has no such theorem" in w for w in words(document))


def test_a_statement_that_has_changed(document):
    document["proved"][0]["hash"] = "11"
    assert any("its statement has changed" in w for w in words(document))


def test_an_axiom_beyond_the_standard_ones(document):
    theorem = Theorem("Spec.other", "2 = 2", "00", ("Lean.ofReduceBool", "propext"), "Spec.A", 9)
    assert any("rests on Lean.ofReduceBool" in w for w in words(document, [*THEOREMS, theorem]))


@pytest.mark.parametrize("test", ["tests/trust/test_check.py::test_no_such", "tests/no_such.py::test_it",
                                  "tests/ops/test_native.py::TestNone::done"])  # fmt: skip
def test_a_test_that_does_not_exist(document, test):
    document["tested"][0]["tests"] = [test]
    assert any(f"{test} does not exist" in w for w in words(document))


@pytest.mark.skip(reason="an example for the test below")
def test_that_is_skipped():
    raise AssertionError


def test_a_test_that_is_skipped(document):
    document["tested"][0]["tests"] = ["tests/trust/test_check.py::test_that_is_skipped"]
    assert any("is skipped" in w for w in words(document))


def test_a_claim_without_a_test(document):
    document["tested"][0]["tests"] = []
    assert any("names no test" in w for w in words(document))


def test_a_component_that_is_not_installed(document):
    document["external"].append({**document["external"][0], "distributions": ["no-such-distribution"]})
    assert any("no-such-distribution is not installed" in w for w in words(document))


def test_a_dependency_that_nobody_lists(document):
    document["external"] = [e for e in document["external"] if "torch" not in e["distributions"]]
    assert any("dependency: torch" in w for w in words(document))


@pytest.mark.parametrize("text", ["", "schema: 2", "schema: 1\nproved: []", "schema: 1\nproved: [{}]\ntested: []", "{"])
def test_a_file_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "trust.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="trust.yaml"):
        load(path)


def test_the_trust_file_holds_for_the_library():
    """Builds the library, if it isn't built: every theorem, test and component that the trust file names is there."""
    from pyzoo.bridge.lean.build import build

    result = build()
    assert result.ok, result.messages
    assert not [m for m in result.messages if ": warning: " in m]
    assert check(load()) == []
