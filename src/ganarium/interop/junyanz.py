"""The networks of pytorch-CycleGAN-and-pix2pix: two translators and two patch discriminators.

Each is one `nn.Sequential`, so that its keys are positions in it. A convolution has a bias where instance
norm follows, and none before batch norm, which has tensors of its own: so the norm is told.
"""

import re
from collections.abc import Iterable

from ganarium.interop.layout import Family, Rows, Settings, Shapes
from ganarium.models.network import Origin
from ganarium.networks.layers.norms import PlainNorm

ORIGIN = Origin("junyanz/pytorch-CycleGAN-and-pix2pix", "BSD-2-Clause")

BLOCKS = {
    # first, second convolution: padding, dropout
    (1, 5): ("reflect", 0.0),  # pad conv norm relu pad conv norm
    (1, 6): ("reflect", 0.5),  # pad conv norm relu dropout pad conv norm
    (0, 3): ("zeros", 0.0),  # conv norm relu conv norm
    (0, 4): ("zeros", 0.5),  # conv norm relu dropout conv norm
}
"""Where the convolutions of a residual block (`conv_block`) stand, and what stands before them."""


def positions(names: Iterable[str], pattern: str) -> list[int]:
    """The numbers that `pattern` finds in these names, in order, each once."""
    return sorted({int(found[1]) for name in names if (found := re.fullmatch(pattern, name))})


def convolutions(shapes: Shapes, sequence: str) -> list[int]:
    """Where the convolutions of a sequence stand."""
    kernels = [name for name, shape in shapes.items() if len(shape) == 4]
    return positions(kernels, rf"{re.escape(sequence)}\.(\d+)\.weight(?:_orig)?")


def told_norm(shapes: Shapes, conv: str, norm: str) -> tuple[PlainNorm, bool]:
    """Which norm follows a convolution, and whether the convolution has a bias."""
    bias = f"{conv}.bias" in shapes
    if f"{norm}.weight" in shapes:
        return "batch", bias
    return "instance" if bias else "none", bias


# The residual translator. `model` is
#     0 pad  1 conv 7x7  2 norm  3 relu
#     (conv, norm, relu) a halving, from 4
#     (conv_block) a residual block
#     (conv, norm, relu) a doubling
#     pad  conv 7x7  tanh


def resnet_settings(shapes: Shapes) -> Settings:
    """pix2pixHD's global generator is this one with more halvings, and a bias everywhere."""
    convs = convolutions(shapes, "model")
    blocks = positions(shapes, r"model\.(\d+)\.conv_block\.\d+\.weight")
    norm, bias = told_norm(shapes, "model.1", "model.2")
    settings = {
        "inputs": shapes["model.1.weight"][1],
        "outputs": shapes[f"model.{convs[-1]}.weight"][0],
        "width": shapes["model.1.weight"][0],
        "downsamplings": len([k for k in convs[1:] if k < blocks[0]]),
        "blocks": len(blocks),
        "norm": norm,
        "bias": bias,
    }
    return settings | block_settings(shapes, f"model.{blocks[0]}")


def block_settings(shapes: Shapes, block: str) -> Settings:
    """Padding and dropout of a residual block."""
    first, second = convolutions(shapes, f"{block}.conv_block")
    padding, dropout = BLOCKS[first, second]
    return {"padding": padding, "dropout": dropout}


def resnet_rows(settings: Settings) -> Rows:
    """All of `model`."""
    yield from trunk_rows(settings, "trunk.", "model")
    yield "last", f"model.{trunk_length(settings) + 1}"


def trunk_length(settings: Settings) -> int:
    """Where a trunk ends in its sequence."""
    return 4 + 6 * settings["downsamplings"] + settings["blocks"]


def trunk_rows(settings: Settings, own: str, sequence: str) -> Rows:
    """All but the last padding and convolution."""
    halvings, blocks = settings["downsamplings"], settings["blocks"]
    yield from normed(f"{own}first", sequence, 1)
    for k in range(halvings):
        yield from normed(f"{own}down.{k}", sequence, 4 + 3 * k)
    for k in range(blocks):
        yield from block_rows(settings, f"{own}blocks.{k}", f"{sequence}.{4 + 3 * halvings + k}")
    for k in range(halvings):
        yield from normed(f"{own}up.{k}", sequence, 4 + 3 * halvings + blocks + 3 * k)


def block_rows(settings: Settings, own: str, official: str) -> Rows:
    """A residual block."""
    present = (settings.get("padding", "reflect") == "zeros", bool(settings.get("dropout")))
    first, second = next(
        places
        for places, (padding, dropout) in BLOCKS.items()
        if (padding == "zeros", bool(dropout)) == present
    )
    yield f"{own}.conv_1", f"{official}.conv_block.{first}"
    yield f"{own}.norm_1", f"{official}.conv_block.{first + 1}"
    yield f"{own}.conv_2", f"{official}.conv_block.{second}"
    yield f"{own}.norm_2", f"{official}.conv_block.{second + 1}"


def normed(own: str, sequence: str, position: int) -> Rows:
    """A convolution and the norm behind it."""
    yield f"{own}.conv", f"{sequence}.{position}"
    yield f"{own}.norm", f"{sequence}.{position + 1}"


RESNET = Family(
    name="ResNet generator (ResnetGenerator; pix2pixHD's GlobalGenerator)",
    role="translator",
    kind="resnet",
    origin=ORIGIN,
    usual={"inputs": 3, "outputs": 3, "width": 64, "blocks": 9},
    settings=resnet_settings,
    rows=resnet_rows,
    unseen={"padding": ("reflect", "replicate")},
)


# The U-Net: every level holds the one below it.
#     outermost   0 conv  1 level below  2 relu  3 transposed conv  4 tanh
#     between     0 leaky relu  1 conv  2 norm  3 level below  4 relu  5 transposed conv  6 norm  (7 dropout)
#     innermost   0 leaky relu  1 conv  2 relu  3 transposed conv  4 norm


def unet_level(level: int) -> str:
    """The sequence of a level; 0 is the outermost."""
    return "model.model" + ".1.model" * (level > 0) + ".3.model" * (level - 1)


def unet_settings(shapes: Shapes) -> Settings:
    """Dropout leaves no trace: it is the last of its level."""
    levels = 1
    while f"{unet_level(levels)}.1.weight" in shapes:
        levels += 1
    conv = f"{unet_level(levels - 1)}.3"
    norm, bias = told_norm(shapes, conv, f"{unet_level(levels - 1)}.4")
    return {
        "inputs": shapes["model.model.0.weight"][1],
        "outputs": shapes["model.model.3.weight"][1],
        "downsamplings": levels,
        "width": shapes["model.model.0.weight"][0],
        "norm": norm,
        "bias": bias,
    }


def unet_rows(settings: Settings) -> Rows:
    """From the outermost level to the innermost."""
    innermost = settings["downsamplings"] - 1
    yield "down.0.conv", "model.model.0"
    yield "up.0.conv", "model.model.3"
    for level in range(1, innermost):
        yield from normed(f"down.{level}", unet_level(level), 1)
        yield from normed(f"up.{level}", unet_level(level), 5)
    yield f"down.{innermost}.conv", f"{unet_level(innermost)}.1"
    yield from normed(f"up.{innermost}", unet_level(innermost), 3)


UNET = Family(
    name="U-Net generator (UnetGenerator)",
    role="translator",
    kind="unet",
    origin=ORIGIN,
    usual={"inputs": 3, "outputs": 3, "width": 64, "downsamplings": 8},
    settings=unet_settings,
    rows=unet_rows,
    unseen={"dropout": (0.5, 0.0)},
)


# The patch discriminator: 0 conv  1 leaky relu, then (conv, norm, leaky relu) a layer from 2; conv.


def patch_settings(shapes: Shapes, sequence: str = "model", padding: int = 1) -> Settings:
    """The widest layer shows where doubling the channels stopped, if it did."""
    convs = convolutions(shapes, sequence)
    norm, bias = told_norm(shapes, f"{sequence}.2", f"{sequence}.3")
    channels = [shapes[f"{sequence}.{k}.weight"][0] for k in convs]
    return {
        "inputs": shapes[f"{sequence}.0.weight"][1],
        "layers": len(convs) - 2,
        "width": channels[0],
        "widest": max(channels),
        "norm": norm,
        "bias": bias,
        "padding": padding,
    }


def patch_rows(settings: Settings, own: str = "", sequence: str = "model") -> Rows:
    """From the first layer to the scores."""
    layers = settings["layers"]
    yield f"{own}hidden.0.conv", f"{sequence}.0"
    for k in range(layers):
        yield from normed(f"{own}hidden.{k + 1}", sequence, 2 + 3 * k)
    yield f"{own}score", f"{sequence}.{2 + 3 * layers}"


PATCH = Family(
    name="PatchGAN discriminator (NLayerDiscriminator)",
    role="discriminator",
    kind="patch",
    origin=ORIGIN,
    usual={"inputs": 6},
    settings=patch_settings,
    rows=patch_rows,
)


# The pixel discriminator. `net` is: 0 conv  1 leaky relu  2 conv  3 norm  4 leaky relu  5 conv.
# The scores' convolution has a bias only where the one before it has.


def pixel_settings(shapes: Shapes) -> Settings:
    """Three convolutions of 1x1."""
    norm, bias = told_norm(shapes, "net.2", "net.3")
    width, inputs, _, _ = shapes["net.0.weight"]
    return {"inputs": inputs, "width": width, "norm": norm, "bias": bias}


def pixel_rows(_: Settings) -> Rows:
    """All of `net`."""
    yield "first.conv", "net.0"
    yield from normed("second", "net", 2)
    yield "score", "net.5"


PIXEL = Family(
    name="1x1 PatchGAN discriminator (PixelDiscriminator)",
    role="discriminator",
    kind="pixel",
    origin=ORIGIN,
    usual={"inputs": 6},
    settings=pixel_settings,
    rows=pixel_rows,
)
