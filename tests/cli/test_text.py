"""`pyzoo run` and `sample` of text models: corpora, tokenizers, parameters as files, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
import typer
from safetensors.torch import load_file, save_file
from tokenizers import pre_tokenizers
from typer.testing import CliRunner

from pyzoo.cli import run, sample
from pyzoo.data.codec import PARTS
from pyzoo.errors import InputError, PyzooError
from pyzoo.tasks import task
from pyzoo.train.config import TrainConfig
from pyzoo.train.folder import RunFolder

APP = typer.Typer()
for command in (run, sample):
    command.register(APP)

TEXTS = ("chargpt", "gpt2", "text_gpt2", "mamba", "rnn", "lstm", "gru")
LINE = "to be, or not to be: that is the question\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.txt").write_text("".join(f"{i} {LINE}" for i in range(300)), encoding="utf-8")


def pyzoo(*arguments: str) -> str:
    """What the command prints to stdout; an error that it raises is raised."""
    result = CliRunner().invoke(APP, arguments)
    if isinstance(result.exception, PyzooError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def learn(model: str, *arguments: str) -> str:
    """Two steps on the small text."""
    return pyzoo("run", model, "--steps", "2", "--data-file", "text.txt", "--prompt", "to be", "--generate", "8", *arguments)


@pytest.mark.parametrize("model", TEXTS)
def test_run_then_sample_from_the_folder_and_from_the_file(model):
    learn(model, "--out", "mine", "--save-params", "mine.safetensors")
    assert Path("mine/sample.txt").read_text(encoding="utf-8").startswith("to be")
    flags = ("--prompt", "that is", "--generate", "12", "--temperature", "0.5", "--top-k", "3", "--seed", "1")
    written = pyzoo("sample", "mine", *flags)
    assert written.startswith("that is") and len(written) > len("that is\n")
    assert pyzoo("sample", "mine.safetensors", *flags) == written
    assert len({pyzoo("sample", "mine", *flags[:2], "--generate", n) for n in ("1", "12", "30")}) == 3


def test_mamba2_is_a_variant_that_a_saved_run_remembers():
    learn("mamba", "--out", "one")
    learn("mamba", "--variant", "mamba2", "--out", "two", "--save-params", "two.safetensors")
    assert [type(task("mamba").load(Path(name))[0]).__name__ for name in ("one", "two")] == ["Mamba", "Mamba2"]
    assert pyzoo("sample", "two", "--generate", "9") == pyzoo("sample", "two.safetensors", "--generate", "9")


def test_a_run_that_is_older_than_the_variants_is_mamba1():
    learn("mamba", "--out", "one")
    path = Path("one/config.json")
    document = json.loads(path.read_text())
    assert document["config"].pop("variant") == "mamba1"
    path.write_text(json.dumps(document))
    assert type(task("mamba").load(Path("one"))[0]).__name__ == "Mamba"
    del document["config"]["width"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="field 'config' must have exactly"):
        task("mamba").load(Path("one"))


@pytest.mark.parametrize("model", ["chargpt", "gpt2", "text_gpt2"])
def test_rotary_positions_are_what_a_saved_run_remembers(model):
    learn(model, "--positions", "rotary", "--out", "mine", "--save-params", "mine.safetensors")
    assert task(model).load(Path("mine"))[0].config.rotary
    assert "position_weight" not in load_file("mine.safetensors")
    flags = ("--generate", "9", "--top-k", "1")
    assert pyzoo("sample", "mine", *flags) == pyzoo("sample", "mine.safetensors", *flags)
    before = sorted(Path().rglob("*"))
    with pytest.raises(InputError, match="lacks the tensor 'position_weight', .* learned; give --positions rotary"):
        learn(model, "--load-params", "mine.safetensors", "--out", "other")
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("model", ["chargpt", "gpt2", "text_gpt2"])
def test_a_killed_run_with_rotary_positions_resumes_to_the_same_losses(model, monkeypatch):
    flags = ("--positions", "rotary", "--steps", "6", "--out")
    learn(model, *flags, "whole")
    lr_at = TrainConfig.lr_at

    def killed(config: TrainConfig, step: int) -> float:
        if step == 5:  # a checkpoint is saved after step 4
            raise InputError("killed")
        return lr_at(config, step)

    with monkeypatch.context() as patch, pytest.raises(InputError, match="killed"):
        patch.setattr(TrainConfig, "lr_at", killed)
        learn(model, *flags, "mine")
    pyzoo("run", model, "--resume", "--out", "mine")
    whole, mine = (RunFolder.open(Path(name)) for name in ("whole", "mine"))
    assert [line["loss"] for line in mine.metrics()] == [line["loss"] for line in whole.metrics()]
    assert task(model).load(mine.path)[0].config.rotary
    for path in (whole.path / "checkpoint").iterdir():
        assert path.read_bytes() == (mine.path / "checkpoint" / path.name).read_bytes()


def test_learned_positions_do_not_become_rotary_ones():
    learn("chargpt", "--out", "mine", "--save-params", "mine.safetensors")
    with pytest.raises(InputError, match="has the tensor 'position_weight', .* rotary; give --positions learned"):
        learn("chargpt", "--positions", "rotary", "--load-params", "mine.safetensors", "--out", "other")
    path = Path("mine/config.json")
    document = json.loads(path.read_text())
    assert document["config"].pop("positions") == "learned"
    path.write_text(json.dumps(document))
    assert not task("chargpt").load(Path("mine"))[0].config.rotary


def test_flags_of_sampling_have_an_effect():
    learn("chargpt", "--out", "mine")
    usual = ("sample", "mine", "--generate", "60")
    base = pyzoo(*usual)
    for flags in (("--temperature", "9"), ("--top-k", "1"), ("--seed", "5"), ("--prompt", "that")):
        assert pyzoo(*usual, *flags) != base
    assert pyzoo(*usual, "--top-k", "1", "--seed", "5") == pyzoo(*usual, "--top-k", "1")


def test_parameters_go_on_where_they_were():
    """With a learning rate that changes no fp32 number, the loss is that of the loaded parameters."""
    learn("chargpt", "--out", "first", "--save-params", "first.safetensors")
    learn("chargpt", "--out", "second", "--load-params", "first.safetensors", "--lr", "1e-30")

    def last(folder: str) -> float:
        return json.loads(Path(folder, "metrics.jsonl").read_text().splitlines()[-1])["validation_loss"]

    assert last("first") == last("second")
    learn("chargpt", "--out", "third", "--lr", "1e-30")
    assert last("third") != last("first")


def test_so_many_windows_are_trained_on():
    """With one window, every batch has it alone."""
    from pyzoo.train import loop

    learn("chargpt", "--windows", "1", "--out", "one")
    assert task("chargpt").load(Path("one"))[1].windows == 1
    first = [json.loads(line)["loss"] for line in Path("one/metrics.jsonl").read_text().splitlines()]
    learn("chargpt", "--out", "all")
    other = [json.loads(line)["loss"] for line in Path("all/metrics.jsonl").read_text().splitlines()]
    assert loop.LOG_LINES >= len(first) == len(other) and first != other


def test_the_plays_by_their_name():
    pyzoo("run", "rnn", "--tiny-shakespeare", "--steps", "1", "--generate", "1")
    assert len(task("rnn").load(Path("runs/rnn"))[1].vocabulary) > 60


def gpt2_folder(path: Path, parts: int = 300) -> None:
    """A folder like those of GPT-2's published weights, of the size that the preset laptop has."""
    transformers = pytest.importorskip("transformers")
    path.mkdir()
    document = json.loads(PARTS.learn(Path("text.txt").read_text(), parts))["model"]
    (path / "vocab.json").write_text(json.dumps(document["vocab"]))
    lines = [" ".join(pair) for pair in document["merges"]]
    (path / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]) + "\n")
    config = transformers.GPT2Config(vocab_size=len(document["vocab"]), n_positions=64, n_embd=128, n_layer=4, n_head=4)
    theirs = transformers.GPT2LMHeadModel(config)
    save_file({k: v.contiguous() for k, v in theirs.transformer.state_dict().items()}, path / "model.safetensors")


def test_a_folder_of_gpt2s_answers_a_prompt_and_can_be_trained_on():
    gpt2_folder(Path("gpt2"))
    written = pyzoo("sample", "gpt2/model.safetensors", "--prompt", "to be", "--generate", "5")
    assert written.startswith("to be") and len(written) > 6
    files = ("--vocab-file", "gpt2/vocab.json", "--merges-file", "gpt2/merges.txt")
    learn("text_gpt2", *files, "--load-params", "gpt2/model.safetensors", "--lr", "1e-30", "--out", "mine")
    model, config = task("text_gpt2").load(Path("mine"))
    theirs = load_file("gpt2/model.safetensors")
    assert torch.equal(model.token_weight, theirs["wte.weight"])
    assert torch.equal(model.blocks[1].qkv_weight, theirs["h.1.attn.c_attn.weight"].T)
    text = "to be, naïve — 你好 👋\n"
    assert PARTS.decode(PARTS.encode(text, config.vocabulary).tolist(), config.vocabulary) == text
    with pytest.raises(InputError, match=r"'token_weight' has shape \[\d+, 128\], and the model needs \[256, 128\]"):
        learn("gpt2", "--load-params", "gpt2/model.safetensors", "--out", "other")
    assert not Path("other").exists()


def test_bytes_take_any_prompt():
    learn("gpt2", "--out", "mine")
    assert pyzoo("sample", "mine", "--prompt", "naïve 👋").startswith("naïve 👋")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chargpt", "--prompt", ""], "--prompt must have at least one character"),
        (["chargpt", "--prompt", "€"], "the character '€' at 0, which the model has never seen"),
        (["chargpt", "--windows", "0"], "--windows must be at least 1, not 0"),
        (["chargpt", "--windows", "99999999"], "--windows must be at most [0-9]+, which the training text has"),
        (["chargpt", "--generate", "0"], "--generate must be at least 1, not 0"),
        (["mamba", "--temperature", "0"], "--temperature must be above 0, not 0"),
        (["gru", "--top-k", "0"], "--top-k must be at least 1, not 0"),
        (["gpt2", "--data-file", "short.txt"], "the text has 11 characters"),
        (["lstm", "--data-file", "latin.txt"], "latin.txt is not UTF-8: byte 2 is 0xe9"),
        (["chargpt", "--data-file", "nowhere.txt"], "nowhere.txt can't be read"),
        (["chargpt", "--data-file", "text.txt", "--tiny-shakespeare"], "name two texts"),
        (["rnn", "--tiny-shakespeare", "--resume", "--out", "mine"], "leave out --tiny-shakespeare"),
        (["vit", "--tiny-shakespeare"], "vit has no setting --tiny-shakespeare"),
        (["vit", "--top-k", "2"], "vit has no setting --top-k"),
        (["mamba", "--preset", "laptop"], "mamba has no setting --preset"),
        (["mamba", "--variant", "mamba3"], "--variant must be mamba1 or mamba2, not 'mamba3'"),
        (["mamba", "--variant", "mamba2", "--fast-kernels"], "--fast-kernels is for the scan of mamba1; mamba2 has none"),
        (["chargpt", "--preset", "huge"], "--preset must be one of laptop, karpathy"),
        (["chargpt", "--positions", "none"], "--positions must be learned or rotary, not 'none'"),
        (["mamba", "--positions", "rotary"], "mamba has no setting --positions"),
        (["gpt_adder", "--digits", "0"], "--digits must be from 1 to 9, not 0"),
        (["chargpt", "--load-params", "text.txt"], "text.txt can't be read as safetensors"),
        (["chargpt", "--load-params", "nowhere"], "nowhere can't be read as safetensors"),
        (["chargpt", "--save-params", "text.txt"], "text.txt exists already"),
        (["chargpt", "--save-params", "no/where"], "there is no folder"),
        (["text_gpt2", "--vocab-file", "text.txt"], "belong together"),
        (["text_gpt2", "--vocab-file", "text.txt", "--merges-file", "text.txt"], "are not a BPE vocabulary"),
        (["text_gpt2", "--vocab-file", "few.json", "--merges-file", "none.txt"], "few.json lacks the byte '!'"),
        (["text_gpt2", "--vocab-file", "odd.json", "--merges-file", "none.txt"], "must number its 256 tokens from 0 to 255"),
        (["text_gpt2", "--vocab-file", "no", "--merges-file", "text.txt"], "no can't be read"),
    ],
)
def test_bad_input_is_refused_and_leaves_nothing(arguments, message):
    Path("short.txt").write_text("to be or no")
    Path("few.json").write_text(json.dumps({"a": 0}))
    Path("odd.json").write_text(json.dumps({c: 2 * i for i, c in enumerate(pre_tokenizers.ByteLevel.alphabet())}))
    Path("none.txt").write_text("")
    Path("latin.txt").write_bytes(b"na\xefve"[:2] + b"\xe9" * 500)
    before = sorted(Path().rglob("*"))
    default = [] if {"--data-file", "--tiny-shakespeare"} & {*arguments} or arguments[0] in ("vit", "gpt_adder") else [
        "--data-file", "text.txt"]  # fmt: skip
    prompt = [] if "--prompt" in arguments or arguments[0] in ("vit", "gpt_adder") else ["--prompt", "to"]
    with pytest.raises(InputError, match=message):
        pyzoo("run", *arguments, *default, *prompt, "--steps", "1")
    assert sorted(Path().rglob("*")) == before


def test_parameters_of_another_model_are_refused():
    learn("chargpt", "--save-params", "char.safetensors")
    before = sorted(Path().rglob("*"))
    with pytest.raises(InputError, match="has the parameters of chargpt, not of gpt2"):
        learn("gpt2", "--load-params", "char.safetensors")
    with pytest.raises(InputError, match="lacks the tensor 'blocks.4"):
        learn("chargpt", "--preset", "karpathy", "--load-params", "char.safetensors")
    Path("other.txt").write_text("ça ira, ça ira, ça ira\n" * 300, encoding="utf-8")
    with pytest.raises(InputError, match="'ç' at 0, which the model has never seen"):
        pyzoo("run", "chargpt", "--data-file", "other.txt", "--load-params", "char.safetensors", "--prompt", "t")
    assert sorted(Path().rglob("*")) == sorted([*before, Path("other.txt")])


@pytest.mark.parametrize(("arguments", "message"), [
    (["--prompt", ""], "at least one character"), (["--prompt", "€"], "never seen"), (["--generate", "0"], "at least 1"),
    (["--temperature", "-1"], "above 0"), (["--top-k", "0"], "at least 1"),
])  # fmt: skip
def test_sample_refuses_bad_input_before_it_writes(arguments, message, capsys):
    learn("chargpt", "--out", "mine")
    capsys.readouterr()
    with pytest.raises(InputError, match=message):
        pyzoo("sample", "mine", *arguments)
    assert capsys.readouterr().out == ""


def test_sample_refuses_a_file_of_no_model():
    save_file({"x": torch.zeros(2)}, "x.safetensors")
    with pytest.raises(InputError, match="has no tensors of GPT-2's names"):
        pyzoo("sample", "x.safetensors")
