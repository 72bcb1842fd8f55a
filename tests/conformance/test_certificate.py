"""Certificates: Lean's kernel accepts the verdict on a recorded call, and on no other output."""

from dataclasses import replace

import pytest
import torch

from pyzoo.bridge.lean.check import check
from pyzoo.conformance import certificate, run
from pyzoo.errors import InputError
from pyzoo.ops.point import Arithmetic


def small_call(point: str):
    calls = run.record(point.partition(".")[0], 0, "cpu", None, None)
    return min((c for c in calls if c.point == point and certificate.small(c)), key=lambda c: c.output.numel())


@pytest.mark.parametrize("point", ["resnet.conv", "mamba.decay", "vit.weights"])
def test_the_kernel_accepts_a_verdict(tmp_path, point):
    call = small_call(point)
    path = certificate.write(tmp_path, call, "WITHIN", certificate.ends(call))
    assert check(path) == ([], ["Certificate.verdict"])


def test_the_kernel_rejects_it_once_a_bit_of_the_output_has_changed(tmp_path):
    call = small_call("resnet.conv")
    largest = int(call.output.abs().argmax())
    call.output.view(-1).view(torch.int32)[largest] ^= 1 << 12
    (tmp_path / "wrong.lean").write_text(certificate.source(call, "WITHIN", [largest]))
    errors, theorems = check(tmp_path / "wrong.lean")
    assert errors and not theorems


def test_it_has_what_an_implementation_declares_of_a_scan():
    call = small_call("mamba.decay")
    said = certificate.source(replace(call, arithmetic=Arithmetic(chunks=(8,), fused=True)), "WITHIN", [0])
    assert '("chunk", 8)' in said and '("fused", 1)' in said
    said = certificate.source(call, "WITHIN", [0])
    assert "chunk" not in said and "fused" not in said


def test_an_axiom_of_its_own_does_not_count(tmp_path):
    (tmp_path / "own.lean").write_text("module\npublic section\naxiom easy : 1 = 2\ntheorem t : 1 = 2 := easy\n")
    errors, theorems = check(tmp_path / "own.lean")
    assert "rests on easy" in errors[0] and not theorems


def test_a_certificate_is_not_overwritten(tmp_path):
    call = small_call("resnet.conv")
    certificate.write(tmp_path, call, "WITHIN", [0])
    with pytest.raises(InputError, match="exists already"):
        certificate.write(tmp_path, call, "WITHIN", [0])
