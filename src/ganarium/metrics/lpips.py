"""LPIPS, the perceptual distance of two images, with a trunk and linear heads that are given as files.

Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", arXiv:1801.03924.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from ganarium.metrics.features import FeatureNetwork, load_features, state_dict
from ganarium.metrics.pairs import checked_pairs

Version = Literal["0.0", "0.1"]

TAPS: dict[str, dict[int, int]] = {
    "AlexNet": {1: 64, 4: 192, 7: 384, 9: 256, 11: 256},
    "VGG-16": {3: 64, 8: 128, 15: 256, 22: 512, 29: 512},
    "SqueezeNet 1.1": {1: 64, 4: 128, 7: 256, 9: 384, 10: 384, 11: 512, 12: 512},
    "SqueezeNet 1.0": {1: 96, 4: 128, 7: 256, 8: 384, 9: 384, 10: 512, 12: 512},
}
"""Tapped layers in a trunk's `features`, and their channels: AlexNet's conv1 to conv5 and VGG's conv1_2, 2_2,
3_3, 4_3 and 5_3, rectified; SqueezeNet's conv1, rectified, and Fire 3, 5, 6, 7, 8 and 9. The published heads
are for SqueezeNet 1.1: they have 64 weights for the first layer, which has 96 channels in 1.0."""
SMALLEST = 32
"""Smallest side in pixels; the strides of the trunks reduce smaller images to nothing."""

_HEAD = re.compile(r"lin(\d+)\.model\.1\.weight")


class Heads(NamedTuple):
    """Weights of a trunk's tapped layers, fitted to human judgements."""

    weights: tuple[Tensor, ...]
    """Weight of each channel, not negative: `[C]` for each layer."""
    version: Version = "0.1"
    """Version of the heads: 0.0 takes images in [-1, 1] without ImageNet's normalisation, 0.1 with it."""

    @property
    def widths(self) -> list[int]:
        """Number of weights for each layer."""
        return [weights.numel() for weights in self.weights]

    def fit(self, trunk: str) -> bool:
        """Return True if the numbers of weights are those of the trunk with this name."""
        return self.widths == list(TAPS.get(trunk, {}).values())


class LPIPS(nn.Module):
    """Learned perceptual distance; it is differentiable and can be used as a loss.

    Args:
        trunk: AlexNet, VGG-16 or SqueezeNet (see `ganarium.metrics.load_features`).
        heads: heads that were fitted to this trunk (see `load_heads`). None gives all channels the weight 1:
            the cosine distance of section 3, which is not fitted to human judgements.

    Raises:
        ValueError: other trunk, or heads that were not fitted to it.
    """

    def __init__(self, trunk: FeatureNetwork, heads: Heads | None = None) -> None:
        super().__init__()
        if trunk.name not in TAPS:
            raise ValueError(f"LPIPS takes {', '.join(TAPS)} as its trunk; given: {trunk.name}")
        if heads is not None and not heads.fit(trunk.name):
            origin = next((f"those of {name}" for name in TAPS if heads.fit(name)), "of no known trunk")
            raise ValueError(
                f"the heads have {heads.widths} weights and are {origin}, but {trunk.name} has "
                f"{list(TAPS[trunk.name].values())} channels: give the trunk and the heads of one network"
            )
        self.trunk = trunk
        # Images keep their own size.
        self.convention = replace(trunk.convention, size=None)
        if heads is not None and heads.version == "0.0":
            self.convention = replace(self.convention, mean=(0.5,), deviation=(0.5,))
        self.name = f"LPIPS v{heads.version} ({trunk.name})" if heads else f"cosine distance ({trunk.name})"
        for number, width in enumerate(TAPS[trunk.name].values()):
            head = heads.weights[number].detach().float() if heads else torch.ones(width)
            self.register_buffer(f"head{number}", head.view(1, -1, 1, 1))

    @classmethod
    def load(cls, trunk: str | Path, heads: str | Path | None = None) -> Self:
        """Load LPIPS from the file of a trunk, trained on ImageNet, and the file of its heads.

        Raises:
            FileNotFoundError: a file is missing.
            ValueError: a file contains something else, or the two do not fit.
        """
        return cls(load_features(trunk), None if heads is None else load_heads(heads))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distances `[N]` of pairs of images `[N, C, H, W]` in [-1, 1], grey or RGB; 0 if equal.

        Raises:
            ValueError: different shapes, values out of range, or sides below 32 pixels.
        """
        a, b = checked_pairs(a, b)
        if min(a.shape[-2:]) < SMALLEST:
            raise ValueError(f"LPIPS needs sides of at least {SMALLEST} pixels; given: {list(a.shape)}")
        distance = a.new_zeros(len(a), dtype=torch.float32)
        for number, (x, y) in enumerate(zip(self._tapped(a), self._tapped(b), strict=True)):
            head = self.get_buffer(f"head{number}")
            distance = distance + (head * (x - y).square()).sum(1).mean((1, 2))  # eq. 1
        return distance

    def _tapped(self, images: Tensor) -> Iterator[Tensor]:
        """Yield the activations of the tapped layers, of unit length across channels."""
        taps, layers = TAPS[self.trunk.name], self.trunk.network.features
        assert isinstance(layers, nn.Sequential)
        x = self.convention.apply(images.float())
        for number, layer in enumerate(list(layers)[: max(taps) + 1]):
            x = layer(x)
            if number in taps:
                yield F.normalize(x, dim=1, eps=1e-10)

    @torch.no_grad()
    def distances(self, a: Tensor, b: Tensor, *, batch_size: int = 32) -> Tensor:
        """Return `forward` without gradients, computed batch by batch: float64 `[N]` on the CPU."""
        device = next(self.trunk.parameters()).device
        pairs = zip(a.split(batch_size), b.split(batch_size), strict=True)
        return torch.cat([self(x.to(device), y.to(device)).double().cpu() for x, y in pairs])


def load_heads(path: str | Path, *, version: Version | None = None) -> Heads:
    """Load published linear heads from a file.

    Args:
        path: file with the keys `lin0.model.1.weight` and so on.
        version: version of the heads; by default 0.0 if the file's folder is named `v0.0`, else 0.1.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file contains something else.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; give a file of linear heads of LPIPS, one per network"
        )
    state = state_dict(path)
    heads = {int(match[1]): x for name, x in state.items() if (match := _HEAD.fullmatch(name))}
    if not heads or len(heads) != len(state) or sorted(heads) != list(range(len(heads))):
        found = ", ".join(f"{name} {list(x.shape)}" for name, x in list(state.items())[:4]) or "no tensors"
        raise ValueError(
            f"{path} holds no linear heads of LPIPS (lin0.model.1.weight [1, C, 1, 1] ...); found: {found}"
        )
    named: Version = "0.0" if path.absolute().parent.name == "v0.0" else "0.1"
    return Heads(tuple(heads[number].flatten() for number in range(len(heads))), version or named)
