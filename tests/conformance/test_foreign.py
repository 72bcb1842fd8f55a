"""Somebody else's function in the place of a spec point: whatever it does, it is a verdict and never a crash."""

import textwrap
from dataclasses import replace

import pytest
import torch

from pyzoo.conformance import run
from pyzoo.conformance.foreign import Worker, isolated, resolve
from pyzoo.conformance.judge import judge
from pyzoo.conformance.trace import Call
from pyzoo.errors import InputError

SOURCE = """
    import os, time, torch
    from pyzoo.ops.point import Arithmetic

    def right(*, x, weight): return x @ weight.T
    def float64(*, x, weight): return (x.double() @ weight.double().T)
    def wrong(*, x, weight): return (x * 1.001) @ weight.T
    def raises(*, x, weight): raise RuntimeError("no kernel for this shape")
    def text(*, x, weight): return "a tensor"
    def hangs(*, x, weight): time.sleep(1000)
    def dies(*, x, weight): os._exit(7)
    def dies_on_zeros(*, x, weight): return x @ weight.T if x.any() else os._exit(7)
    def in_place(*, x, weight): return x.mul_(0) @ weight.T
    def shorter(*, x, weight): return (x @ weight.T)[:-1]
    def other_keywords(*, input): return input
    def says(*, x, weight): return x @ weight.T
    says.arithmetic = lambda *, x, weight: Arithmetic(chunks=(len(x), len(weight)))
    def where(*, x, weight): return torch.ones(2, 4) * (x.device.type == weight.device.type == "meta")
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    (tmp_path / "foreign_functions.py").write_text(textwrap.dedent(SOURCE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    x, weight = torch.randn(2, 3), torch.randn(4, 3)
    return Call("mamba.head", {"x": x, "weight": weight}, {}, x @ weight.T)


@pytest.mark.parametrize(
    ("name", "verdict", "message"),
    [
        ("right", "WITHIN", None),
        ("wrong", "FAIL", None),
        ("float64", "FAIL", "float64"),
        ("raises", "FAIL", "no kernel for this shape"),
        ("text", "FAIL", "returned str"),
        ("dies", "FAIL", "without an answer"),
        ("in_place", "FAIL", None),
        ("shorter", "FAIL", "[1, 4]"),
        ("other_keywords", "FAIL", "TypeError"),
    ],
)
def test_a_foreign_function_gets_a_verdict(lean, call, name, verdict, message):
    judged = judge(lean, isolated(f"foreign_functions:{name}", call), 100)
    assert judged.verdict == verdict
    assert message is None or message in judged.message


def test_what_a_foreign_function_says_may_depend_on_the_call(call):
    assert isolated("foreign_functions:says", call).arithmetic.chunks == (2, 4)
    assert isolated("foreign_functions:right", call).arithmetic.chunks == ()
    gradient = replace(call, inputs=call.inputs | {"output_grad": torch.ones(2, 4)}, wrt="x")
    assert isolated("foreign_functions:says", gradient).arithmetic.chunks == (2, 4)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_foreign_function_gets_its_tensors_on_the_device(call, device):
    answer = isolated("foreign_functions:where", call, device)
    assert (answer.output == (device == "meta")).all() and answer.output.device.type == "cpu"


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_an_adapter_runs_on_a_gpu(call):
    x = {"x": torch.randn(2, 3, 5), "h0": torch.zeros(2, 4), "weight_ih": torch.randn(4, 5), "weight_hh": torch.randn(4, 4),
         "bias_ih": torch.randn(4), "bias_hh": torch.randn(4)}  # fmt: skip
    answers = [isolated("pyzoo.conformance.adapters:torch_rnn", Call("rnn.layer", x, {}, torch.zeros(2, 3, 4)), d) for d in ("cpu", "cuda")]
    assert not any(a.error for a in answers) and not torch.equal(answers[0].output, answers[1].output)


def test_a_foreign_function_that_hangs_is_stopped(call):
    assert "took over 8 s" in isolated("foreign_functions:hangs", call, time_limit=8).error


def test_a_process_answers_many_calls_and_is_replaced_if_it_dies(lean, call):
    with Worker("foreign_functions:dies_on_zeros") as worker:
        pids = []
        for _ in range(2):
            assert judge(lean, worker(call), 100).holds
            assert judge(lean, worker(call), 100).holds
            pids.append(worker._process.pid)
            assert "without an answer" in worker(replace(call, inputs=call.inputs | {"x": torch.zeros(2, 3)})).error
    assert pids[0] != pids[1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_every_format_reaches_the_process_and_comes_back(lean, call, dtype):
    inputs = {name: x.to(dtype) for name, x in call.inputs.items()}
    assert judge(lean, isolated("foreign_functions:right", replace(call, inputs=inputs)), 100).holds


@pytest.mark.parametrize("spec", ["foreign_functions", "foreign_functions:none", "no_such_module:f", ":"])
def test_a_function_that_does_not_exist_is_bad_input(call, spec):
    with pytest.raises(InputError, match="--impl"):
        resolve(spec)


@pytest.mark.parametrize(
    ("package", "point", "adapter"),
    [
        ("torch", "vit.norm", "torch_layer_norm"),
        ("torch", "resnet.conv", "torch_conv2d"),
        ("torch", "resnet.batch_norm", "torch_batch_norm"),
        ("torch", "rnn.layer", "torch_rnn"),
        ("torch", "lstm.layer", "torch_lstm"),
        ("torch", "gru.layer", "torch_gru"),
        ("timm", "resnet.block", "timm_basic_block"),
        ("timm", "vit.patchify", "timm_patch_embed"),
        ("transformers", "mamba.mixer", "transformers_mamba_mixer"),
        ("transformers", "mamba2.mixer", "transformers_mamba2_mixer"),
        ("mambapy", "mamba.states", "mambapy_pscan"),
        ("torch", "gpt.norm", "torch_layer_norm"),
        ("torch", "gpt.attend", "torch_attention"),
        ("transformers", "gpt.angles.cosines", "transformers_angles"),
        ("transformers", "gpt.rotate", "transformers_rotary"),
        ("transformers", "gpt.logits", "transformers_gpt2"),
        ("transformers", "gpt.decode", "transformers_gpt2_cached"),
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_others_wrote_conforms(lean, package, point, adapter, seed):
    pytest.importorskip(package, reason=f"{package} is not installed")
    family = point.partition(".")[0]
    result = run.conform(lean, family, seed, impl=f"pyzoo.conformance.adapters:{adapter}", point=point)
    assert result.holds, result.points
