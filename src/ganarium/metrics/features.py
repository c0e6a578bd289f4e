"""Features of images: activations of a pretrained network that is given as a file."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, cast

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganarium.metrics.feature_networks import RECOGNIZED, Convention, Size, recognized
from ganarium.metrics.onnx_features import OnnxEmbedding

TENSOR_FILES = (".safetensors", ".pth", ".pt", ".th", ".bin")
FEATURE_FILES = (*TENSOR_FILES, ".onnx")


class Embedding(Protocol):
    """Module of a feature network; `forward` returns logits, and these methods return features."""

    def penultimate(self, images: Tensor) -> Tensor:
        """Return activations `[N, D]` of images `[N, C, H, W]` in the format of the network's training."""

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations and logits from one pass; called only for networks with classes."""


class FeaturesAndLogits(NamedTuple):
    """Outputs of a network for images, float32 on the CPU."""

    features: Tensor
    """Features `[N, D]`."""
    logits: Tensor | None
    """Logits `[N, classes]`; None if the network has no classes."""


class FeatureNetwork(nn.Module):
    """Frozen network that converts images in [-1, 1] of any size, grey or RGB, to features.

    It resizes the images (antialiased), adapts their channels and normalises them, as `describe` states. It
    always stays in eval mode.

    Args:
        network: module that takes images in the format of `convention`.
        name: name of the architecture.
        layer: description of the layer whose activations are the features.
        convention: format of the images that the network takes.
        dimension: number of features D; None if only a forward pass shows it.
        classes: number of classes; 0 if the network gives features alone.
        sha256: checksum of the file, in hexadecimal digits.
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
        """Height and width that images are resized to, in pixels; None if they are not resized."""
        return self.convention.size

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode; `mode` is ignored."""
        return super().train(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return features `[N, D]` of float images `[N, C, H, W]` in [-1, 1].

        Raises:
            ValueError: other shape, dtype or range, or channels that cannot be converted.
        """
        return cast(Embedding, self.network).penultimate(self.convention.apply(checked_images(images)))

    def classify(self, images: Tensor) -> Tensor:
        """Return logits `[N, classes]` of float images `[N, C, H, W]` in [-1, 1].

        Raises:
            ValueError: as `forward`; also if the file gives features alone.
        """
        if not self.classes:
            raise ValueError(f"the file of {self.name} gives features, not classes")
        return self.network(self.convention.apply(checked_images(images)))

    def read(self, images: Tensor) -> FeaturesAndLogits:
        """Return features of float images `[N, C, H, W]` in [-1, 1], and logits if there are classes.

        Raises:
            ValueError: as `forward`.
        """
        images = self.convention.apply(checked_images(images))
        network = cast(Embedding, self.network)
        if not self.classes:
            return FeaturesAndLogits(network.penultimate(images).float().cpu(), None)
        features, logits = network.both(images)
        return FeaturesAndLogits(features.float().cpu(), logits.float().cpu())

    def describe(self) -> dict[str, Any]:
        """Return plain values that must be equal for two results to be comparable."""
        convention = self.convention
        return {
            "name": self.name,
            "sha256": self.sha256[:12],
            "layer": self.layer,
            "dimension": self.dimension,
            "resizing": convention.resizing,
            "channels": convention.channels,
            "normalisation": f"(0..1 - {_listed(convention.mean)}) / {_listed(convention.deviation)}",
        }


def load_features(path: str | Path) -> FeatureNetwork:
    """Load the feature network of a file; names and shapes of the tensors identify it.

    Files are read as tensors alone: a pickle that contains anything else is refused unread.

    Args:
        path: file, or folder with exactly one such file; `RECOGNIZED` lists the valid ones.

    Raises:
        FileNotFoundError: the path does not exist.
        ValueError: the file is not recognised, is damaged, or is a pickle with code.
    """
    path = _feature_file(Path(path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    if path.suffix == ".onnx":
        return _onnx_features(path, sha256)
    state = state_dict(path)
    try:
        architecture = recognized(state)
    except (RuntimeError, KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"{path} resembles a known network, but its tensors do not fit: {error}\nrecognised: {RECOGNIZED}"
        ) from error
    if architecture is not None:
        return FeatureNetwork(**architecture._asdict(), sha256=sha256)
    found = ", ".join(f"{name} {list(x.shape)}" for name, x in list(state.items())[:4]) or "no tensors"
    raise ValueError(f"{path} contains no recognised network; found: {found} ...\nrecognised: {RECOGNIZED}")


def features_of(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> Tensor:
    """Return the features of `features_and_logits`: float32 `[N, D]` on the CPU."""
    return features_and_logits(network, images, batch_size=batch_size).features


@torch.no_grad()
def features_and_logits(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> FeaturesAndLogits:
    """Compute features of images in [-1, 1], and logits if the network has classes.

    Args:
        network: feature network; images are moved to its device.
        images: `[N, C, H, W]`, or batches of this shape, whose sizes may differ.
        batch_size: number of images in one pass of the network.

    Raises:
        ValueError: no images, or as `FeatureNetwork.forward`.
    """
    device = next((x.device for x in network.parameters()), torch.device("cpu"))
    batches = [images] if isinstance(images, Tensor) else images
    pieces = (piece for batch in batches for piece in batch.split(batch_size) if len(piece))
    parts = [network.read(piece.to(device)) for piece in pieces]
    if not parts:
        raise ValueError("no images to compute features of")
    logits = [part.logits for part in parts if part.logits is not None]
    return FeaturesAndLogits(
        torch.cat([part.features for part in parts]), torch.cat(logits) if logits else None
    )


def checked_images(images: Tensor) -> Tensor:
    """Return images in float32.

    Raises:
        ValueError: shape other than `[N, C, H, W]`, no floats, or values outside [-1, 1].
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"images must be float [N, C, H, W]; given: {images.dtype} {list(images.shape)}")
    if len(images) and not images.abs().amax() <= 1.01:
        low, high = images.aminmax()
        raise ValueError(f"images must be in [-1, 1]; given: {low.item():.4g} to {high.item():.4g}")
    return images.float()


def checked_features(a: Tensor, b: Tensor, *, least: int = 2) -> tuple[Tensor, Tensor]:
    """Return two comparable sets of features in float64 on the CPU.

    Raises:
        ValueError: shapes other than `[N, D]` and `[M, D]`, N or M below `least`, or features that are not
            finite.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < least:
        raise ValueError(
            f"features must have the shapes [N, D] and [M, D] with at least {least} sample(s) each; "
            f"given: {list(a.shape)} and {list(b.shape)}"
        )
    for x in (a, b):
        if broken := int((~x.isfinite()).any(1).sum()):
            raise ValueError(
                f"the features of {broken} of {len(x)} samples are not finite: check the samples"
            )
    return a.detach().double().cpu(), b.detach().double().cpu()


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


def _feature_file(path: Path) -> Path:
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; a feature network is one of: {RECOGNIZED}")
    files = sorted(x for x in path.iterdir() if x.suffix in FEATURE_FILES) if path.is_dir() else [path]
    if len(files) != 1:
        found = ", ".join(x.name for x in files) or "none"
        raise ValueError(
            f"{path} must contain one file that ends in {', '.join(FEATURE_FILES)}; found: {found}"
        )
    if files[0].suffix not in FEATURE_FILES:
        raise ValueError(f"{path} ends in none of {', '.join(FEATURE_FILES)}; recognised: {RECOGNIZED}")
    return files[0]


def state_dict(path: Path) -> dict[str, Tensor]:
    """Load the parameters in a file by name, without a trainer's wrapper and the prefix of data parallelism.

    Raises:
        ValueError: the file is damaged, or a pickle that contains more than tensors.
    """
    try:
        content = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    except Exception as error:
        raise ValueError(
            f"{path} is damaged, or is a pickle that contains more than tensors, which could run "
            "code. Save the state dict alone, best as .safetensors"
        ) from error
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    if not isinstance(content, Mapping):
        return {}
    return {str(name).removeprefix("module."): x for name, x in content.items() if isinstance(x, Tensor)}


def _listed(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else str(list(values))
