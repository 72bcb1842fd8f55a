"""`pyzoo conform`: does the running model compute what the specification says?"""

import difflib
import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from pyzoo.conformance import FAMILIES, FAMILY
from pyzoo.errors import InputError

STYLES = {"EXACT": "green", "WITHIN": "green", "FAIL": "bold red"}


def _table(result) -> Table:
    table = Table(title=f"{result.model} on {result.device}, seed {result.seed}", title_justify="left")
    for heading, justify in (
        ("spec point", "left"), ("elements", "right"), ("verdict", "left"), ("error ÷ budget", "right"), ("s", "right"),
    ):
        table.add_column(heading, justify=justify)
    for p in result.points:
        elements = f"{p.elements}" if p.elements == p.total else f"{p.elements} of {p.total}"
        ratio = f"{p.error_over_budget:.3g}" if p.verdict in ("WITHIN", "FAIL") and p.elements else ""
        table.add_row(p.id, elements, f"[{STYLES.get(p.verdict, 'yellow')}]{p.verdict}[/]", ratio, f"{p.seconds:.1f}")
    return table


def conform(
    model: Annotated[str | None, typer.Argument(help=", ".join((*FAMILIES, *FAMILY)))] = None,
    all_models: Annotated[bool, typer.Option("--all", help="every family")] = False,
    run: Annotated[Path | None, typer.Option(help="a saved run instead of a freshly built model")] = None,
    impl: Annotated[str | None, typer.Option(help="package.module:function to judge in the place of --point")] = None,
    point: Annotated[str | None, typer.Option(help="judge this spec point alone")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16")] = "float32",
    cases: Annotated[int, typer.Option(help="fresh models and inputs, each with sizes of its own")] = 1,
    seed: Annotated[int, typer.Option(help="seed of the first case")] = 0,
    grad: Annotated[bool, typer.Option("--grad", help="judge the gradients of the spec points instead")] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="also run wrong implementations of the spec points")] = False,
    certify: Annotated[Path | None, typer.Option(help="write verdicts on small calls as Lean theorems here")] = None,
    replay: Annotated[Path | None, typer.Option(help="judge a stored trace again")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="write the report here; - for stdout alone")] = None,
    traces: Annotated[Path, typer.Option(help="where failing calls are stored")] = Path("traces"),
    emit_test: Annotated[Path | None, typer.Option(help="write the first failing call as a pytest file")] = None,
) -> None:
    """Record what went in and out at every spec point of a running model, and let Lean decide. Exit code 0: every
    point is EXACT or WITHIN; 1: some point isn't; 2: bad input; 3: Lean or a device is missing."""
    if certify is not None and certify.exists() and (not certify.is_dir() or any(certify.iterdir())):
        raise InputError(f"--certify {certify} exists already and is not an empty folder")
    if certify is not None and grad:
        raise InputError("--certify writes the verdicts on values; there are no certificates of gradients, so leave out --grad")
    if cases < 1:
        raise InputError(f"--cases must be at least 1, not {cases}")
    if impl is not None and point is None and replay is None:
        raise InputError("--impl needs --point, the spec point that it replaces")
    if emit_test is not None and emit_test.exists():
        raise InputError(f"--emit-test writes a new file, and {emit_test} exists already")
    if emit_test is not None and not emit_test.parent.is_dir():
        raise InputError(f"--emit-test {emit_test}: there is no folder {emit_test.parent}")
    console = Console(stderr=json_file == Path("-"))
    if replay is not None:
        sys.exit(0 if _replay(replay, impl, device, emit_test, console) else 1)
    names = _names(model, all_models, run)

    from pyzoo.bridge.lean.session import Evaluator

    results = []
    with Evaluator(family=names[0] if len(names) == 1 else None) as lean:  # it starts while PyTorch is imported
        from pyzoo.conformance import run as runs

        runs.device_of(device)
        kind = runs.dtype_of(dtype)
        if impl is not None:
            from pyzoo.conformance.foreign import resolve

            resolve(impl)
        for name in names:
            result = runs.conform(lean, name, seed, cases, device, run, impl, point, mutants, certify, kind, grad)
            results.append(result)
            _show(console, result, traces, impl)
        documents = [result.document(lean.describe()) for result in results]
    if emit_test is not None:
        _emit(emit_test, next((r.counterexample for r in results if r.counterexample), None), impl, device, console)
    if certify is not None:
        console.print(f"check: pyzoo lean check {certify}/FILE.lean", markup=False, soft_wrap=True)
    if json_file is not None:
        text = json.dumps(documents[0] if len(documents) == 1 else documents, indent=1)
        if json_file == Path("-"):
            print(text)
        else:
            json_file.write_text(text + "\n")
    sys.exit(0 if all(result.holds for result in results) else 1)


def _names(model: str | None, all_models: bool, run: Path | None) -> list[str]:
    """The families to judge."""
    if run is not None:
        saved = _model_of(run)
        if all_models or model not in (None, saved):
            raise InputError(f"{run} is a run of {saved}; leave out {'--all' if all_models else model}")
        return [FAMILY.get(saved, saved)]
    if all_models:
        return [*FAMILIES]
    if model is None:
        raise InputError(f"name a model ({', '.join(FAMILIES)}), or give --all, --run or --replay")
    if FAMILY.get(model, model) not in FAMILIES:
        known = (*FAMILIES, *FAMILY)
        near = difflib.get_close_matches(model, known, n=3, cutoff=0.3) or known
        raise InputError(f"there is no model {model!r} to conform; nearest: {', '.join(near)}")
    return [FAMILY.get(model, model)]


def _model_of(run: Path) -> str:
    """The saved model's name, or that of its variant if it is a family of its own."""
    try:
        document = json.loads((run / "config.json").read_text())
        variant = document.get("config", {}).get("variant")
        return variant if variant in FAMILIES else document["model"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{run} is not a saved run: it has no config.json that names its model") from None


def _show(console: Console, result, traces: Path, impl: str | None) -> None:
    from pyzoo.conformance.trace import checksum, save

    console.print(_table(result))
    for p in result.points:
        if p.unreached:
            console.print(f"{p.id} never reached {', '.join(p.unreached)}", markup=False, soft_wrap=True)
    bad = [p for p in result.points if not p.holds]
    if bad:
        first = bad[0]
        where = f" at {first.worst_index}" if first.worst_index is not None else ""
        console.print(f"first that does not hold: {first.id} {first.verdict}{where}"
                      + (f": {first.message}" if first.message else ""), markup=False, soft_wrap=True)
        stored = result.counterexample or first
        if stored.worst_call is not None and stored.worst_call[0].error is None and stored.worst_call[1]:
            call, indices = stored.worst_call
            folder = traces / f"{stored.id}-seed{result.seed}-{checksum(call)}"
            console.print(f"inputs: {_inputs(call)}", markup=False, soft_wrap=True)
            if not folder.exists():
                save(folder, call, indices, {"device": result.device, "seed": result.seed, "impl": impl})
            console.print(f"replay: pyzoo conform --replay {folder}", markup=False, soft_wrap=True)
    _show_mutants(console, result.mutants)
    console.print(f"{result.model}: {result.verdict}", markup=False, soft_wrap=True)


def _show_mutants(console: Console, mutants: list[dict]) -> None:
    """Those written by hand one by one; of those made by rule the survivors, and how many there are."""
    from pyzoo.conformance.run import survived

    by_rule = [m for m in mutants if "equivalent" in m]
    by_hand = [m for m in mutants if "equivalent" not in m]
    survivors = [m for m in by_rule if survived(m)]
    for m in (*by_hand, *survivors):
        console.print(f"{'killed' if m['killed'] else 'SURVIVED':8} {m['id']}" + (f" by {m['by']}" if m["by"] else ""),
                      markup=False, soft_wrap=True)
    if by_hand:
        killed = sum(m["killed"] for m in by_hand)
        console.print(f"{killed} of {len(by_hand)} mutants killed", markup=False, soft_wrap=True)
    if by_rule:
        killed, equivalent = (sum(bool(m[name]) for m in by_rule) for name in ("killed", "equivalent"))
        console.print(f"by rule: {killed} of {len(by_rule)} mutants killed, {equivalent} equivalent, {len(survivors)} survived",
                      markup=False, soft_wrap=True)


def _inputs(call) -> str:
    """The inputs of a call in one line: their values if they are few, else their shapes."""
    few = sum(x.numel() for x in call.inputs.values()) <= 16
    tensors = {name: x.tolist() if few else list(x.shape) for name, x in call.inputs.items()}
    return ", ".join(f"{name} {value}" for name, value in (tensors | call.ints).items())


def _replay(folder: Path, impl: str | None, device: str, emit_test: Path | None, console: Console) -> bool:
    from pyzoo.bridge.lean.session import Evaluator
    from pyzoo.conformance.foreign import isolated, resolve
    from pyzoo.conformance.judge import judge
    from pyzoo.conformance.run import device_of
    from pyzoo.conformance.trace import load

    call, indices, document = load(folder)
    family = call.point.partition(".")[0]
    if family not in FAMILIES:
        raise InputError(f"{folder / 'trace.json'}: field 'point' is {call.point!r}, which no model has")
    if impl is not None:
        resolve(impl)
        device_of(device)
    with Evaluator(family=family) as lean:
        verdict = judge(lean, call if impl is None else isolated(impl, call, device), 0, indices=indices)
    where = f" at {verdict.worst_index}" if verdict.worst_index is not None else ""
    console.print(f"{verdict.id}: {verdict.verdict}, error ÷ budget {verdict.error_over_budget:.3g}{where}"
                  + (f": {verdict.message}" if verdict.message else ""), markup=False, soft_wrap=True)
    if emit_test is not None:
        _emit(emit_test, verdict if verdict.verdict == "FAIL" else None, impl or document.get("impl"), device, console)
    return verdict.holds


def _emit(path: Path, failing, impl: str | None, device: str, console: Console) -> None:
    """Write the failing verdict's call as a test of `impl`, or of the library's own function."""
    if failing is None:
        console.print(f"no call failed, so {path} is not written", markup=False, soft_wrap=True)
        return
    from pyzoo.conformance.emit import emit_test
    from pyzoo.conformance.foreign import own

    call, indices = failing.worst_call
    emit_test(path, call, indices, impl or own(call.point), device)
    console.print(f"test: python -m pytest {path}", markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    app.command()(conform)
