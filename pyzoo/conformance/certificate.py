"""Certificates: a recorded call's verdict as a theorem, which Lean's kernel checks without pyzoo."""

from pathlib import Path

import torch

from pyzoo.bridge.lean.modules import family_module
from pyzoo.conformance.rounding import rounding
from pyzoo.conformance.trace import Call, bits
from pyzoo.errors import InputError
from pyzoo.paths import lean_dir

FIGURES = ("precision", "smallest", "limit", "sum_precision", "sum_smallest", "cast_precision")
FUNCTIONS = ("exp", "sqrt", "sigmoid", "softplus", "silu", "gelu", "tanh")
NUMBERS = 300  # the most that the inputs of a certified call may have: the kernel takes a millisecond for each step

TEXT = """module
public import Spec.Check.{module}

/-! A recorded call of `{point}`: its bits, and what Lean's kernel says of them. -/

@[expose] public noncomputable section
namespace Certificate
open Spec

/-- What is assumed of the arithmetic. -/
def rounding : Rounding := {rounding}

/-- The format of all numbers. -/
def format : Format := (Format.named "{dtype}").getD ⟨0, 0⟩

/-- The recorded inputs. -/
def call : Request := ⟨"{point}", [{ints}], [
  {inputs}]⟩

/-- The recorded output. -/
def output : Tensor := {output}

/-- The verdict on the entries {indices} of the output. -/
theorem verdict : Spec.verdict Check.{module}.points rounding call output {indices} = "{word}" := by
  decide +kernel

end Certificate
"""


def _tensor(name: str, x: torch.Tensor) -> str:
    recorded = bits(x)
    return f'⟨"{name}", {recorded["shape"]}, format, #{recorded["bits"]}⟩'


def _order(model: dict) -> str:
    return f"(.{model['order']} {model['size']})" if model["order"] in ("tree", "chunks") else f".{model['order']}"


def small(call: Call) -> bool:
    """Whether the kernel can evaluate a call within seconds."""
    if call.wrt is not None or {x.dtype for x in call.inputs.values()} != {call.output.dtype}:
        return False
    numbers = sum(x.numel() for x in call.inputs.values())
    return call.error is None and 0 < call.output.numel() and numbers <= NUMBERS


def source(call: Call, word: str, indices: list[int]) -> str:
    """The Lean file that states the verdict `word` on these entries of a call's output."""
    model = rounding(call.output.dtype, call.arithmetic)
    figures = [*(model[name] for name in FIGURES), _order(model), *(model[name] for name in FUNCTIONS)]
    return TEXT.format(
        module=family_module(lean_dir(), call.point.partition(".")[0]),
        dtype=str(call.output.dtype).removeprefix("torch."),
        point=call.point,
        rounding="⟨" + ", ".join(map(str, figures)) + "⟩",
        ints=", ".join(f'("{name}", {value})' for name, value in call.integers),
        inputs=",\n  ".join(_tensor(name, x) for name, x in call.inputs.items()),
        output=_tensor("output", call.output),
        indices=indices,
        word=word,
    )


def ends(call: Call) -> list[int]:
    """The flat indices that are certified: of the first and of the last entry."""
    return sorted({0, call.output.numel() - 1})


def write(folder: Path, call: Call, word: str, indices: list[int]) -> Path:
    """Write the certificate of a call into a folder. Raises InputError if one is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{call.point.replace('.', '_')}.lean"
    if path.exists():
        raise InputError(f"{path} exists already; name another folder")
    path.write_text(source(call, word, indices), encoding="utf-8")
    return path
