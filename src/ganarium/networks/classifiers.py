"""Small classifiers whose last hidden activations serve as features of metrics.

Parameters have the names of the public checkpoints. Each network returns logits; `penultimate` returns the
activations before the last layer, and `both` returns activations and logits from one pass.
"""

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class LeNet(nn.Module):
    """LeNet-5 with rectifiers and max pooling (LeCun et al. 1998, section II.B), for images of 32x32."""

    def __init__(self, *, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.convnet = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(channels, 6, 5),
                relu1=nn.ReLU(),
                s2=nn.MaxPool2d(2),
                c3=nn.Conv2d(6, 16, 5),
                relu3=nn.ReLU(),
                s4=nn.MaxPool2d(2),
                c5=nn.Conv2d(16, 120, 5),
                relu5=nn.ReLU(),
            )
        )
        self.fc = nn.ModuleDict({"f6": nn.Linear(120, 84), "f7": nn.Linear(84, classes)})

    def penultimate(self, images: Tensor) -> Tensor:
        """Return activations `[N, 84]`, not negative, of images `[N, C, 32, 32]`."""
        return F.relu(self.fc["f6"](self.convnet(images).flatten(1)))

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations `[N, 84]` and logits `[N, classes]` of images `[N, C, 32, 32]`."""
        activations = self.penultimate(images)
        return activations, self.fc["f7"](activations)

    def forward(self, images: Tensor) -> Tensor:
        """`[N, C, 32, 32]` to logits `[N, classes]`."""
        return self.both(images)[1]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters (He et al. 2016, section 4.2, option A)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.missing = outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H / stride, W / stride]`."""
        # Zeros replace the channels that the input lacks, half of them before its own and half after.
        before, after = self.missing // 2, self.missing - self.missing // 2
        shortcut = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, after))
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + shortcut)


class CifarResNet(nn.Module):
    """Residual network of 6n + 2 layers for CIFAR (He et al. 2016, section 4.2)."""

    def __init__(self, *, depth: int = 20, classes: int = 10) -> None:
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"depth={depth}; it must be 6n + 2, such as 20, 32, 44, 56 or 110")
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, stride=1)
        self.layer2 = self._stage(16, 32, blocks, stride=2)
        self.layer3 = self._stage(32, 64, blocks, stride=2)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def _stage(inputs: int, outputs: int, blocks: int, *, stride: int) -> nn.Sequential:
        first = BasicBlock(inputs, outputs, stride=stride)
        return nn.Sequential(first, *(BasicBlock(outputs, outputs, stride=1) for _ in range(blocks - 1)))

    def penultimate(self, images: Tensor) -> Tensor:
        """Return the last feature maps, averaged over the image: `[N, 3, H, W]` to `[N, 64]`."""
        stem = F.relu(self.bn1(self.conv1(images)))
        return self.layer3(self.layer2(self.layer1(stem))).mean((2, 3))

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations `[N, 64]` and logits `[N, classes]` of images `[N, 3, H, W]`."""
        activations = self.penultimate(images)
        return activations, self.linear(activations)

    def forward(self, images: Tensor) -> Tensor:
        """`[N, 3, H, W]` to logits `[N, classes]`."""
        return self.both(images)[1]


class Fire(nn.Module):
    """Squeezing 1x1 convolution, then expanding 1x1 and 3x3 ones (Iandola et al. 2016, section 3.2)."""

    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, 2 * expanded, H, W]`."""
        squeezed = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], 1))


class SqueezeNet(nn.Module):
    """SqueezeNet (Iandola et al. 2016, table 1), for images of about 227x227.

    Args:
        version: "1.0" of the paper, or "1.1" of its repository: smaller first kernels, earlier pooling.
        classes: number of classes; None omits the classifier.
    """

    def __init__(self, *, version: Literal["1.0", "1.1"] = "1.0", classes: int | None = 1000) -> None:
        super().__init__()
        width, side, pooled = (96, 7, (3, 7)) if version == "1.0" else (64, 3, (2, 4))
        layers: list[nn.Module] = [nn.Conv2d(3, width, side, stride=2), nn.ReLU(), _max_pool()]
        for number, (squeezed, expanded) in enumerate(FIRES):
            if number in pooled:
                layers.append(_max_pool())
            layers.append(Fire(width, squeezed, expanded))
            width = 2 * expanded
        self.features = nn.Sequential(*layers)
        self.classifier = (
            None if classes is None else nn.Sequential(nn.Dropout(), nn.Conv2d(width, classes, 1), nn.ReLU())
        )

    def penultimate(self, images: Tensor) -> Tensor:
        """Return the last Fire module's maps, averaged over the image: `[N, 3, H, W]` to `[N, 512]`."""
        return self.features(images).mean((2, 3))

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations `[N, 512]` and logits `[N, classes]`, not negative, of images `[N, 3, H, W]`."""
        if self.classifier is None:
            raise ValueError("this network was built with classes=None and has no logits; set classes")
        maps = self.features(images)
        return maps.mean((2, 3)), self.classifier(maps).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """`[N, 3, H, W]` to logits `[N, classes]`, not negative."""
        return self.both(images)[1]


FIRES = ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
"""Squeezed channels of each Fire module, and expanded channels of each kernel: SqueezeNet's table 1."""


def _max_pool() -> nn.Module:
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
