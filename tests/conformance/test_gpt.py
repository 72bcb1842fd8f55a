"""`pyzoo conform chargpt`: correct models pass, wrong ones fail, whatever the cache."""

from dataclasses import replace

import pytest
import torch

from pyzoo.conformance import run
from pyzoo.conformance.judge import judge, judge_fact
from pyzoo.conformance.mutants import mutants
from pyzoo.conformance.points import gpt as points
from pyzoo.conformance.trace import Call
from pyzoo.models.gpt import from_published
from pyzoo.ops import gpt as ops
from pyzoo.ops.point import SINGLE, implements
from pyzoo.tasks import chargpt, gpt, gpt_adder
from pyzoo.train.folder import RunFolder


@pytest.mark.parametrize("seed", range(10))
def test_a_correct_model_passes(lean, seed):
    result = run.conform(lean, "gpt", seed)
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"gpt.parameters", *points.POINTS}
    assert all(p.elements > 0 for p in result.points)
    assert seed or not [(p.id, p.unreached) for p in result.points if p.unreached]


def with_fast_kernels(monkeypatch):
    plain = points.model

    def fast(seed, tied=False, rotary=False):
        built = plain(seed, tied, rotary)
        built.config = replace(built.config, fast_kernels=True)
        return built

    monkeypatch.setattr(points, "model", fast)


def test_fast_kernels_pass(lean, monkeypatch):
    used = []
    monkeypatch.setattr(ops, "fast_block", lambda own=ops.fast_block, **x: used.append(1) or own(**x))
    with_fast_kernels(monkeypatch)
    result = run.conform(lean, "gpt", 0)
    assert used and result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]


def test_a_fast_kernel_without_a_causal_mask_fails(lean, monkeypatch):
    attend = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(ops, "fast_attend", implements("gpt.attend", SINGLE)(lambda *, q, k, v: attend(q, k, v)))
    with_fast_kernels(monkeypatch)
    assert "gpt.attend" in {p.id for p in run.conform(lean, "gpt", 0).points if p.verdict == "FAIL"}


@pytest.mark.parametrize("mutant", mutants("gpt"), ids=lambda m: m.id)
def test_a_wrong_implementation_fails(lean, mutant):
    assert run.kill(lean, "gpt", mutant, seed=2, device="cpu")["killed"], mutant.why


def test_a_wrong_parameter_count_fails(lean):
    assert judge_fact(lean, "gpt.parameters", [1], sizes=[7, 4, 6, 2, 2, 1, 0]).verdict == "FAIL"


def test_a_saved_run_is_judged_on_the_points_that_its_model_has(lean, tmp_path):
    config = gpt_adder.Config(digits=1, width=6, depth=1, heads=2, steps=1, batch=8)
    gpt_adder.train(config, RunFolder(tmp_path / "run"), "cpu")
    result = run.conform(lean, "gpt", run=tmp_path / "run")
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"gpt.parameters", *points.POINTS} - {
        "gpt.gelu", "gpt.angles.cosines", "gpt.angles.sines", "gpt.tokens", "gpt.rotate", "gpt.logits", "gpt.decode"}  # fmt: skip


def test_a_saved_run_with_rotary_positions_is_judged_on_its_rotations(lean, tmp_path, monkeypatch):
    monkeypatch.setitem(gpt.PRESETS, "laptop", (8, 1, 2, 12))
    text = tmp_path / "text.txt"
    text.write_text("to be, or not to be\n" * 40)
    config = chargpt.Config(positions="rotary", steps=1, batch=2, data_file=str(text), prompt="to", generate=1)
    chargpt.train(config, RunFolder(tmp_path / "run"), "cpu")
    result = run.conform(lean, "gpt", run=tmp_path / "run")
    assert result.holds, [(p.id, p.verdict, p.message) for p in result.points if not p.holds]
    assert {p.id for p in result.points} == {"gpt.parameters", *points.POINTS} - {
        "gpt.gelu_tanh", "gpt.embed", "gpt.logits", "gpt.decode"}  # fmt: skip


def calm(seed: int = 0, tied: bool = True, rotary: bool = False):
    built = points.model(seed, tied, rotary)
    points.calm(built, torch.Generator().manual_seed(seed))
    return built


def whole(tokens: torch.Tensor, built, output: torch.Tensor) -> Call:
    """The logits after every token of a text, for Lean to judge by the network without a cache."""
    arguments = built.arguments()
    ints = {name: v for name, v in arguments.items() if isinstance(v, int)}
    floats = {"eps": torch.tensor(arguments["eps"], dtype=output.dtype)}
    tensors = {name: v.detach() for name, v in arguments.items() if isinstance(v, torch.Tensor)}
    return Call("gpt.logits", {"tokens": tokens, **floats, **tensors}, ints, output)


@pytest.mark.parametrize("rotary", [False, True])
@pytest.mark.parametrize("parts", [(6,), (1, 5), (3, 2, 1), (1,) * 6])
@torch.no_grad()
def test_a_text_in_parts_computes_what_a_text_at_once_does(lean, parts, rotary):
    """`Spec.GPT.forward_part`, on the model's own cache: the specification that judges knows none."""
    built, out = calm(rotary=rotary), []
    tokens = torch.randint(built.config.vocab, (1, 6), generator=torch.Generator().manual_seed(0))
    cache = built.start(1)
    for part in tokens.split(parts, 1):
        logits, cache = built.extend(part, cache)
        out.append(logits)
    assert judge(lean, whole(tokens, built, torch.cat(out, 1)), 1000).verdict == "WITHIN"


@torch.no_grad()
def test_a_cache_whose_keys_are_rotated_again_fails(lean):
    """In fp64, whose budget is smaller than what the positions of a few keys do to the logits of a whole network."""
    built = calm(rotary=True).double()
    tokens = torch.randint(built.config.vocab, (1, 6), generator=torch.Generator().manual_seed(0))
    first, cache = built.extend(tokens[:, :3], built.start(1))
    again = [(ops.rotate(x=k, cosines=built.cosines, sines=built.sines, past=0), v) for k, v in cache]
    for kept, verdict in ((cache, "WITHIN"), (again, "FAIL")):
        rest, _ = built.extend(tokens[:, 3:], kept)
        assert judge(lean, whole(tokens, built, torch.cat([first, rest], 1)), 1000).verdict == verdict


@pytest.mark.parametrize(("columns", "message"), [(3, "3 angles do not rotate the 4 entries of a head"),
                                                  (2, "9 tokens are more than 8 positions")])  # fmt: skip
def test_tables_that_do_not_fit_fail_and_are_named(lean, columns, message):
    x, table = torch.zeros(1, 1, 4, 4), torch.zeros(8, columns)
    verdict = judge(lean, Call("gpt.rotate", {"x": x, "cosines": table, "sines": table}, {"past": 5}, x), 10)
    assert verdict.verdict == "FAIL" and message in verdict.message


@torch.no_grad()
def test_a_cache_whose_keys_and_values_changed_places_fails(lean):
    built = calm()
    tokens = torch.randint(built.config.vocab, (1, 6), generator=torch.Generator().manual_seed(0))
    first, cache = built.extend(tokens[:, :3], built.start(1))
    rest, _ = built.extend(tokens[:, 3:], [(v, k) for k, v in cache])
    assert judge(lean, whole(tokens, built, torch.cat([first, rest], 1)), 1000).verdict == "FAIL"


@pytest.mark.parametrize(("tokens", "message"), [([[0, 99]], "entry 1 is not in a vocabulary"),
                                                 ([[-1, 0]], "entry 0 is not in a vocabulary"),
                                                 ([[0] * 13], "13 tokens are more than 12 positions")])  # fmt: skip
def test_tokens_that_no_row_belongs_to_fail_and_are_named(lean, tokens, message):
    built, tokens = calm(), torch.tensor(tokens)
    verdict = judge(lean, whole(tokens, built, torch.zeros(*tokens.shape, built.config.vocab)), 10)
    assert verdict.verdict == "FAIL" and message in verdict.message


def test_tokens_that_are_no_integers_fail(lean):
    built, tokens = calm(), torch.zeros(1, 2)
    verdict = judge(lean, whole(tokens, built, torch.zeros(1, 2, built.config.vocab)), 10)
    assert verdict.verdict == "FAIL" and "holds no integers" in verdict.message


def test_a_weight_of_a_later_token_must_be_zero_exactly(lean):
    scores = torch.randn(1, 1, 3, 4)
    weights = torch.tril(torch.ones(3, 4), 1) / torch.arange(2, 5)[:, None]
    call = Call("gpt.weights", {"scores": torch.zeros_like(scores)}, {}, weights[None, None])
    assert judge(lean, call, 100).holds
    call.output[0, 0, 0, 3] = 1e-30
    verdict = judge(lean, call, 100)
    assert verdict.verdict == "FAIL" and verdict.worst_index == [0, 0, 0, 3]


def test_more_queries_than_keys_fail(lean):
    verdict = judge(lean, Call("gpt.weights", {"scores": torch.zeros(1, 1, 3, 2)}, {}, torch.zeros(1, 1, 3, 2)), 10)
    assert verdict.verdict == "FAIL" and "3 queries can't follow each other among 2 keys" in verdict.message


def rotations(pairs: int, position: int) -> list[int]:
    """Cosine and sine of each angle, by ball arithmetic, with 1 added, in units of 2^-80."""
    flint = pytest.importorskip("flint")
    before, flint.ctx.prec = flint.ctx.prec, 300
    try:
        angles = [position * flint.arb(10000) ** (-flint.arb(i) / pairs) for i in range(pairs)]
        return [int(((x + 1) * 2**80 + 0.5).floor().unique_fmpz()) for a in angles for x in (a.cos(), a.sin())]
    finally:
        flint.ctx.prec = before


@pytest.mark.parametrize(("pairs", "position"), [(1, 1), (2, 7), (3, 299), (32, 1023), (5, 100_000)])
def test_the_angles_of_rotary_positions_are_those_of_ball_arithmetic(lean, pairs, position):
    exact = rotations(pairs, position)
    assert judge_fact(lean, "gpt.rotations", exact, sizes=[pairs, position]).verdict == "EXACT"
    exact[-1] += 1
    assert judge_fact(lean, "gpt.rotations", exact, sizes=[pairs, position]).verdict == "FAIL"


@torch.no_grad()
def test_gpt2s_own_file_computes_the_specification(lean):
    """A model of Hugging Face's, through its tensors' names: Lean judges its logits by our weights."""
    transformers = pytest.importorskip("transformers")
    ours = points.model(3, tied=True)
    c = ours.config
    points.calm(ours, torch.Generator().manual_seed(3))
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=c.vocab, n_positions=c.context, n_embd=c.width, n_layer=c.depth, n_head=c.heads, bos_token_id=0,
        eos_token_id=0,
    )).eval()  # fmt: skip
    state = theirs.state_dict()
    for name, tensor in state.items():
        tensor.normal_(std=0.2 if ".h." in name else 1.0)
        if ".ln" in name and name.endswith("weight"):
            tensor.mul_(0.2).add_(1)
    state["transformer.wte.weight"][:, :2] += torch.tensor([4.0, -4.0])
    ours.load_state_dict(from_published(theirs.state_dict()))
    tokens = torch.randint(c.vocab, (1, 5), generator=torch.Generator().manual_seed(1))
    call = whole(tokens, ours, theirs(tokens).logits)
    assert judge(lean, call, 1000).verdict == "WITHIN"
    call.inputs["blocks.0.proj_weight"] = call.inputs["blocks.0.proj_weight"].T.contiguous()
    assert judge(lean, call, 1000).verdict == "FAIL"
