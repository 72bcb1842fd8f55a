"""`pyzoo conform`: exit codes, reports, and what is left behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

from pyzoo.bridge.lean import session
from pyzoo.cli import conform, sample
from pyzoo.errors import InputError, MissingError, PyzooError

APP = typer.Typer()
for command in (conform, sample):  # with one command alone, Typer takes no name
    command.register(APP)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lean) -> None:
    """Commands run in an empty folder, and ask the tests' own evaluator."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(session, "Evaluator", lambda family=None: Shared(lean))


class Shared:
    """The tests' evaluator, which goes on after a command."""

    def __init__(self, lean) -> None:
        self._lean = lean

    def __enter__(self):
        return self._lean

    def __exit__(self, *_) -> None:
        pass


def pyzoo(*arguments: str):
    """Exit code and output; an error that the command raises is raised."""
    result = CliRunner().invoke(APP, arguments)
    if isinstance(result.exception, PyzooError):
        raise result.exception
    return result.exit_code, result.output


def wrong(point: str, body: str) -> tuple[str, ...]:
    """Arguments that put a function of the file `mine.py` in the place of a spec point."""
    Path("mine.py").write_text(f"import torch\ndef f({body}\n")
    return "--point", point, "--impl", "mine:f"


def test_a_point_of_a_correct_model_exits_0():
    code, out = pyzoo("conform", "resnet", "--point", "resnet.add")
    assert code == 0 and "resnet: WITHIN" in out


def test_a_wrong_implementation_exits_1_and_can_be_replayed():
    code, out = pyzoo("conform", "resnet", *wrong("resnet.add", "*, x, y): return x - y"))
    assert code == 1 and "first that does not hold: resnet.add FAIL at [" in out
    assert "inputs: x [[[[0.0]]]], y [[[[1.0]]]]" in out
    folder = out.partition("--replay ")[2].split()[0]
    code, out = pyzoo("conform", "--replay", folder)
    assert code == 1 and "resnet.add: FAIL" in out


def test_another_failure_of_the_same_point_gets_a_trace_of_its_own():
    first = pyzoo("conform", "resnet", *wrong("resnet.add", "*, x, y): return x - y"))[1].partition("--replay ")[2]
    second = pyzoo("conform", "resnet", *wrong("resnet.add", "*, x, y): return x + 2 * y"))[1].partition("--replay ")[2]
    assert first.split()[0] != second.split()[0] and len(list(Path("traces").iterdir())) == 2


def test_an_implementation_that_raises_exits_1_with_its_message():
    code, out = pyzoo("conform", "resnet", *wrong("resnet.add", "*, x, y): raise ValueError('not today')"))
    assert code == 1 and "ValueError: not today" in out


def test_the_report_is_one_document():
    code, _ = pyzoo("conform", "resnet", "--point", "resnet.relu", "--json", "report.json")
    document = json.loads(Path("report.json").read_text())
    assert code == 0 and document["schema"] == 1 and document["model"] == "resnet" and document["verdict"] == "EXACT"
    assert [p["verdict"] for p in document["points"] if p["id"] == "resnet.relu"] == ["EXACT"]


def emitted(**changes: str) -> None:
    """Run the test in `test_it.py`, with some text in it replaced, here and with the tests' own evaluator."""
    text = Path("test_it.py").read_text()
    for old, new in changes.items():
        text = text.replace(old, new)
    names: dict = {}
    exec(compile(text, "test_it.py", "exec"), names)
    next(value for name, value in names.items() if name.startswith("test_"))()


def test_an_emitted_test_fails_until_the_implementation_is_right():
    arguments = wrong("resnet.add", "*, x, y): return x - y")
    code, out = pyzoo("conform", "resnet", *arguments, "--emit-test", "test_it.py")
    assert code == 1 and "test: python -m pytest test_it.py" in out
    assert '"y": from_bits("float32", [1, 1, 1, 1], [0x3f800000])' in Path("test_it.py").read_text()
    with pytest.raises(AssertionError, match=r"out of reach at \[0, 0, 0, 0\]"):
        emitted()
    wrong("resnet.add", "*, x, y): return x + y")
    done = subprocess.run([sys.executable, "-m", "pytest", "test_it.py"], capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout


def test_a_test_is_emitted_from_a_trace():
    code, out = pyzoo("conform", "resnet", *wrong("resnet.conv",
                                                  "*, x, weight, **p): return -torch.conv2d(x, weight, **p)"))
    folder = out.partition("--replay ")[2].split()[0]
    code, out = pyzoo("conform", "--replay", folder, "--emit-test", "test_it.py")
    assert code == 1
    with pytest.raises(AssertionError):
        emitted()
    emitted(**{"mine:f": "pyzoo.ops.resnet:conv"})
    code, out = pyzoo("conform", "--replay", folder, "--impl", "pyzoo.ops.resnet:conv", "--emit-test", "test_own.py")
    assert code == 0 and "no call failed, so test_own.py is not written" in out and not Path("test_own.py").exists()


def test_a_call_that_raised_is_emitted():
    code, _ = pyzoo("conform", "mamba", *wrong("mamba.step.h", "**p): raise ValueError('not today')"),
                    "--emit-test", "test_it.py")
    assert code == 1 and max(map(len, Path("test_it.py").read_text().splitlines())) <= 120
    with pytest.raises(AssertionError, match="ValueError: not today"):
        emitted()
    emitted(**{"mine:f": "pyzoo.ops.mamba:step"})


def test_without_a_failure_no_test_is_emitted():
    code, out = pyzoo("conform", "resnet", "--point", "resnet.add", "--emit-test", "test_it.py")
    assert code == 0 and "no call failed, so test_it.py is not written" in out and not Path("test_it.py").exists()


def test_an_emitted_test_replaces_no_file():
    Path("mine.py").write_text("")
    with pytest.raises(InputError, match="mine.py exists already"):
        pyzoo("conform", "resnet", "--emit-test", "mine.py")
    assert Path("mine.py").read_text() == ""


def test_a_damaged_trace_is_bad_input():
    code, out = pyzoo("conform", "resnet", *wrong("resnet.add", "*, x, y): return x - y"))
    folder = Path(out.partition("--replay ")[2].split()[0])
    document = json.loads((folder / "trace.json").read_text())
    (folder / "trace.json").write_text(json.dumps(document | {"point": "resnet.addition"}))
    code, out = pyzoo("conform", "--replay", str(folder))
    assert code == 1 and "no spec point is called 'resnet.addition'" in out
    (folder / "trace.json").write_text("{")
    with pytest.raises(InputError, match="trace.json"):
        pyzoo("conform", "--replay", str(folder))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["resnte"], "nearest: resnet"),
        ([], "name a model"),
        (["resnet", "--cases", "0"], "--cases must be at least 1"),
        (["resnet", "--point", "resnet.convolution"], "it has resnet.conv"),
        (["resnet", "--impl", "mine:f"], "--impl needs --point"),
        (["resnet", "--point", "resnet.add", "--impl", "no_such_module:f"], "no_such_module"),
        (["resnet", "--device", "tpu"], "cpu or cuda"),
        (["--run", "nowhere"], "not a saved run"),
        (["--replay", "nowhere"], "trace.json"),
        (["resnet", "--emit-test", "nowhere/test_it.py"], "no folder nowhere"),
    ],
)
def test_bad_input_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        pyzoo("conform", *arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_missing_device_is_exit_code_3():
    with pytest.raises(MissingError, match="no CUDA device"):
        pyzoo("conform", "resnet", "--device", "cuda")
