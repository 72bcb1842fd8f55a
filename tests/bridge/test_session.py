"""The evaluator process: answers, crashes, hangs. A script stands for Lean."""

import sys
import time

import pytest

from pyzoo.bridge.lean.modules import single_source
from pyzoo.bridge.lean.session import Evaluator, EvaluatorError
from pyzoo.bridge.lean.toolchain import Toolchain

SCRIPT = """
import json, pathlib, sys, time
starts = pathlib.Path("starts")
starts.write_text(starts.read_text() + "." if starts.exists() else ".")
print("noise")
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    r = json.loads(line)
    if r.get("do") == "hang":
        time.sleep(60)
    if r.get("do") == "crash" or r.get("do") == "crash once" and len(starts.read_text()) == 1:
        print("Eval.lean:1:0: error: out of luck", flush=True)
        sys.exit(1)
    if r.get("do") == "babble":
        print("{not json", flush=True)
    print(json.dumps({"id": r["id"], "echo": r.get("say")}), flush=True)
"""


class Pretend(Toolchain):
    """A toolchain whose `lean --run` runs the script above."""

    def command(self, *arguments):
        return [sys.executable, "-c", SCRIPT]


@pytest.fixture
def lean(tmp_path, monkeypatch):
    monkeypatch.setenv("PYZOO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "Eval.lean").write_text("module\n")
    with Evaluator(tmp_path, Pretend("registry", "0", tmp_path)) as evaluator:
        yield evaluator


def starts(folder):
    return len((folder / "starts").read_text())


def test_each_request_has_its_answer(lean):
    assert [lean.ask({"say": k}, 10)["echo"] for k in range(3)] == [0, 1, 2]


def test_a_hang_is_killed_and_tried_once_more(lean, tmp_path):
    begin = time.perf_counter()
    with pytest.raises(EvaluatorError, match="did not answer within 0.5 s"):
        lean.ask({"do": "hang"}, 0.5)
    assert time.perf_counter() - begin < 20
    assert starts(tmp_path) == 2
    assert lean.ask({"say": "again"}, 10)["echo"] == "again"


def test_a_crash_is_reported_with_leans_words(lean, tmp_path):
    with pytest.raises(EvaluatorError, match="ended.*out of luck"):
        lean.ask({"do": "crash"}, 10)
    assert starts(tmp_path) == 2


def test_one_crash_is_survived(lean):
    assert lean.ask({"do": "crash once", "say": 7}, 10)["echo"] == 7


def test_what_is_not_json_is_no_answer(lean):
    with pytest.raises(EvaluatorError, match="not JSON"):
        lean.ask({"do": "babble"}, 10)


def test_single_source_has_each_module_once_and_core_imports_at_the_top(tmp_path):
    (tmp_path / "Spec").mkdir()
    body = "\n@[expose] public section\ndef {} := 0\n"
    (tmp_path / "Spec" / "A.lean").write_text("module\npublic import Init.Data.Dyadic\n" + body.format("a"))
    (tmp_path / "Spec" / "B.lean").write_text("module\npublic import Spec.A\n" + body.format("b"))
    (tmp_path / "Eval.lean").write_text("module\npublic import Spec.A\npublic import Spec.B\n" + body.format("main"))
    text = single_source(tmp_path, "Eval")
    assert text.startswith("module\npublic import Init.Data.Dyadic\n")
    assert "import Spec" not in text
    assert [text.count(f"def {name} ") for name in ("a", "b", "main")] == [1, 1, 1]
    assert text.index("def a ") < text.index("def b ") < text.index("def main ")
