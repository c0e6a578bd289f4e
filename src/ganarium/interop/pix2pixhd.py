"""Networks of pix2pixHD: coarse-to-fine generator, multi-scale discriminators, feature encoder.

The global generator is the ResNet generator of `junyanz`. Every convolution has a bias, with any norm.
"""

from ganarium.interop.junyanz import (
    block_rows,
    convolutions,
    norm_and_bias,
    normed,
    patch_rows,
    patch_settings,
    positions,
    trunk_length,
    trunk_rows,
)
from ganarium.interop.layout import Family, Rows, Settings, Shapes
from ganarium.models.network import Origin

ORIGIN = Origin("NVIDIA/pix2pixHD", "BSD")


# Local enhancer. `model` is the global generator's trunk; the k-th enhancer, from 1, is
#     model{k}_1   0 pad  1 conv 7x7  2 norm  3 relu  4 conv  5 norm  6 relu
#     model{k}_2   (conv_block) a residual block  transposed conv  norm  relu, and of the last: pad  conv 7x7


def local_settings(shapes: Shapes) -> Settings:
    """Read the settings; each `model{k}_1` is an enhancer."""
    enhancers = positions(shapes, r"model(\d+)_1\.1\.weight")
    finest = f"model{enhancers[-1]}"
    convs, blocks = convolutions(shapes, "model"), positions(shapes, r"model\.(\d+)\.conv_block\.\d+\.weight")
    enhancer_blocks = positions(shapes, rf"{finest}_2\.(\d+)\.conv_block\.\d+\.weight")
    norm, bias = norm_and_bias(shapes, "model.1", "model.2")
    return {
        "inputs": shapes["model.1.weight"][1],
        "outputs": shapes[f"{finest}_2.{convolutions(shapes, f'{finest}_2')[-1]}.weight"][0],
        "width": shapes[f"{finest}_1.1.weight"][0],
        "downsamplings": (len(convs) - 1) // 2,
        "blocks": len(blocks),
        "enhancers": len(enhancers),
        "enhancer_blocks": len(enhancer_blocks),
        "norm": norm,
        "bias": bias,
    }


def local_rows(settings: Settings) -> Rows:
    """Yield the rows from the coarse network to the finest."""
    enhancers, blocks = settings["enhancers"], settings["enhancer_blocks"]
    yield from trunk_rows(settings, "coarse.", "model")
    for k in range(enhancers):
        own, official = f"enhancers.{k}", f"model{k + 1}"
        yield from normed(f"{own}.first", f"{official}_1", 1)
        yield from normed(f"{own}.down.0", f"{official}_1", 4)
        for block in range(blocks):
            yield from block_rows(settings, f"{own}.blocks.{block}", f"{official}_2.{block}")
        yield from normed(f"{own}.up.0", f"{official}_2", blocks)
    yield "last", f"model{enhancers}_2.{blocks + 4}"


LOCAL = Family(
    name="coarse-to-fine generator (LocalEnhancer)",
    role="translator",
    kind="local-enhancer",
    origin=ORIGIN,
    official_defaults={
        "inputs": 36,
        "outputs": 3,
        "width": 32,
        "downsamplings": 4,
        "blocks": 9,
        "enhancers": 1,
        "enhancer_blocks": 3,
    },
    settings=local_settings,
    rows=local_rows,
)


# Encoder: a translator without residual blocks.


def encoder_settings(shapes: Shapes) -> Settings:
    """Read the settings; half of the convolutions between the outer ones halve the size."""
    convs = convolutions(shapes, "model")
    norm, bias = norm_and_bias(shapes, "model.1", "model.2")
    return {
        "inputs": shapes["model.1.weight"][1],
        "features": shapes[f"model.{convs[-1]}.weight"][0],
        "width": shapes["model.1.weight"][0],
        "downsamplings": (len(convs) - 2) // 2,
        "norm": norm,
        "bias": bias,
    }


def encoder_rows(settings: Settings) -> Rows:
    """Yield the rows of `model`."""
    trunk = settings | {"blocks": 0}
    yield from trunk_rows(trunk, "translator.trunk.", "model")
    yield "translator.last", f"model.{trunk_length(trunk) + 1}"


ENCODER = Family(
    name="feature encoder (Encoder)",
    role="encoder",
    kind="instance",
    origin=ORIGIN,
    official_defaults={"inputs": 3, "features": 3, "width": 16, "downsamplings": 4},
    settings=encoder_settings,
    rows=encoder_rows,
)


# Discriminators. The official numbers count from the coarsest scale, ours from the finest.
#     without features   layer{scale}.{position}, positions as in the patch discriminator
#     with features      scale{scale}_layer{k}: 0 conv  1 norm  2 leaky relu


def plain_settings(shapes: Shapes) -> Settings:
    """Read the settings; there is one sequence per scale."""
    scales = positions(shapes, r"layer(\d+)\.0\.weight")
    return {"scales": len(scales), **patch_settings(shapes, "layer0", padding=2)}


def plain_rows(settings: Settings) -> Rows:
    """Yield the rows from the finest scale to the coarsest."""
    scales = settings["scales"]
    for scale in range(scales):
        yield from patch_rows(settings, f"scales.{scale}.", f"layer{scales - 1 - scale}")


PLAIN = Family(
    name="multi-scale discriminator (MultiscaleDiscriminator, getIntermFeat=False)",
    role="discriminator",
    kind="multi-scale",
    origin=ORIGIN,
    official_defaults={"inputs": 39},
    settings=plain_settings,
    rows=plain_rows,
)


def featured_settings(shapes: Shapes) -> Settings:
    """Read the settings; there is one sequence per scale and layer."""
    scales = positions(shapes, r"scale(\d+)_layer0\.0\.weight")
    layers = positions(shapes, r"scale0_layer(\d+)\.0\.weight")
    norm, bias = norm_and_bias(shapes, "scale0_layer1.0", "scale0_layer1.1")
    channels = [shapes[f"scale0_layer{k}.0.weight"][0] for k in layers]
    return {
        "scales": len(scales),
        "inputs": shapes["scale0_layer0.0.weight"][1],
        "layers": len(layers) - 2,
        "width": channels[0],
        "widest": max(channels),
        "norm": norm,
        "bias": bias,
        "padding": 2,
    }


def featured_rows(settings: Settings) -> Rows:
    """Yield the rows from the finest scale to the coarsest."""
    scales, layers = settings["scales"], settings["layers"]
    for scale in range(scales):
        own, official = f"scales.{scale}", f"scale{scales - 1 - scale}_layer"
        yield f"{own}.hidden.0.conv", f"{official}0.0"
        for k in range(1, layers + 1):
            yield from normed(f"{own}.hidden.{k}", f"{official}{k}", 0)
        yield f"{own}.score", f"{official}{layers + 1}.0"


FEATURED = Family(
    name="multi-scale discriminator (MultiscaleDiscriminator, getIntermFeat=True)",
    role="discriminator",
    kind="multi-scale",
    origin=ORIGIN,
    official_defaults={"inputs": 39},
    settings=featured_settings,
    rows=featured_rows,
)
