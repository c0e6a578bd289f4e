"""Networks of pytorch-CycleGAN-and-pix2pix: two translators and two patch discriminators.

Each network is one `nn.Sequential`, so its keys are positions. A convolution has a bias before instance norm,
and none before batch norm, which has tensors of its own. So the names of the tensors determine the norm.
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
"""Padding and dropout of a residual block (`conv_block`), by the positions of its convolutions."""


def positions(names: Iterable[str], pattern: str) -> list[int]:
    """Return the numbers that `pattern` finds in these names, in order, each once."""
    return sorted({int(found[1]) for name in names if (found := re.fullmatch(pattern, name))})


def convolutions(shapes: Shapes, sequence: str) -> list[int]:
    """Return the positions of the convolutions in a sequence."""
    kernels = [name for name, shape in shapes.items() if len(shape) == 4]
    return positions(kernels, rf"{re.escape(sequence)}\.(\d+)\.weight(?:_orig)?")


def norm_and_bias(shapes: Shapes, conv: str, norm: str) -> tuple[PlainNorm, bool]:
    """Return the norm that follows a convolution, and True if the convolution has a bias."""
    bias = f"{conv}.bias" in shapes
    if f"{norm}.weight" in shapes:
        return "batch", bias
    return "instance" if bias else "none", bias


# Residual translator. `model` is
#     0 pad  1 conv 7x7  2 norm  3 relu
#     (conv, norm, relu) a halving, from 4
#     (conv_block) a residual block
#     (conv, norm, relu) a doubling
#     pad  conv 7x7  tanh


def resnet_settings(shapes: Shapes) -> Settings:
    """Read the settings.

    pix2pixHD's global generator has the same tensors, with more halvings and a bias everywhere.
    """
    convs = convolutions(shapes, "model")
    blocks = positions(shapes, r"model\.(\d+)\.conv_block\.\d+\.weight")
    norm, bias = norm_and_bias(shapes, "model.1", "model.2")
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
    """Read padding and dropout of a residual block."""
    first, second = convolutions(shapes, f"{block}.conv_block")
    padding, dropout = BLOCKS[first, second]
    return {"padding": padding, "dropout": dropout}


def resnet_rows(settings: Settings) -> Rows:
    """Yield the rows of `model`."""
    yield from trunk_rows(settings, "trunk.", "model")
    yield "last", f"model.{trunk_length(settings) + 1}"


def trunk_length(settings: Settings) -> int:
    """Return the number of modules of a trunk in its sequence."""
    return 4 + 6 * settings["downsamplings"] + settings["blocks"]


def trunk_rows(settings: Settings, own: str, sequence: str) -> Rows:
    """Yield the rows of all but the last padding and convolution."""
    halvings, blocks = settings["downsamplings"], settings["blocks"]
    yield from normed(f"{own}first", sequence, 1)
    for k in range(halvings):
        yield from normed(f"{own}down.{k}", sequence, 4 + 3 * k)
    for k in range(blocks):
        yield from block_rows(settings, f"{own}blocks.{k}", f"{sequence}.{4 + 3 * halvings + k}")
    for k in range(halvings):
        yield from normed(f"{own}up.{k}", sequence, 4 + 3 * halvings + blocks + 3 * k)


def block_rows(settings: Settings, own: str, official: str) -> Rows:
    """Yield the rows of a residual block."""
    expected = (settings.get("padding", "reflect") == "zeros", bool(settings.get("dropout")))
    first, second = next(
        block
        for block, (padding, dropout) in BLOCKS.items()
        if (padding == "zeros", bool(dropout)) == expected
    )
    yield f"{own}.conv_1", f"{official}.conv_block.{first}"
    yield f"{own}.norm_1", f"{official}.conv_block.{first + 1}"
    yield f"{own}.conv_2", f"{official}.conv_block.{second}"
    yield f"{own}.norm_2", f"{official}.conv_block.{second + 1}"


def normed(own: str, sequence: str, position: int) -> Rows:
    """Yield the rows of a convolution and the norm that follows it."""
    yield f"{own}.conv", f"{sequence}.{position}"
    yield f"{own}.norm", f"{sequence}.{position + 1}"


RESNET = Family(
    name="ResNet generator (ResnetGenerator; pix2pixHD's GlobalGenerator)",
    role="translator",
    kind="resnet",
    origin=ORIGIN,
    official_defaults={"inputs": 3, "outputs": 3, "width": 64, "blocks": 9},
    settings=resnet_settings,
    rows=resnet_rows,
    undetermined={"padding": ("reflect", "replicate")},
)


# U-Net: every level contains the one below it.
#     outermost   0 conv  1 level below  2 relu  3 transposed conv  4 tanh
#     between     0 leaky relu  1 conv  2 norm  3 level below  4 relu  5 transposed conv  6 norm  (7 dropout)
#     innermost   0 leaky relu  1 conv  2 relu  3 transposed conv  4 norm


def unet_level(level: int) -> str:
    """Return the name of the sequence of a level; 0 is the outermost."""
    return "model.model" + ".1.model" * (level > 0) + ".3.model" * (level - 1)


def unet_settings(shapes: Shapes) -> Settings:
    """Read the settings; tensors do not show dropout, which is the last module of its level."""
    levels = 1
    while f"{unet_level(levels)}.1.weight" in shapes:
        levels += 1
    conv = f"{unet_level(levels - 1)}.3"
    norm, bias = norm_and_bias(shapes, conv, f"{unet_level(levels - 1)}.4")
    return {
        "inputs": shapes["model.model.0.weight"][1],
        "outputs": shapes["model.model.3.weight"][1],
        "downsamplings": levels,
        "width": shapes["model.model.0.weight"][0],
        "norm": norm,
        "bias": bias,
    }


def unet_rows(settings: Settings) -> Rows:
    """Yield the rows from the outermost level to the innermost."""
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
    official_defaults={"inputs": 3, "outputs": 3, "width": 64, "downsamplings": 8},
    settings=unet_settings,
    rows=unet_rows,
    undetermined={"dropout": (0.5, 0.0)},
)


# Patch discriminator: 0 conv  1 leaky relu, then (conv, norm, leaky relu) a layer from 2; conv.


def patch_settings(shapes: Shapes, sequence: str = "model", padding: int = 1) -> Settings:
    """Read the settings; the widest layer shows where the doubling of channels stops."""
    convs = convolutions(shapes, sequence)
    norm, bias = norm_and_bias(shapes, f"{sequence}.2", f"{sequence}.3")
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
    """Yield the rows from the first layer to the scores."""
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
    official_defaults={"inputs": 6},
    settings=patch_settings,
    rows=patch_rows,
)


# Pixel discriminator. `net` is: 0 conv  1 leaky relu  2 conv  3 norm  4 leaky relu  5 conv.
# The last convolution has a bias only if the one before it has.


def pixel_settings(shapes: Shapes) -> Settings:
    """Read the settings of the three 1x1 convolutions."""
    norm, bias = norm_and_bias(shapes, "net.2", "net.3")
    width, inputs, _, _ = shapes["net.0.weight"]
    return {"inputs": inputs, "width": width, "norm": norm, "bias": bias}


def pixel_rows(_: Settings) -> Rows:
    """Yield the rows of `net`."""
    yield "first.conv", "net.0"
    yield from normed("second", "net", 2)
    yield "score", "net.5"


PIXEL = Family(
    name="1x1 PatchGAN discriminator (PixelDiscriminator)",
    role="discriminator",
    kind="pixel",
    origin=ORIGIN,
    official_defaults={"inputs": 6},
    settings=pixel_settings,
    rows=pixel_rows,
)
