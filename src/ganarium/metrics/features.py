"""Features to judge pictures by: activations of a pretrained network that is given as a file."""

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
    """What a feature network is made of: a module whose forward gives logits, and which has these."""

    def penultimate(self, images: Tensor) -> Tensor:
        """Pictures `[N, C, H, W]`, as the network was trained on them, to activations `[N, D]`."""

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The activations and the logits in one pass; only asked of networks that name classes."""


class FeaturesAndLogits(NamedTuple):
    """What a network says of pictures, float32 on the CPU."""

    features: Tensor
    """`[N, D]`."""
    logits: Tensor | None
    """`[N, classes]`; None where the network names no classes."""


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
        return cast(Embedding, self.network).penultimate(self.convention.apply(checked_images(images)))

    def classify(self, images: Tensor) -> Tensor:
        """Float pictures `[N, C, H, W]` in [-1, 1] to logits `[N, classes]`.

        Raises:
            ValueError: as `forward`; also where the file gives features alone.
        """
        if not self.classes:
            raise ValueError(f"the file of {self.name} gives features, not classes")
        return self.network(self.convention.apply(checked_images(images)))

    def read(self, images: Tensor) -> FeaturesAndLogits:
        """Float pictures `[N, C, H, W]` in [-1, 1] to features, and logits where there are classes.

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
        path: a file, or a folder that holds exactly one; `RECOGNIZED` says which.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: the file is none of the recognised ones, damaged, or a pickle with code.
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
    raise ValueError(
        f"{path} holds no network that is recognised; found: {found} ...\nrecognised: {RECOGNIZED}"
    )


def features_of(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> Tensor:
    """The features of `features_and_logits`: float32 `[N, D]` on the CPU."""
    return features_and_logits(network, images, batch_size=batch_size).features


@torch.no_grad()
def features_and_logits(
    network: FeatureNetwork, images: Iterable[Tensor] | Tensor, *, batch_size: int = 256
) -> FeaturesAndLogits:
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
    return FeaturesAndLogits(
        torch.cat([part.features for part in parts]), torch.cat(logits) if logits else None
    )


def checked_images(images: Tensor) -> Tensor:
    """Pictures in float32.

    Raises:
        ValueError: a shape other than `[N, C, H, W]`, no floats, or values outside [-1, 1].
    """
    if images.ndim != 4 or not images.is_floating_point():
        raise ValueError(f"pictures are float [N, C, H, W]; given: {images.dtype} {list(images.shape)}")
    if len(images) and not images.abs().amax() <= 1.01:
        low, high = images.aminmax()
        raise ValueError(f"pictures are in [-1, 1]; given: {low.item():.4g} to {high.item():.4g}")
    return images.float()


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
        raise ValueError(f"{path} must hold one file that ends in {', '.join(FEATURE_FILES)}; found: {found}")
    if files[0].suffix not in FEATURE_FILES:
        raise ValueError(f"{path} ends in none of {', '.join(FEATURE_FILES)}; recognised: {RECOGNIZED}")
    return files[0]


def state_dict(path: Path) -> dict[str, Tensor]:
    """Parameters in a file by name, out of a trainer's wrapper and without the prefix of data parallelism.

    Raises:
        ValueError: the file is damaged, or a pickle that holds more than tensors.
    """
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


def _listed(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else str(list(values))
