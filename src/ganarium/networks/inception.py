"""Inception-v3, whose averaged last maps are the features of the Fréchet inception distance.

Parameters have the names of torchvision's checkpoints. PyTorch ports of the TensorFlow network of 2015 have
the same names, but 1008 classes and other poolings.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

Kernel = int | tuple[int, int]
Row = tuple[str, str, int, Kernel]
"""Convolution: its name, the name of its input, output channels, kernel."""
INPUT, POOL = "input", "pool"
"""Names of the inputs that are no convolutions: the block's input, and its pooled input."""


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation and ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Kernel, *, stride: int = 1, padding: bool = True
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        margins = (height // 2, width // 2) if padding else 0
        self.conv = nn.Conv2d(inputs, outputs, (height, width), stride, margins, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H', W']`, not negative."""
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Parallel branches, concatenated along the channels (Szegedy et al. 2016, figures 5, 6, 7 and 10).

    Args:
        inputs: number of input channels.
        rows: convolutions. Maps that no convolution takes as its input are outputs, in this order; the pooled
            input comes last.
        pool: pooling of the block's input.
        halving: names of the convolutions with stride 2 and no padding.
    """

    def __init__(
        self,
        inputs: int,
        rows: Sequence[Row],
        pool: Callable[[Tensor], Tensor],
        *,
        halving: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.pool = pool
        self.sources = {name: source for name, source, *_ in rows}
        self.ends = [name for name in [*self.sources, POOL] if name not in self.sources.values()]
        channels = {INPUT: inputs, POOL: inputs}
        for name, source, outputs, kernel in rows:
            halves = name in halving
            convolution = Convolution(
                channels[source], outputs, kernel, stride=2 if halves else 1, padding=not halves
            )
            self.add_module(name, convolution)
            channels[name] = outputs
        self.outputs = sum(channels[name] for name in self.ends)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H', W']`."""
        maps = {INPUT: x, POOL: self.pool(x)}
        for name, source in self.sources.items():
            maps[name] = self.get_submodule(name)(maps[source])
        return torch.cat([maps[name] for name in self.ends], 1)


class Auxiliary(nn.Module):
    """Auxiliary classifier for training (Szegedy et al. 2016, section 4)."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv0 = Convolution(inputs, 128, 1)
        self.conv1 = Convolution(128, 768, 5, padding=False)
        self.fc = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """`[N, inputs, H, W]`, with H and W at least 17, to logits `[N, classes]`."""
        return self.fc(self.conv1(self.conv0(F.avg_pool2d(x, 5, stride=3))).mean((2, 3)))


class InceptionV3(nn.Module):
    """Inception-v3 (Szegedy et al. 2016, table 1), for images of 299x299, at least 75x75.

    Args:
        classes: number of classes.
        auxiliary: True for a network with the auxiliary classifier.
        tensorflow: True for the poolings of the network of Heusel et al. 2017: averages do not count the
            zero padding, and the last block pools the maximum.
    """

    def __init__(self, *, classes: int = 1000, auxiliary: bool = True, tensorflow: bool = False) -> None:
        super().__init__()
        average = partial(F.avg_pool2d, kernel_size=3, stride=1, padding=1, count_include_pad=not tensorflow)
        maximum = partial(F.max_pool2d, kernel_size=3, stride=1, padding=1)
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, stride=2, padding=False)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3, padding=False)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3, padding=False)
        self.Mixed_5b = _block_35(192, 32, average)
        self.Mixed_5c = _block_35(256, 64, average)
        self.Mixed_5d = _block_35(288, 64, average)
        self.Mixed_6a = _to_17(288)
        self.Mixed_6b = _block_17(768, 128, average)
        self.Mixed_6c = _block_17(768, 160, average)
        self.Mixed_6d = _block_17(768, 160, average)
        self.Mixed_6e = _block_17(768, 192, average)
        self.AuxLogits = Auxiliary(768, classes) if auxiliary else None
        self.Mixed_7a = _to_8(768)
        self.Mixed_7b = _block_8(1280, average)
        self.Mixed_7c = _block_8(2048, maximum if tensorflow else average)
        self.dropout = nn.Dropout()
        self.fc = nn.Linear(2048, classes)

    def maps(self, images: Tensor) -> Tensor:
        """Return the input of the auxiliary classifier: `[N, 3, H, W]` to `[N, 768, h, w]`.

        299x299 pixels give maps of 17x17.
        """
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, stride=2)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(F.max_pool2d(x, 3, stride=2))))
        return self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))))

    def penultimate(self, images: Tensor) -> Tensor:
        """Return the last maps, averaged over the image: `[N, 3, H, W]` to `[N, 2048]`, not negative."""
        return self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(self.maps(images)))).mean((2, 3))

    def both(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return activations `[N, 2048]` and logits `[N, classes]` of images `[N, 3, H, W]`."""
        activations = self.penultimate(images)
        return activations, self.fc(self.dropout(activations))

    def forward(self, images: Tensor) -> Tensor:
        """`[N, 3, H, W]` to logits `[N, classes]`."""
        return self.both(images)[1]


_max_pool = partial(F.max_pool2d, kernel_size=3, stride=2)


def _block_35(inputs: int, pooled: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    """Build a block for maps of 35x35 (figure 5: 5x5 as two 3x3)."""
    rows: list[Row] = [
        ("branch1x1", INPUT, 64, 1),
        ("branch5x5_1", INPUT, 48, 1),
        ("branch5x5_2", "branch5x5_1", 64, 5),
        ("branch3x3dbl_1", INPUT, 64, 1),
        ("branch3x3dbl_2", "branch3x3dbl_1", 96, 3),
        ("branch3x3dbl_3", "branch3x3dbl_2", 96, 3),
        ("branch_pool", POOL, pooled, 1),
    ]
    return Mixed(inputs, rows, pool)


def _to_17(inputs: int) -> Mixed:
    """Build the block from 35x35 to 17x17 (figure 10)."""
    rows: list[Row] = [
        ("branch3x3", INPUT, 384, 3),
        ("branch3x3dbl_1", INPUT, 64, 1),
        ("branch3x3dbl_2", "branch3x3dbl_1", 96, 3),
        ("branch3x3dbl_3", "branch3x3dbl_2", 96, 3),
    ]
    return Mixed(inputs, rows, _max_pool, halving=("branch3x3", "branch3x3dbl_3"))


def _block_17(inputs: int, width: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    """Build a block for maps of 17x17 (figure 6: 7x7 as 1x7 and 7x1)."""
    rows: list[Row] = [
        ("branch1x1", INPUT, 192, 1),
        ("branch7x7_1", INPUT, width, 1),
        ("branch7x7_2", "branch7x7_1", width, (1, 7)),
        ("branch7x7_3", "branch7x7_2", 192, (7, 1)),
        ("branch7x7dbl_1", INPUT, width, 1),
        ("branch7x7dbl_2", "branch7x7dbl_1", width, (7, 1)),
        ("branch7x7dbl_3", "branch7x7dbl_2", width, (1, 7)),
        ("branch7x7dbl_4", "branch7x7dbl_3", width, (7, 1)),
        ("branch7x7dbl_5", "branch7x7dbl_4", 192, (1, 7)),
        ("branch_pool", POOL, 192, 1),
    ]
    return Mixed(inputs, rows, pool)


def _to_8(inputs: int) -> Mixed:
    """Build the block from 17x17 to 8x8."""
    rows: list[Row] = [
        ("branch3x3_1", INPUT, 192, 1),
        ("branch3x3_2", "branch3x3_1", 320, 3),
        ("branch7x7x3_1", INPUT, 192, 1),
        ("branch7x7x3_2", "branch7x7x3_1", 192, (1, 7)),
        ("branch7x7x3_3", "branch7x7x3_2", 192, (7, 1)),
        ("branch7x7x3_4", "branch7x7x3_3", 192, 3),
    ]
    return Mixed(inputs, rows, _max_pool, halving=("branch3x3_2", "branch7x7x3_4"))


def _block_8(inputs: int, pool: Callable[[Tensor], Tensor]) -> Mixed:
    """Build a block for maps of 8x8 (figure 7: 3x3 as 1x3 and 3x1 in parallel)."""
    rows: list[Row] = [
        ("branch1x1", INPUT, 320, 1),
        ("branch3x3_1", INPUT, 384, 1),
        ("branch3x3_2a", "branch3x3_1", 384, (1, 3)),
        ("branch3x3_2b", "branch3x3_1", 384, (3, 1)),
        ("branch3x3dbl_1", INPUT, 448, 1),
        ("branch3x3dbl_2", "branch3x3dbl_1", 384, 3),
        ("branch3x3dbl_3a", "branch3x3dbl_2", 384, (1, 3)),
        ("branch3x3dbl_3b", "branch3x3dbl_2", 384, (3, 1)),
        ("branch_pool", POOL, 192, 1),
    ]
    return Mixed(inputs, rows, pool)
