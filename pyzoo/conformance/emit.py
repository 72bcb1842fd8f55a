"""A failing call as a test file: its inputs bit for bit, the implementation that failed, and Lean's verdict."""

import json
import re
import textwrap
from pathlib import Path

from torch import Tensor

from pyzoo.conformance.run import compared
from pyzoo.conformance.trace import Call, bits, sample

TEMPLATE = '''"""A call on which Lean's verdict was FAIL."""

from pyzoo.bridge.lean.session import Evaluator
from pyzoo.conformance.foreign import isolated
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call, from_bits

INPUTS = {{
{inputs}
}}
{output}
{indices}


def test_{name}():
    answer = isolated({spec}, Call({point}, INPUTS, {ints}, OUTPUT{wrt}){device})
    with Evaluator(family="{family}") as lean:
        verdict = judge(lean, answer, 0, indices=INDICES)
    assert verdict.verdict in ("EXACT", "WITHIN"), verdict.message or f"out of reach at {{verdict.worst_index}}"
'''


def _literal(x: Tensor) -> str:
    """An expression for a tensor with exactly these bits."""
    value = bits(x)
    numbers = ", ".join(f"{b:#0{2 * x.element_size() + 2}x}" for b in value["bits"])
    return f'from_bits("{value["dtype"]}", {value["shape"]}, [{numbers}])'


def _wrap(text: str, indent: str = "") -> str:
    """A statement in lines of at most 120 columns."""
    return textwrap.fill(text, 120, initial_indent=indent, subsequent_indent=indent + "    ", break_on_hyphens=False,
                         break_long_words=False)  # fmt: skip


def emit_test(path: Path, call: Call, indices: list[int], spec: str, device: str = "cpu") -> None:
    """Write a pytest file in which the function `spec` answers the call on `device` and Lean must find it EXACT or WITHIN, at
    `indices` of its output, or if there are none (the call raised), at those that a conformance run compares."""
    name = call.point.partition(".")[0]
    indices = indices or sample(call.output.numel(), compared(call), 0)
    text = TEMPLATE.format(
        point=json.dumps(call.point), wrt=f", wrt={json.dumps(call.wrt)}" if call.wrt else "",
        device=f", {json.dumps(device)}" if device != "cpu" else "", spec=json.dumps(spec), family=name,
        name=re.sub(r"\W", "_", call.id), ints=call.ints,
        inputs="\n".join(_wrap(f"{json.dumps(k)}: {_literal(x)},", "    ") for k, x in call.inputs.items()),
        output=_wrap(f"OUTPUT = {_literal(call.output)}"), indices=_wrap(f"INDICES = {indices}"),
    )  # fmt: skip
    with path.open("x") as file:
        file.write(text)
