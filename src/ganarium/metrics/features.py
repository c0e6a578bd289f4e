"""Features to judge pictures by: activations of a pretrained network that is given as a file."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, Self, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics.onnx_features import OnnxEmbedding
from ganarium.networks.classifiers import CifarResNet, LeNet, SqueezeNet

RECOGNISED = (
    "LeNet-5 (keys convnet.c1 ... fc.f7; 84 features), "
    "ResNet-20, 32, 44, 56 or 110 for CIFAR with parameterless shortcuts (conv1 ... linear; 64 features), "
    "SqueezeNet 1.0 (torchvision's keys; 512 features), "
    "each as .safetensors, .pth, .pt, .th or .bin state dict; "
    "any network as .onnx that takes one picture batch [N, C, H, W] in 0..1"
)
"""The networks and files that `load_features` knows, for error messages and help."""

TENSOR_FILES = (".safetensors", ".pth", ".pt", ".th", ".bin")
FEATURE_FILES = (*TENSOR_FILES, ".onnx")

Size = tuple[int, int]


class Embedding(Protocol):
    """What a feature network is made of: a module whose forward gives logits, and which has these."""

    def penultimate(self, images: Tensor) -> Tensor:
        """Pictures `[N, C, H, W]`, as the network was trained on them, to activations `[N, D]`."""

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The activations and the logits in one pass; only asked of networks that name classes."""


class Reading(NamedTuple):
    """What a network says of pictures, float32 on the CPU."""

    features: Tensor
    """`[N, D]`."""
    logits: Tensor | None
    """`[N, classes]`; None where the network names no classes."""


@dataclass(frozen=True)
class Convention:
    """How a network wants its pictures."""

    size: Size | None
    """Height and width in pixels; None takes pictures as they are."""
    channels: int | None
    """1 grey, 3 RGB; None takes pictures as they are."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    """Subtracted from values in 0..1, one a channel or one for all."""
    deviation: tuple[float, ...] = (1.0,)
    """What the difference is divided by."""

    def apply(self, images: Tensor) -> Tensor:
        """Pictures `[N, C, H, W]` in [-1, 1] in the form of the network."""
        images = self._resized(self._recoloured((images + 1) / 2))
        mean, deviation = (images.new_tensor(x).view(-1, 1, 1) for x in (self.mean, self.deviation))
        return (images - mean) / deviation

    @property
    def resizing(self) -> str:
        """The resizing in words."""
        if self.size is None:
            return "none"
        return f"{self.interpolation}, antialiased, to {self.size[0]}x{self.size[1]}"

    def _recoloured(self, images: Tensor) -> Tensor:
        given = images.shape[1]
        if self.channels in (None, given):
            return images
        match given, self.channels:
            case 1, 3:
                return images.expand(-1, 3, -1, -1)
            case 3, 1:
                luma = images.new_tensor([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's "L"
                return (images * luma.view(3, 1, 1)).sum(1, keepdim=True)
        raise ValueError(
            f"the feature network takes {self.channels} channel(s), the pictures have {given}; only grey (1) "
            "and RGB (3) are turned into each other. Set data.channels, or give another file as --features"
        )

    def _resized(self, images: Tensor) -> Tensor:
        if self.size in (None, tuple(images.shape[-2:])):
            return images
        # Bicubic overshoots; a picture file could not.
        return F.interpolate(images, self.size, mode=self.interpolation, antialias=True).clamp(0, 1)


class FeatureNetwork(nn.Module):
    """A frozen network that turns pictures in [-1, 1] of any size, grey or RGB, into features.

    It resizes (antialiased), adapts the channels and normalises by itself, as `describe` says, and stays in
    eval mode whatever happens around it.

    Args:
        network: takes pictures in the form that `convention` says.
        name: of the architecture.
        layer: which activations the features are, in words.
        convention: how the network wants its pictures.
        dimension: D, None where only a forward pass tells.
        classes: that the network names; 0 where it gives features alone.
        sha256: of the file, in hexadecimal digits.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        name: str,
        layer: str,
        convention: Convention,
        dimension: int | None,
        classes: int = 0,
        sha256: str = "",
    ) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        self.name = name
        self.layer = layer
        self.convention = convention
        self.dimension = dimension
        self.classes = classes
        self.sha256 = sha256
        self.train(False)

    @property
    def size(self) -> Size | None:
        """Height and width, in pixels, that pictures are resized to; None where they are not."""
        return self.convention.size

    def train(self, mode: bool = True) -> Self:
        """Frozen networks never train: `mode` is ignored."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Float pictures `[N, C, H, W]` in [-1, 1] to features `[N, D]`.

        Raises:
            ValueError: another shape, type or range, or channels that cannot be adapted.
        """
        return cast(Embedding, self.network).penultimate(self.convention.apply(_checked_pictures(images)))

    def classify(self, images: Tensor) -> Tensor:
        """Float pictures `[N, C, H, W]` in [-1, 1] to logits `[N, classes]`.

        Raises:
            ValueError: as `forward`; also where the file gives features alone.
        """
        return self.network(self.convention.apply(_checked_pictures(images)))

    def read(self, images: Tensor) -> Reading:
        """Float pictures `[N, C, H, W]` in [-1, 1] to features, and logits where there are classes.

        Raises:
            ValueError: as `forward`.
        """
        images = self.convention.apply(_checked_pictures(images))
        network = cast(Embedding, self.network)
        if not self.classes:
            return Reading(network.penultimate(images).float().cpu(), None)
        features, logits = network.both(images)
        return Reading(features.float().cpu(), logits.float().cpu())

    def describe(self) -> dict[str, Any]:
        """All that two results must share to be comparable, as plain values."""
        form = self.convention
        return {
            "name": self.name,
            "sha256": self.sha256[:12],
            "layer": self.layer,
            "dimension": self.dimension,
            "resizing": form.resizing,
            "channels": form.channels,
            "normalisation": f"(0..1 - {_listed(form.mean)}) / {_listed(form.deviation)}",
        }


def load_features(path: str | Path) -> FeatureNetwork:
    """The feature network in a file, recognised by the names and shapes of its tensors.

    Files are read as tensors alone: a pickle that holds anything else is refused unread.

    Args:
        path: a file, or a folder that holds exactly one; `RECOGNISED` says which.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is none of the recognised ones, damaged, or a pickle with code.
    """
    path = _feature_file(Path(path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".onnx":
        return _onnx_features(path, sha256)
    state = _state_dict(path)
    for signature, build in _BUILDERS.items():
        if signature in state:
            try:
                return build(state, sha256)
            except (RuntimeError, KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{path} resembles a known network, but its tensors do not fit: {error}\n"
                    f"recognised: {RECOGNISED}"
                ) from error
    found = ", ".join(f"{name} {list(x.shape)}" for name, x in list(state.items())[:4]) or "no tensors"
    raise ValueError(
        f"{path} holds no network that is recognised; found: {found} ...\nrecognised: {RECOGNISED}"
    )


def features_of(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> Tensor:
    """The features of `readings_of`: float32 `[N, D]` on the CPU."""
    return readings_of(network, images, batch_size=batch_size).features


@torch.no_grad()
def readings_of(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> Reading:
    """What a network says of pictures in [-1, 1]: features, and logits where it names classes.

    Args:
        network: moved nowhere; pictures are brought to its device.
        images: `[N, C, H, W]`, or batches of such, each of a size of its own.
        batch_size: pictures that go through the network at once.

    Raises:
        ValueError: no pictures, or as `FeatureNetwork.forward`.
    """
    device = next((x.device for x in network.parameters()), torch.device("cpu"))
    batches = [images] if isinstance(images, Tensor) else images
    pieces = (piece for batch in batches for piece in batch.split(batch_size) if len(piece))
    parts = [network.read(piece.to(device)) for piece in pieces]
    if not parts:
        raise ValueError("no pictures to take features of")
    logits = [part.logits for part in parts if part.logits is not None]
    return Reading(torch.cat([part.features for part in parts]), torch.cat(logits) if logits else None)


def checked_features(a: Tensor, b: Tensor, *, least: int = 2) -> tuple[Tensor, Tensor]:
    """Two sets of features in float64 on the CPU, known to be comparable.

    Raises:
        ValueError: shapes other than `[N, D]` and `[M, D]`, N or M below `least`, or features that are not
            finite.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < least:
        raise ValueError(
            f"features have the shapes [N, D] and [M, D] with at least {least} sample(s) each; "
            f"given: {list(a.shape)} and {list(b.shape)}"
        )
    for x in (a, b):
        if broken := int((~x.isfinite()).any(1).sum()):
            raise ValueError(
                f"the features of {broken} of {len(x)} samples are not finite: look at the samples"
            )
    return a.detach().double().cpu(), b.detach().double().cpu()


_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


def _lenet_features(state: Mapping[str, Tensor], sha256: str) -> FeatureNetwork:
    channels = state["convnet.c1.weight"].shape[1]
    network = LeNet(channels=channels, classes=len(state["fc.f7.weight"]))
    network.load_state_dict(state)
    return FeatureNetwork(
        network,
        name="LeNet-5",
        layer="fully connected 6, rectified",
        convention=Convention((32, 32), channels, mean=(0.1307,), deviation=(0.3081,)),
        dimension=84,
        classes=len(state["fc.f7.weight"]),
        sha256=sha256,
    )


def _cifar_resnet_features(state: Mapping[str, Tensor], sha256: str) -> FeatureNetwork:
    blocks = sum(name.startswith("layer1.") and name.endswith(".conv1.weight") for name in state)
    depth = 6 * blocks + 2
    network = CifarResNet(depth=depth, classes=len(state["linear.weight"]))
    network.load_state_dict(state)
    return FeatureNetwork(
        network,
        name=f"ResNet-{depth} (CIFAR)",
        layer="last residual stage, averaged over the picture",
        convention=Convention((32, 32), 3, mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION),
        dimension=64,
        classes=len(state["linear.weight"]),
        sha256=sha256,
    )


def _squeezenet_features(state: Mapping[str, Tensor], sha256: str) -> FeatureNetwork:
    network = SqueezeNet(classes=len(state["classifier.1.weight"]))
    network.load_state_dict(state)
    return FeatureNetwork(
        network,
        name="SqueezeNet 1.0",
        layer="last Fire module, averaged over the picture",
        convention=Convention(
            (227, 227), 3, interpolation="bicubic", mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION
        ),
        dimension=512,
        classes=len(state["classifier.1.weight"]),
        sha256=sha256,
    )


def _onnx_features(path: Path, sha256: str) -> FeatureNetwork:
    network = OnnxEmbedding(path)
    return FeatureNetwork(
        network,
        name=path.stem,
        layer="first output, flattened",
        convention=Convention(network.size, network.channels),
        dimension=network.dimension,
        sha256=sha256,
    )


_BUILDERS: dict[str, Callable[[Mapping[str, Tensor], str], FeatureNetwork]] = {
    "convnet.c1.weight": _lenet_features,
    "layer1.0.conv1.weight": _cifar_resnet_features,
    "features.3.squeeze.weight": _squeezenet_features,
}
"""By the name of a tensor that only this network has."""


def _feature_file(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; a feature network is one of: {RECOGNISED}")
    files = sorted(x for x in path.iterdir() if x.suffix in FEATURE_FILES) if path.is_dir() else [path]
    if len(files) != 1:
        found = ", ".join(x.name for x in files) or "none"
        raise ValueError(f"{path} must hold one file that ends in {', '.join(FEATURE_FILES)}; found: {found}")
    if files[0].suffix not in FEATURE_FILES:
        raise ValueError(f"{path} ends in none of {', '.join(FEATURE_FILES)}; recognised: {RECOGNISED}")
    return files[0]


def _state_dict(path: Path) -> dict[str, Tensor]:
    """Parameters by name, out of a trainer's wrapper and without the prefix of data parallelism."""
    try:
        content = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    except Exception as error:
        raise ValueError(
            f"{path} was refused: it is damaged, or a pickle that holds more than tensors, which could run "
            "code. Save the state dict alone, best as .safetensors"
        ) from error
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    if not isinstance(content, Mapping):
        return {}
    return {str(name).removeprefix("module."): x for name, x in content.items() if isinstance(x, Tensor)}


def _checked_pictures(images: Tensor) -> Tensor:
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"pictures are float [N, C, H, W]; given: {images.dtype} {list(images.shape)}")
    if len(images) and not images.abs().amax() <= 1.01:
        low, high = images.aminmax()
        raise ValueError(f"pictures are in [-1, 1]; given: {low.item():.4g} to {high.item():.4g}")
    return images.float()


def _listed(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else str(list(values))
