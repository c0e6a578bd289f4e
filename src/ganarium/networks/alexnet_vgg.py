"""AlexNet and VGG: a sequence of convolutions, then three fully connected layers.

Parameters have the names of torchvision's checkpoints. Each network returns logits; `penultimate` returns the
activations before the last layer, and `both` returns activations and logits from one pass.
"""

import torch
from torch import Tensor, nn

CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Number of convolutions in each block, by the depth of the VGG.

Simonyan & Zisserman 2015, table 1, columns A, B, D, E.
"""
WIDTHS = (64, 128, 256, 512, 512)
"""Number of channels of each block."""


class StackedClassifier(nn.Module):
    """Convolutions, pooling to a fixed size, fully connected layers.

    Args:
        features: convolutions, for images `[N, 3, H, W]`.
        size: height and width of the pooled maps.
        classifier: fully connected layers, in order. If None, the activations are the averages over the image
            of the last convolution's maps.
    """

    def __init__(self, features: nn.Sequential, *, size: int, classifier: nn.Sequential | None) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(size)
        self.classifier = classifier

    def penultimate(self, images: Tensor) -> Tensor:
        """Return activations `[N, 4096]` of images `[N, 3, H, W]`; without a classifier `[N, channels]`."""
        maps = self.features(images)
        if self.classifier is None:
            return maps.mean((2, 3))
        return self.classifier[:-1](torch.flatten(self.avgpool(maps), 1))

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations `[N, 4096]` and logits `[N, classes]` of images `[N, 3, H, W]`."""
        if self.classifier is None:
            raise ValueError("this network was built with classes=None and has no logits; set classes")
        activations = self.penultimate(images)
        return activations, self.classifier[-1](activations)

    def forward(self, images: Tensor) -> Tensor:
        """`[N, 3, H, W]` to logits `[N, classes]`."""
        return self.both(images)[1]


class AlexNet(StackedClassifier):
    """AlexNet in one column (Krizhevsky 2014, section 5), for images of 224x224, at least 63x63."""

    def __init__(self, *, classes: int | None = 1000) -> None:
        convolutions = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
        )
        classifier = (
            None
            if classes is None
            else nn.Sequential(
                nn.Dropout(),
                nn.Linear(256 * 6 * 6, 4096),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(4096, 4096),
                nn.ReLU(),
                nn.Linear(4096, classes),
            )
        )
        super().__init__(convolutions, size=6, classifier=classifier)


class VGG(StackedClassifier):
    """VGG without batch normalisation (Simonyan & Zisserman 2015, table 1), for images of 224x224, at least
    32x32.
    """

    def __init__(self, *, depth: int = 16, classes: int | None = 1000) -> None:
        if depth not in CONVOLUTIONS:
            raise ValueError(f"depth={depth}; it must be one of {', '.join(map(str, CONVOLUTIONS))}")
        layers: list[nn.Module] = []
        inputs = 3
        for width, count in zip(WIDTHS, CONVOLUTIONS[depth], strict=True):
            for _ in range(count):
                layers += nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()
                inputs = width
            layers.append(nn.MaxPool2d(2))
        classifier = (
            None
            if classes is None
            else nn.Sequential(
                nn.Linear(512 * 7 * 7, 4096),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(4096, 4096),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(4096, classes),
            )
        )
        super().__init__(nn.Sequential(*layers), size=7, classifier=classifier)
