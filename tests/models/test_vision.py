"""ResNets and ViTs: published sizes, and that evaluation reaches every spec point."""

import pytest
import torch
import torch.nn.functional as F

from pyzoo.errors import InputError
from pyzoo.models import resnet, vit
from pyzoo.ops import resnet as resnet_ops
from pyzoo.ops import vit as vit_ops
from pyzoo.ops.point import POINTS, observe

PUBLISHED = {  # trainable parameters of the authors' or torchvision's and timm's networks
    "ResNet-18": 11_689_512,
    "ResNet-34": 21_797_672,
    "ResNet-50": 25_557_032,
    "ResNet-101": 44_549_160,
    "ResNet-152": 60_192_808,
    "ViT-Ti/16": 5_717_416,
    "ViT-S/16": 22_050_664,
    "ViT-B/16": 86_567_656,
    "ViT-L/16": 304_326_632,
    "ViT-H/14": 632_045_800,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_count_is_the_published_one(name: str) -> None:
    assert (vit if name.startswith("ViT") else resnet).count_parameters(name) == PUBLISHED[name]


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_cifar_resnet_has_its_depth_and_sizes(depth: int) -> None:
    with torch.device("meta"):
        model = resnet.build(f"CIFAR-ResNet-{depth}")
    shortcuts = sum(block.conv3 is not None for stage in model.stages for block in stage)
    convolutions = sum(isinstance(m, resnet.Conv) for m in model.modules()) - shortcuts
    assert shortcuts == 2 and convolutions + 1 == depth
    assert resnet.stage_sizes(f"CIFAR-ResNet-{depth}") == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


def test_resnet_50_stage_sizes() -> None:
    assert resnet.stage_sizes("ResNet-50") == [(256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7)]


def small_models() -> dict[str, torch.nn.Module]:
    torch.manual_seed(0)
    return {
        "resnet": resnet.ResNet(resnet.ResNetConfig((1, 2), (4, 6), channels=1, classes=3, image=7)),
        "bottleneck": resnet.ResNet(
            resnet.ResNetConfig((1, 1), (4, 6), bottleneck=True, imagenet_stem=True, classes=3, image=33)
        ),
        "vit": vit.ViT(vit.ViTConfig(width=12, depth=2, heads=3, patch=3, image=9, channels=2, classes=5)),
    }


@pytest.mark.parametrize("name", ["resnet", "bottleneck", "vit"])
@pytest.mark.parametrize("batch", [2, 3])
def test_forward_and_backward(name: str, batch: int) -> None:
    model = small_models()[name]
    x = torch.randn(batch, model.config.channels, model.config.image, model.config.image)
    logits = model.train()(x)
    assert logits.shape == (batch, model.config.classes)
    F.cross_entropy(logits, torch.arange(batch)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize(("name", "family"), [("resnet", "resnet"), ("vit", "vit")])
def test_evaluation_reaches_every_spec_point_of_the_family(name: str, family: str) -> None:
    model, reached = small_models()[name].eval(), set()
    with observe(lambda point, *_: reached.add(point)), torch.no_grad():
        model(torch.randn(2, model.config.channels, model.config.image, model.config.image))
    assert reached == {point for point in POINTS if point.startswith(f"{family}.")}


def test_training_and_evaluation_agree_on_the_batch_statistics() -> None:
    """With the running statistics set to the batch's own, both paths of a batch norm are one function."""
    torch.manual_seed(0)
    x, norm = torch.randn(4, 3, 5, 5, dtype=torch.float64), resnet.BatchNorm(3).double()
    trained = norm.train()(x)
    norm.mean.copy_(x.mean((0, 2, 3)))
    norm.var.copy_(x.var((0, 2, 3), unbiased=False))
    torch.testing.assert_close(norm.eval()(x), trained)


def test_patches_match_a_convolution_with_the_same_weights() -> None:
    torch.manual_seed(0)
    x, kernel, bias = torch.randn(2, 3, 6, 9), torch.randn(5, 3, 3, 3), torch.randn(5)
    patches = vit_ops.patchify(x=x, patch=3)
    assert patches.shape == (2, 6, 27)
    embedded = vit_ops.embed(x=patches, weight=kernel.flatten(1), bias=bias)
    torch.testing.assert_close(embedded, F.conv2d(x, kernel, bias, stride=3).flatten(2).transpose(1, 2))


def test_zero_branch_leaves_relu_of_the_input() -> None:
    """The identity shortcut: a block whose residual branch is zero is relu."""
    x, zero, one = torch.randn(2, 3, 5, 4), torch.zeros(3), torch.ones(3)
    kernel = torch.zeros(3, 3, 3, 3)
    norms = {f"{k}{i}": v for i in (1, 2) for k, v in (("mean", zero), ("var", one), ("weight", one), ("bias", zero))}
    out = resnet_ops.block(x=x, conv1=kernel, conv2=kernel, stride=1, eps=1e-5, **norms)
    assert torch.equal(out, x.relu())


def test_attention_matches_pytorchs() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 3, 5, 8, dtype=torch.float64)
    mixed = vit_ops.mix(weights=vit_ops.weights(scores=vit_ops.scores(q=q, k=k)), v=v)
    torch.testing.assert_close(mixed, F.scaled_dot_product_attention(q, k, v))


def test_norm_matches_pytorchs() -> None:
    torch.manual_seed(0)
    x, weight, bias = torch.randn(2, 3, 8, dtype=torch.float64), torch.randn(8).double(), torch.randn(8).double()
    ours = vit_ops.norm(x=x, weight=weight, bias=bias, eps=1e-6)
    torch.testing.assert_close(ours, F.layer_norm(x, (8,), weight, bias, 1e-6))


@pytest.mark.parametrize("wrong", [{"patch": 5}, {"heads": 5}, {"depth": 0}, {"classes": -1}])
def test_ill_formed_vit_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        vit.ViTConfig(**{"width": 12, "depth": 1, "heads": 3} | wrong)


@pytest.mark.parametrize("depth", [2, 21, -4])
def test_cifar_depth_must_be_6n_plus_2(depth: int) -> None:
    with pytest.raises(InputError, match=str(depth)):
        resnet.cifar(depth)
