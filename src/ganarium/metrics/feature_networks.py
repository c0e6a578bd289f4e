"""Feature networks that names and shapes of tensors identify."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ganarium.networks.alexnet_vgg import CONVOLUTIONS, VGG, AlexNet
from ganarium.networks.classifiers import CifarResNet, LeNet, SqueezeNet
from ganarium.networks.inception import InceptionV3

RECOGNIZED = (
    "LeNet-5 (keys convnet.c1 ... fc.f7; 84 features), "
    "ResNet-20, 32, 44, 56 or 110 for CIFAR with parameterless shortcuts (conv1 ... linear; 64 features), "
    "with torchvision's keys SqueezeNet 1.0 and 1.1 (512 features), AlexNet, VGG-11, 13, 16 and 19 (4096; "
    "of the convolutions features.* alone 256 and 512) and Inception-v3 (2048; the FID's has 1008 classes), "
    "each as .safetensors, .pth, .pt, .th or .bin state dict; "
    "any network as .onnx that takes one image batch [N, C, H, W] in 0..1"
)
"""Networks and files that `load_features` recognises, for error messages and help."""

FID_CLASSES = 1008
"""Number of classes of the TensorFlow network that defines the FID; no other Inception-v3 has it."""

Size = tuple[int, int]


@dataclass(frozen=True)
class Convention:
    """Format of the images that a network takes."""

    size: Size | None
    """Height and width in pixels; None for any size."""
    channels: int | None
    """Number of channels, 1 (grey) or 3 (RGB); None for any number."""
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    mean: tuple[float, ...] = (0.0,)
    """Mean that is subtracted from values in 0..1, one per channel or one for all."""
    deviation: tuple[float, ...] = (1.0,)
    """Divisor of the difference, one per channel or one for all."""

    def apply(self, images: Tensor) -> Tensor:
        """Convert images `[N, C, H, W]` in [-1, 1] to the format of the network."""
        images = self._resized(self._recolored((images + 1) / 2))
        mean, deviation = (images.new_tensor(x).view(-1, 1, 1) for x in (self.mean, self.deviation))
        return (images - mean) / deviation

    @property
    def resizing(self) -> str:
        """Description of the resizing."""
        if self.size is None:
            return "none"
        return f"{self.interpolation}, antialiased, to {self.size[0]}x{self.size[1]}"

    def _recolored(self, images: Tensor) -> Tensor:
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
            f"the feature network takes {self.channels} channel(s), the images have {given}; only grey (1) "
            "and RGB (3) are converted into each other. Set data.channels, or give another file as --features"
        )

    def _resized(self, images: Tensor) -> Tensor:
        if self.size in (None, tuple(images.shape[-2:])):
            return images
        # Bicubic interpolation may leave 0..1, the range of image files.
        return F.interpolate(images, self.size, mode=self.interpolation, antialias=True).clamp(0, 1)


class Architecture(NamedTuple):
    """Network with the tensors of a file, and properties of its features."""

    network: nn.Module
    name: str
    layer: str
    """Description of the layer whose activations are the features."""
    convention: Convention
    dimension: int
    classes: int
    """Number of classes; 0 if the file gives features alone."""


def recognized(state: Mapping[str, Tensor]) -> Architecture | None:
    """Return the network that has these tensors; None if they resemble no known network.

    Raises:
        KeyError, RuntimeError, ValueError: they resemble a known network, but not all tensors fit.
    """
    return next((build(state) for signature, build in _BUILDERS.items() if signature in state), None)


_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
_IMAGENET = Convention((224, 224), 3, mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION)
_AVERAGED = "averaged over the picture"


def _lenet(state: Mapping[str, Tensor]) -> Architecture:
    channels, classes = state["convnet.c1.weight"].shape[1], len(state["fc.f7.weight"])
    return Architecture(
        _filled(lambda: LeNet(channels=channels, classes=classes), state),
        name="LeNet-5",
        layer="fully connected 6, rectified",
        convention=Convention((32, 32), channels, mean=(0.1307,), deviation=(0.3081,)),
        dimension=84,
        classes=classes,
    )


def _cifar_resnet(state: Mapping[str, Tensor]) -> Architecture:
    blocks = sum(name.startswith("layer1.") and name.endswith(".conv1.weight") for name in state)
    depth, classes = 6 * blocks + 2, len(state["linear.weight"])
    return Architecture(
        _filled(lambda: CifarResNet(depth=depth, classes=classes), state),
        name=f"ResNet-{depth} (CIFAR)",
        layer=f"last residual stage, {_AVERAGED}",
        convention=Convention((32, 32), 3, mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION),
        dimension=64,
        classes=classes,
    )


def _squeezenet(state: Mapping[str, Tensor]) -> Architecture:
    classes = _classes(state, "classifier.1.weight")
    version: Literal["1.0", "1.1"] = "1.0" if state["features.0.weight"].shape[-1] == 7 else "1.1"
    return Architecture(
        _filled(lambda: SqueezeNet(version=version, classes=classes), state),
        name=f"SqueezeNet {version}",
        layer=f"last Fire module, {_AVERAGED}",
        convention=Convention(
            (227, 227), 3, interpolation="bicubic", mean=_IMAGENET_MEAN, deviation=_IMAGENET_DEVIATION
        ),
        dimension=512,
        classes=classes or 0,
    )


def _alexnet_or_vgg(state: Mapping[str, Tensor]) -> Architecture:
    classes = _classes(state, "classifier.6.weight")
    if state["features.0.weight"].shape[-1] == 11:
        name, network = "AlexNet", _filled(lambda: AlexNet(classes=classes), state)
    else:
        depth = _vgg_depth(state)
        name, network = f"VGG-{depth}", _filled(lambda: VGG(depth=depth, classes=classes), state)
    channels = 256 if name == "AlexNet" else 512
    return Architecture(
        network,
        name=name,
        layer="fully connected 7, rectified" if classes else f"convolutions, pooled, {_AVERAGED}",
        convention=_IMAGENET,
        dimension=4096 if classes else channels,
        classes=classes or 0,
    )


def _vgg_depth(state: Mapping[str, Tensor]) -> int:
    convolutions = sum(name.startswith("features.") and name.endswith(".weight") for name in state)
    for depth, blocks in CONVOLUTIONS.items():
        if sum(blocks) == convolutions:
            return depth
    raise ValueError(
        f"{convolutions} layers with weights under features.*; no VGG without normalisation has this number"
    )


def _inception(state: Mapping[str, Tensor]) -> Architecture:
    classes, auxiliary = len(state["fc.weight"]), "AuxLogits.fc.weight" in state
    of_the_fid = classes == FID_CLASSES
    return Architecture(
        _filled(
            lambda: InceptionV3(classes=classes, auxiliary=auxiliary, tensorflow=of_the_fid),
            state,
        ),
        name="Inception-v3 (FID)" if of_the_fid else "Inception-v3",
        layer=f"last maps, {_AVERAGED}",
        # Trained on -1..1; torchvision's network, too, converts ImageNet's normalisation to it.
        convention=Convention((299, 299), 3, mean=(0.5,), deviation=(0.5,)),
        dimension=2048,
        classes=classes,
    )


_BUILDERS: dict[str, Callable[[Mapping[str, Tensor]], Architecture]] = {
    "convnet.c1.weight": _lenet,
    "layer1.0.conv1.weight": _cifar_resnet,
    "features.3.squeeze.weight": _squeezenet,
    "features.0.weight": _alexnet_or_vgg,
    "Mixed_7c.branch_pool.conv.weight": _inception,
}
"""Functions that build a network, by the name of a tensor that no network below it has."""


def _classes(state: Mapping[str, Tensor], last: str) -> int | None:
    """Return the number of classes of the layer `last`; None if the file has no classifier."""
    has_classifier = any(name.startswith("classifier.") for name in state)
    return len(state[last]) if has_classifier else None


def _filled(build: Callable[[], nn.Module], state: Mapping[str, Tensor]) -> nn.Module:
    """Build a network around the tensors of a file, without memory and time for initial weights."""
    with torch.device("meta"):
        network = build()
    network.load_state_dict(state, assign=True)
    return network.float()
