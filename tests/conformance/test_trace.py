"""Traces: what is written is what is read, and nothing damaged is read at all."""

import json

import pytest
import torch

from pyzoo.conformance.trace import BITS, Call, bits, from_bits, load, sample, save
from pyzoo.errors import InputError


@pytest.fixture
def trace(tmp_path):
    call = Call("mamba.head", {"x": torch.randn(2, 3), "weight": torch.randn(4, 3)}, {}, torch.randn(2, 4))
    save(tmp_path / "trace", call, [0, 5], {"device": "cpu", "seed": 0})
    return tmp_path / "trace", call


def test_round_trip_is_bit_exact(trace):
    folder, call = trace
    again, indices, _ = load(folder)
    assert indices == [0, 5] and again.point == call.point
    assert bits(again.output) == bits(call.output)
    assert {k: bits(v) for k, v in again.inputs.items()} == {k: bits(v) for k, v in call.inputs.items()}


def test_an_edited_tensor_is_refused(trace):
    folder, _ = trace
    path = folder / "tensors.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="sha256"):
        load(folder)


@pytest.mark.parametrize("length", [0, 1, 40])
def test_a_truncated_document_is_refused(trace, length):
    folder, _ = trace
    path = folder / "trace.json"
    path.write_text(path.read_text()[:length])
    with pytest.raises(InputError, match="trace.json"):
        load(folder)


def test_an_index_outside_the_output_is_named(trace):
    folder, _ = trace
    path = folder / "trace.json"
    document = json.loads(path.read_text())
    document["indices"] = [0, 8]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="entry 1, is 8"):
        load(folder)


def test_bits_of_negative_zero_nan_and_subnormals():
    x = torch.tensor([-0.0, float("nan"), 1e-45, 1.0])
    assert bits(x)["bits"] == [0x80000000, 0x7FC00000, 1, 0x3F800000]


@pytest.mark.parametrize("dtype", BITS)
def test_bits_are_the_tensor(dtype):
    real = [[-0.0, float("nan"), -float("inf")], [1e-45, -1.5, 3.0]]
    whole = [[0, -1, -(2**63)], [1, 2**63 - 1, 3]]
    x = torch.tensor(real if dtype.is_floating_point else whole, dtype=dtype)
    for y in (x, x[0, 2], x[:, :0]):
        assert bits(from_bits(**bits(y))) == bits(y) and from_bits(**bits(y)).dtype == dtype


def test_a_sample_keeps_the_first_and_the_last():
    assert sample(5, 9, 0) == [0, 1, 2, 3, 4]
    for total in (9, 100, 1000, 1003):
        chosen = sample(total, 30, 3)
        assert chosen[0] == 0 and chosen[-1] == total - 1 and chosen == sorted(set(chosen)) and len(chosen) <= 32
