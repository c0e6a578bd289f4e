"""How a condition joins a network: beside its input (concatenation) or on top of it (addition).

Conditions are labels `[N]`, attribute vectors `[N, A]` or pictures `[N, C, H, W]` (Mirza & Osindero
2014, arXiv:1411.1784, sec. 3.2, joins them to the input of both sides).
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

Join = Literal["concatenate", "add"]


class ConditionVector(nn.Module):
    """A condition as a vector `[N, size]`: embedded labels, mixed attributes, or an encoded picture."""

    def __init__(self, condition_shape: Sequence[int], num_classes: int, size: int):
        super().__init__()
        if not condition_shape:
            self.encode: nn.Module = nn.Embedding(num_classes, size)
        elif len(condition_shape) == 1:
            self.encode = nn.Linear(condition_shape[0], size)
        else:
            self.encode = _picture_encoder(condition_shape[0], size)

    def forward(self, condition: Tensor) -> Tensor:
        """`[N, size]`."""
        return self.encode(condition)


def _picture_encoder(channels: int, size: int, width: int = 32) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(2 * width * 16, size),
    )


class ConditionPlanes(nn.Module):
    """A condition laid out as a sample: `[N, channels, H, W]` for pictures, `[N, channels]` for points."""

    def __init__(self, condition_shape: Sequence[int], num_classes: int, channels: int, shape: Sequence[int]):
        super().__init__()
        self.shape = tuple(shape)
        self.is_picture = len(condition_shape) == 3
        if self.is_picture:
            self.encode: nn.Module = nn.Conv2d(condition_shape[0], channels, 1)
        else:
            self.encode = ConditionVector(condition_shape, num_classes, channels)

    def forward(self, condition: Tensor) -> Tensor:
        """Pictures are resized to the sample; vectors are spread over it."""
        encoded = self.encode(condition)
        if self.is_picture:
            return encoded if encoded.shape[2:] == self.shape[1:] else interpolate(encoded, self.shape[1:])
        return encoded if len(self.shape) == 1 else encoded[:, :, None, None].expand(-1, -1, *self.shape[1:])


class ConditionedGenerator(nn.Module):
    """`body` fed with noise and the condition's vector; with the vector alone where there is no noise."""

    def __init__(self, body: nn.Module, vector: ConditionVector, *, join: Join):
        super().__init__()
        self.body, self.vector, self.join = body, vector, join

    def forward(self, noise: Tensor | None, condition: Tensor) -> Tensor:
        """Samples that should show the condition."""
        wish = self.vector(condition)
        if noise is None:
            return self.body(wish)
        return self.body(noise + wish if self.join == "add" else torch.cat([noise, wish], 1))


class ConditionedDiscriminator(nn.Module):
    """`body` fed with samples and the condition's planes: "does it match?", and "is it real?" beside it.

    With a network for `realism` the two questions are judged apart; without, `body` judges both at once.
    """

    def __init__(self, body: nn.Module, planes: ConditionPlanes, realism: nn.Module | None, *, join: Join):
        super().__init__()
        self.body, self.planes, self.realism, self.join = body, planes, realism, join

    def forward(self, samples: Tensor, condition: Tensor) -> Tensor:
        """Scores `[N, 1]`, or `[N, 2]` with realism in the first column."""
        planes = self.planes(condition).to(samples.dtype)
        joined = samples + planes if self.join == "add" else torch.cat([samples, planes], 1)
        matching = self.body(joined)
        return torch.stack([matching] if self.realism is None else [self.realism(samples), matching], 1)
