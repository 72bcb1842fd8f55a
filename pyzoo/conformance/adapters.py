"""Blocks that others wrote, with the keywords of our spec points: `pyzoo conform MODEL --point ID --impl
pyzoo.conformance.adapters:NAME`. Each needs the package that it imports."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import torch
from torch import Tensor


def _adapter(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The function with what it makes on the device of its inputs."""

    @wraps(function)
    def call(**inputs: Any) -> Tensor:
        with torch.device(next(x.device for x in inputs.values() if isinstance(x, Tensor))):
            return function(**inputs)

    return call


@_adapter
def transformers_mamba_mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, x_proj: Tensor,
                             dt_weight: Tensor, dt_bias: Tensor, a_log: Tensor, d: Tensor, out_proj: Tensor) -> Tensor:
    """Hugging Face's `MambaMixer`, for the spec point `mamba.mixer`."""
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    inner, width = out_proj.shape[1], out_proj.shape[0]
    config = MambaConfig(
        hidden_size=width, intermediate_size=inner, expand=inner // width, state_size=a_log.shape[1],
        conv_kernel=conv_weight.shape[1], time_step_rank=dt_weight.shape[1], num_hidden_layers=1, vocab_size=1,
    )
    block = MambaMixer(config, layer_idx=0).eval()
    block.load_state_dict({
        "in_proj.weight": in_proj, "conv1d.weight": conv_weight[:, None], "conv1d.bias": conv_bias,
        "x_proj.weight": x_proj, "dt_proj.weight": dt_weight, "dt_proj.bias": dt_bias, "A_log": a_log, "D": d,
        "out_proj.weight": out_proj,
    })
    return block(x)


@_adapter
def transformers_mamba2_mixer(*, x: Tensor, in_proj: Tensor, conv_weight: Tensor, conv_bias: Tensor, dt_bias: Tensor,
                              a_log: Tensor, d: Tensor, norm_weight: Tensor, out_proj: Tensor, eps: Tensor | float,
                              chunk: int) -> Tensor:
    """Hugging Face's `Mamba2Mixer`, for the spec point `mamba2.mixer`."""
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    (width, inner), (channels, taps), heads = out_proj.shape, conv_weight.shape, len(d)
    config = Mamba2Config(
        hidden_size=width, expand=inner // width, num_heads=heads, head_dim=inner // heads, n_groups=1, conv_kernel=taps,
        state_size=(channels - inner) // 2, chunk_size=chunk, layer_norm_epsilon=float(eps), num_hidden_layers=1, vocab_size=1,
    )
    block = Mamba2Mixer(config, layer_idx=0).eval()
    block.load_state_dict({
        "in_proj.weight": in_proj, "conv1d.weight": conv_weight[:, None], "conv1d.bias": conv_bias, "dt_bias": dt_bias,
        "A_log": a_log, "D": d, "norm.weight": norm_weight, "out_proj.weight": out_proj,
    })
    return block(x)


def _basic_block(kind: type, x: Tensor, conv1: Tensor, conv2: Tensor, stride: int, eps: Tensor | float,
                 conv3: Tensor | None, norms: dict[str, Tensor]) -> Tensor:  # fmt: skip
    """A residual block that has the parameters' names of torchvision's."""
    planes, channels = conv1.shape[:2]
    norm = lambda width, **_: torch.nn.BatchNorm2d(width, eps=float(eps))  # noqa: E731
    downsample = None if conv3 is None else torch.nn.Sequential(
        torch.nn.Conv2d(channels, planes, 1, stride, bias=False), norm(planes)
    )
    block = kind(channels, planes, stride, downsample, norm_layer=norm)
    state = {"conv1.weight": conv1, "conv2.weight": conv2}
    if conv3 is not None:
        state["downsample.0.weight"] = conv3
    for number, name in (("1", "bn1"), ("2", "bn2"), *([("3", "downsample.1")] if conv3 is not None else [])):
        state |= {f"{name}.running_mean": norms[f"mean{number}"], f"{name}.running_var": norms[f"var{number}"],
                  f"{name}.weight": norms[f"weight{number}"], f"{name}.bias": norms[f"bias{number}"]}
    block.load_state_dict(state, strict=False)
    return block.eval()(x)


@_adapter
def torchvision_basic_block(*, x: Tensor, conv1: Tensor, conv2: Tensor, stride: int, eps: Tensor | float,
                            conv3: Tensor | None = None, **norms: Tensor) -> Tensor:
    """torchvision's `BasicBlock`, for the spec point `resnet.block`."""
    from torchvision.models.resnet import BasicBlock

    return _basic_block(BasicBlock, x, conv1, conv2, stride, eps, conv3, norms)


@_adapter
def timm_basic_block(*, x: Tensor, conv1: Tensor, conv2: Tensor, stride: int, eps: Tensor | float,
                     conv3: Tensor | None = None, **norms: Tensor) -> Tensor:
    """timm's `BasicBlock`, for the spec point `resnet.block`."""
    from timm.models.resnet import BasicBlock

    return _basic_block(BasicBlock, x, conv1, conv2, stride, eps, conv3, norms)


@_adapter
def timm_patch_embed(*, x: Tensor, patch: int) -> Tensor:
    """timm's `PatchEmbed`, for the spec point `vit.patchify`: its kernels pick one entry of a patch each."""
    from timm.layers import PatchEmbed

    channels, entries = x.shape[1], x.shape[1] * patch * patch
    module = PatchEmbed(x.shape[2:], patch, channels, entries, bias=False).to(x.dtype)
    module.load_state_dict({"proj.weight": torch.eye(entries).reshape(entries, channels, patch, patch)})
    return module(x)


@_adapter
def torch_layer_norm(*, x: Tensor, weight: Tensor, bias: Tensor, eps: Tensor | float) -> Tensor:
    """PyTorch's `LayerNorm`, for the spec point `vit.norm`."""
    module = torch.nn.LayerNorm(x.shape[-1], eps=float(eps))
    module.load_state_dict({"weight": weight, "bias": bias})
    return module(x)


@_adapter
def torch_conv2d(*, x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """PyTorch's `Conv2d`, for the spec point `resnet.conv`."""
    module = torch.nn.Conv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]), stride, padding, bias=False)
    module.load_state_dict({"weight": weight})
    return module(x)


@_adapter
def torch_batch_norm(*, x: Tensor, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor,
                     eps: Tensor | float) -> Tensor:
    """PyTorch's `BatchNorm2d` in evaluation mode, for the spec point `resnet.batch_norm`."""
    module = torch.nn.BatchNorm2d(len(mean), eps=float(eps)).eval()
    state = {"running_mean": mean, "running_var": var, "weight": weight, "bias": bias}
    module.load_state_dict(state, strict=False)  # without the number of batches
    return module(x)


@_adapter
def mambapy_pscan(*, decay: Tensor, input: Tensor, h0: Tensor) -> Tensor:
    """mambapy's parallel scan, for the spec point `mamba.states`. It starts from the zero state, so the first state's
    decay is added to the first input."""
    from mambapy.pscan import pscan

    first = input[:, :1] + decay[:, :1] * h0[:, None]
    return pscan(decay, torch.cat((first, input[:, 1:]), 1))


def _torch_recurrent(kind: type, x: Tensor, state: Tensor | tuple[Tensor, ...], weights: dict[str, Tensor]) -> Tensor:
    """The outputs of a layer of `torch.nn` of the same dtype, from a state with an axis for the layers in front."""
    module = kind(weights["weight_ih"].shape[1], weights["weight_hh"].shape[1], batch_first=True, dtype=x.dtype)
    module.load_state_dict({f"{name}_l0": weight for name, weight in weights.items()})
    return module.eval()(x, state)[0]


@_adapter
def torch_rnn(*, x: Tensor, h0: Tensor, **weights: Tensor) -> Tensor:
    """PyTorch's `RNN`, for the spec point `rnn.layer`."""
    return _torch_recurrent(torch.nn.RNN, x, h0[None], weights)


@_adapter
def torch_lstm(*, x: Tensor, h0: Tensor, c0: Tensor, **weights: Tensor) -> Tensor:
    """PyTorch's `LSTM`, for the spec point `lstm.layer`."""
    return _torch_recurrent(torch.nn.LSTM, x, (h0[None], c0[None]), weights)


@_adapter
def torch_gru(*, x: Tensor, h0: Tensor, **weights: Tensor) -> Tensor:
    """PyTorch's `GRU`, for the spec point `gru.layer`. It has no other convention for the reset gate."""
    return _torch_recurrent(torch.nn.GRU, x, h0[None], weights)


@_adapter
def torch_attention(*, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """PyTorch's `scaled_dot_product_attention`, for the spec point `gpt.attend`. Its own causal mask counts keys from the
    first one, so a mask that counts from the last one is given to it."""
    seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)


def _transformers_gpt2(heads: int, depth: int, eps: Tensor | float, tanh: int, weights: dict[str, Tensor]) -> Any:
    from transformers import GPT2Config, GPT2LMHeadModel

    from pyzoo.models.gpt import PUBLISHED

    (vocab, width), context = weights["token_weight"].shape, len(weights["position_weight"])
    model = GPT2LMHeadModel(GPT2Config(
        vocab_size=vocab, n_positions=context, n_embd=width, n_layer=depth, n_head=heads, layer_norm_epsilon=float(eps),
        activation_function="gelu_new" if tanh else "gelu", tie_word_embeddings=False, bos_token_id=0, eos_token_id=0,
    )).to(weights["token_weight"].dtype).eval()  # fmt: skip
    state = {"transformer.wte.weight": weights["token_weight"], "transformer.wpe.weight": weights["position_weight"],
             "transformer.ln_f.weight": weights["norm_weight"], "transformer.ln_f.bias": weights["norm_bias"],
             "lm_head.weight": weights["head_weight"]}  # fmt: skip
    for i in range(depth):
        for theirs, ours in PUBLISHED.items():
            w = weights[f"blocks.{i}.{ours}_weight"]
            state[f"transformer.h.{i}.{theirs}.weight"] = w.T if w.dim() == 2 else w
            state[f"transformer.h.{i}.{theirs}.bias"] = weights[f"blocks.{i}.{ours}_bias"]
    model.load_state_dict(state)
    return model


NEOX = {"norm1": "input_layernorm", "qkv": "attention.query_key_value", "proj": "attention.dense",
        "norm2": "post_attention_layernorm", "fc1": "mlp.dense_h_to_4h", "fc2": "mlp.dense_4h_to_h"}  # fmt: skip


def _transformers_neox(heads: int, depth: int, eps: Tensor | float, tanh: int, weights: dict[str, Tensor]) -> Any:
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    vocab, width = weights["token_weight"].shape
    model = GPTNeoXForCausalLM(GPTNeoXConfig(
        vocab_size=vocab, hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, intermediate_size=4 * width,
        hidden_act="gelu_new" if tanh else "gelu", layer_norm_eps=float(eps), use_parallel_residual=False,
        max_position_embeddings=len(weights["cosines"]), tie_word_embeddings=False, bos_token_id=0, eos_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 1.0},
    )).to(weights["token_weight"].dtype).eval()  # fmt: skip
    state = {"gpt_neox.embed_in.weight": weights["token_weight"], "lm_head.weight": weights["head_weight"],
             "gpt_neox.final_layer_norm.weight": weights["norm_weight"],
             "gpt_neox.final_layer_norm.bias": weights["norm_bias"]}  # fmt: skip
    for i in range(depth):
        for ours, theirs in NEOX.items():
            for kind in ("weight", "bias"):
                w = weights[f"blocks.{i}.{ours}_{kind}"]
                if ours == "qkv":  # GPT-NeoX has a head's queries, keys and values side by side
                    w = w.unflatten(0, (3, heads, -1)).transpose(0, 1).flatten(0, 2)
                state[f"gpt_neox.layers.{i}.{theirs}.{kind}"] = w
    model.load_state_dict(state)
    return model


def _transformers_gpt(heads: int, depth: int, eps: Tensor | float, tanh: int, weights: dict[str, Tensor]) -> Any:
    build = _transformers_neox if "cosines" in weights else _transformers_gpt2
    return build(heads, depth, eps, tanh, weights)


@_adapter
def transformers_gpt2(*, tokens: Tensor, heads: int, depth: int, eps: Tensor | float, tanh: int,
                      **weights: Tensor) -> Tensor:  # fmt: skip
    """Hugging Face's `GPT2LMHeadModel`, or with rotary positions `GPTNeoXForCausalLM`, on a whole text, for the spec point
    `gpt.logits`."""
    return _transformers_gpt(heads, depth, eps, tanh, weights)(tokens).logits


@_adapter
def transformers_gpt2_cached(*, tokens: Tensor, heads: int, depth: int, eps: Tensor | float, tanh: int,
                             **weights: Tensor) -> Tensor:  # fmt: skip
    """The same token by token with its cache, for the spec point `gpt.decode`."""
    model, cache, out = _transformers_gpt(heads, depth, eps, tanh, weights), None, []
    for token in tokens.split(1, 1):
        answer = model(token, past_key_values=cache, use_cache=True)
        cache = answer.past_key_values
        out.append(answer.logits)
    return torch.cat(out, 1)


def transformers_angles(*, context: int, pairs: int) -> tuple[Tensor, Tensor]:
    """Hugging Face's `LlamaRotaryEmbedding`, for the spec points `gpt.angles.cosines` and `gpt.angles.sines`. It computes in
    fp32, and has each angle at both entries of a pair."""
    from transformers import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    table = LlamaRotaryEmbedding(LlamaConfig(hidden_size=2 * pairs, num_attention_heads=1, max_position_embeddings=context))
    cosines, sines = table(torch.zeros(1), torch.arange(context)[None])
    return cosines[0, :, :pairs], sines[0, :, :pairs]


@_adapter
def transformers_rotary(*, x: Tensor, cosines: Tensor, sines: Tensor, past: int) -> Tensor:
    """Hugging Face's `apply_rotary_pos_emb` of Llama, for the spec point `gpt.rotate`. It wants each angle at both entries of
    a pair, and rotates queries and keys together."""
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    cos, sin = (table[past : past + x.shape[2]].repeat(1, 2)[None] for table in (cosines, sines))
    return apply_rotary_pos_emb(x, x, cos, sin)[0]


@_adapter
def torch_spectral_conv(*, x: Tensor, weight: Tensor) -> Tensor:
    """rfft, einsum and irfft of PyTorch, for the spec point `spectral.conv`."""
    spectrum = torch.fft.rfft(x)[..., : weight.shape[2]]
    return torch.fft.irfft(torch.einsum("bim,iom->bom", spectrum, torch.view_as_complex(weight)), n=x.shape[-1])


@_adapter
def neuraloperator_spectral_conv(*, x: Tensor, weight: Tensor) -> Tensor:
    """neuraloperator's `SpectralConv` without a bias, for the spec point `spectral.conv`. It scales by 1/n in the transform,
    and answers in fp32 whatever it is given. Its n_modes count a mode and its conjugate."""
    from neuralop.layers.spectral_convolution import SpectralConv

    channels, outputs, modes, _ = weight.shape
    layer = SpectralConv(channels, outputs, (max(1, 2 * modes - 2),), bias=False)
    layer.weight.tensor = torch.nn.Parameter(torch.view_as_complex(weight), requires_grad=False)
    return layer(x)
