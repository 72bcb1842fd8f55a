"""Building the Lean library: what is stale, what counts as finished, what the user is shown."""

import json
import re

import pytest

from pyzoo.bridge.lean import build as builds
from pyzoo.bridge.lean import modules
from pyzoo.bridge.lean.toolchain import Toolchain
from pyzoo.errors import InputError
from pyzoo.paths import lean_dir

# A driver that compiles nothing: it rejects a module whose text has the word `wrong`, and names one theorem a module.
DRIVER = """
import json, pathlib, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    r = json.loads(line)
    text = pathlib.Path(r["source"]).read_text()
    if "wrong" in text or "sorry" in text:
        bad = {"severity": "error", "pos": {"line": 2, "column": 4}, "data": "it is wrong"}
        if "sorry" in text:
            bad |= {"severity": "warning", "data": "declaration uses `sorry`"}
        print(json.dumps(bad))
    pathlib.Path(r["olean"]).write_text("compiled")
    name = r["module"] + ".holds"
    uses = ["Spec.A.holds"] if r["module"] == "Spec.B" else []
    own = ["A.own"] if r["module"] == "Spec.A" else []
    t = {"name": name, "axioms": own, "uses": uses, "core": [], "statement": "1 = 1"}
    print(json.dumps({"done": r["module"], "ok": True, "theorems": [t]}), flush=True)
"""


class Pretend(Toolchain):
    """A toolchain whose `lean --run` runs the driver above."""

    def command(self, *arguments):
        import sys

        return [sys.executable, "-c", DRIVER]


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library of two modules: B imports A."""
    sources = tmp_path / "lean"
    (sources / "Spec").mkdir(parents=True)
    (sources / "Driver.lean").write_text("module\n")
    (sources / "Spec.lean").write_text("module\npublic import Spec.B\n")
    (sources / "Spec" / "A.lean").write_text("module\ntheorem holds : 1 = 1 := rfl\n")
    (sources / "Spec" / "B.lean").write_text("module\npublic import Spec.A\ntheorem holds : 1 = 1 := rfl\n")
    toolchain = Pretend("registry", "0", tmp_path)
    monkeypatch.setattr(builds, "find", lambda: toolchain)
    out = tmp_path / "out"
    return sources, out, lambda: builds.build(sources, out, toolchain)


def test_root_imports_every_module():
    missing = modules.files(lean_dir()) - set(modules.in_order(lean_dir(), "Spec"))
    assert not missing, f"add to lean/Spec.lean: {sorted(missing)}"


def test_a_module_that_nobody_imports_is_refused(library):
    sources, _, build = library
    (sources / "Spec" / "Lost.lean").write_text("module\n")
    with pytest.raises(InputError, match="does not import Spec.Lost"):
        build()


def test_only_what_changed_is_compiled(library):
    sources, _, build = library
    assert set(build().compiled) == {"Spec.A", "Spec.B", "Spec"}
    assert build().compiled == []
    (sources / "Spec" / "B.lean").write_text("module\npublic import Spec.A\n")
    assert build().compiled == ["Spec.B", "Spec"]
    (sources / "Spec" / "A.lean").write_text("module\n")
    assert build().compiled == ["Spec.A", "Spec.B", "Spec"]


@pytest.mark.parametrize("damage", ["no stamp", "cut stamp", "no olean"])
def test_a_half_finished_module_is_compiled_again(library, damage):
    _, out, build = library
    build()
    stamp = out / "Spec" / "B.json"
    if damage == "no stamp":
        stamp.unlink()
    elif damage == "cut stamp":
        stamp.write_text(stamp.read_text()[:-5])
    else:
        stamp.with_suffix(".olean").unlink()
    assert build().compiled == ["Spec.B"]


@pytest.mark.parametrize("word, said", [("wrong", "it is wrong"), ("sorry", "declaration uses `sorry`")])
def test_an_error_has_file_and_line_and_fails_what_imports_it(library, word, said):
    sources, out, build = library
    (sources / "Spec" / "A.lean").write_text(f"module\n-- {word}\n")
    result = build()
    assert not result.ok and set(result.failed) == {"Spec.A", "Spec.B", "Spec"}
    assert result.messages == [f"{sources / 'Spec' / 'A.lean'}:2:4: error: {said}"]
    assert not (out / "Spec" / "A.json").exists()


def test_imports_in_a_circle_are_named(library):
    sources, _, build = library
    (sources / "Spec" / "A.lean").write_text("module\npublic import Spec.B\n")
    with pytest.raises(InputError, match="circle: .*Spec.B -> Spec.A"):
        build()


def test_inventory_closes_over_axioms(library):
    sources, out, build = library
    with pytest.raises(InputError, match="pyzoo lean build"):
        builds.inventory(sources, out)
    build()
    a, b = builds.inventory(sources, out)
    assert (a.name, a.line, b.name, b.line) == ("Spec.A.holds", 2, "Spec.B.holds", 3)
    assert a.axioms == b.axioms == ("A.own",)
    assert re.fullmatch("[0-9a-f]{64}", a.hash)


def test_an_imported_constant_without_a_record_counts_as_an_axiom(library):
    sources, out, build = library
    build()
    stamp = out / "Spec" / "A.json"
    stamp.write_text(json.dumps(json.loads(stamp.read_text()) | {"theorems": []}))
    assert [t.axioms for t in builds.inventory(sources, out)] == [("Spec.A.holds",)]
