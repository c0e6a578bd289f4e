"""Networks of SPADE (GauGAN): generator, style encoder, multi-scale discriminators.

Official spectral norm is a hook: `weight_orig` with the vectors `weight_u` and `weight_v` (`layout.LEAVES`).
"""

from ganarium.interop.junyanz import norm_and_bias, normed, positions
from ganarium.interop.layout import Family, Rows, Settings, Shapes
from ganarium.models.network import Origin

ORIGIN = Origin("NVlabs/SPADE", "CC BY-NC-SA 4.0 (not for commercial use)")

BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4")
"""Blocks of the generator, from the smallest maps to the largest; only `most` has the last one."""


def weight(shapes: Shapes, module: str) -> tuple[tuple[int, ...], bool]:
    """Return the shape of a weight, and True if it has spectral norm."""
    spectral = f"{module}.weight_orig" in shapes
    return shapes[f"{module}.weight_orig" if spectral else f"{module}.weight"], spectral


# Generator. A block has conv_0, conv_1 and, if sizes differ, conv_s; each has a SPADE before it:
#     norm_*.param_free_norm   running statistics with batch norm, nothing with instance norm
#     norm_*.mlp_shared.0      labels to hidden channels
#     norm_*.mlp_gamma, mlp_beta   scale and shift


def generator_settings(shapes: Shapes) -> Settings:
    """Read the settings; 5 and 6 doublings (`normal` and `more`) have the same tensors."""
    first = "head_0.norm_0"
    bottom, (_, spectral) = shapes["fc.weight"], weight(shapes, "head_0.conv_0")
    widest = shapes["head_0.conv_0.bias"][0]
    hidden, labels, kernel, _ = shapes[f"{first}.mlp_shared.0.weight"]
    settings: Settings = {
        "labels": labels,
        "outputs": shapes["conv_img.weight"][0],
        "width": widest // 16,
        "doublings": 7 if "up_4.conv_0.bias" in shapes else 5,
        "norm": "batch" if f"{first}.param_free_norm.running_mean" in shapes else "instance",
        "hidden": hidden,
        "kernel": kernel,
        "spectral_norm": spectral,
    }
    if len(bottom) == 2:
        settings |= {"style_dim": bottom[1], "bottom_area": bottom[0] // widest}
    return settings


def generator_rows(settings: Settings) -> Rows:
    """Yield the rows from the smallest maps to the image."""
    yield "bottom", "fc"
    for k, block in enumerate(BLOCKS if settings["doublings"] == 7 else BLOCKS[:-1]):
        for own, official in (("1", "0"), ("2", "1"), ("past", "s")):
            yield f"blocks.{k}.conv_{own}", f"{block}.conv_{official}"
            yield f"blocks.{k}.norm_{own}.norm", f"{block}.norm_{official}.param_free_norm"
            yield f"blocks.{k}.norm_{own}.shared", f"{block}.norm_{official}.mlp_shared.0"
            yield f"blocks.{k}.norm_{own}.scale", f"{block}.norm_{official}.mlp_gamma"
            yield f"blocks.{k}.norm_{own}.shift", f"{block}.norm_{official}.mlp_beta"
    yield "last", "conv_img"


GENERATOR = Family(
    name="SPADE generator (SPADEGenerator)",
    role="translator",
    kind="spade",
    origin=ORIGIN,
    official_defaults={"labels": 36, "outputs": 3},
    settings=generator_settings,
    rows=generator_rows,
    undetermined={"doublings": (5, 6)},
)


# Style encoder: layer1 to layer6, each conv and norm; fc_mu and fc_var.


def encoder_settings(shapes: Shapes) -> Settings:
    """Read the settings from the first layer; there are always six."""
    (width, inputs, _, _), spectral = weight(shapes, "layer1.0")
    norm, bias = encoder_norm(shapes, "layer1")
    return {
        "inputs": inputs,
        "width": width,
        "style_dim": shapes["fc_mu.weight"][0],
        "norm": norm,
        "bias": bias,
        "spectral_norm": spectral,
    }


def encoder_norm(shapes: Shapes, layer: str) -> tuple[str, bool]:
    """Return norm and bias as `norm_and_bias`, but no convolution before a norm has a bias here."""
    norm, bias = norm_and_bias(shapes, f"{layer}.0", f"{layer}.1")
    return ("instance" if norm == "none" else norm), bias


def encoder_rows(_: Settings) -> Rows:
    """Yield the rows from the image to mean and variance."""
    for k in range(6):
        yield f"convs.{k}", f"layer{k + 1}.0"
        yield f"norms.{k}", f"layer{k + 1}.1"
    yield "mean", "fc_mu"
    yield "log_variance", "fc_var"


ENCODER = Family(
    name="style encoder (ConvEncoder)",
    role="encoder",
    kind="style",
    origin=ORIGIN,
    official_defaults={"inputs": 3},
    settings=encoder_settings,
    rows=encoder_rows,
)


# Discriminators, full size first: discriminator_{scale}.model{k}, which is
#     the first and the last   0 conv
#     those between            0 (0 conv  1 norm)  1 leaky relu


def discriminator_settings(shapes: Shapes) -> Settings:
    """Read the settings; one layer less than `n_layers_D` halves the size."""
    scales = positions(shapes, r"discriminator_(\d+)\.model0\.0\.weight")
    layers = positions(shapes, r"discriminator_0\.model(\d+)\..*")
    first = "discriminator_0.model0.0"
    middle = [weight(shapes, f"discriminator_0.model{k}.0.0") for k in layers[1:-1]]
    norm, bias = encoder_norm(shapes, "discriminator_0.model1.0")
    channels = [shapes[f"{first}.weight"][0], *(shape[0] for shape, _ in middle)]
    return {
        "scales": len(scales),
        "inputs": shapes[f"{first}.weight"][1],
        "layers": len(layers) - 2,
        "width": channels[0],
        "widest": max(channels),
        "norm": norm,
        "bias": bias,
        "padding": 2,
        "spectral_norm": middle[0][1],
    }


def discriminator_rows(settings: Settings) -> Rows:
    """Yield the rows from the finest scale to the coarsest."""
    layers = settings["layers"]
    for scale in range(settings["scales"]):
        own, official = f"scales.{scale}", f"discriminator_{scale}.model"
        yield f"{own}.hidden.0.conv", f"{official}0.0"
        for k in range(1, layers + 1):
            yield from normed(f"{own}.hidden.{k}", f"{official}{k}.0", 0)
        yield f"{own}.score", f"{official}{layers + 1}.0"


DISCRIMINATOR = Family(
    name="multi-scale discriminator (MultiscaleDiscriminator of SPADE)",
    role="discriminator",
    kind="multi-scale",
    origin=ORIGIN,
    official_defaults={"inputs": 39, "bias": False, "spectral_norm": True},
    settings=discriminator_settings,
    rows=discriminator_rows,
)
