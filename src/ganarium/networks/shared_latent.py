"""Networks of several domains that share layers, so that a code means the same in each domain.

Liu & Tuzel 2016, arXiv:1606.07536, sec. 3 (coupled generators); Liu et al. 2017, arXiv:1703.00848, sec. 3
(shared latent space); Anoosheh et al. 2017, arXiv:1712.06909, sec. 3 (an encoder and a decoder per domain).
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm
from ganarium.networks.resnet_translator import ResidualBlock, ResNetDecoder, ResNetEncoder


class DomainEncoders(nn.Module):
    """One encoder per domain, `[N, inputs, H, W]` to `[N, channels, h, w]`; the last blocks are shared.

    Args:
        inputs: channels of an image.
        domains: number of domains.
        width: channels after the first convolution.
        downsamplings: number of halvings of height and width.
        blocks: number of residual blocks of each domain.
        shared_blocks: number of residual blocks that follow and are shared by all domains.
        norm: norm after every convolution.

    Attributes:
        channels: channels of a code.
        multiple: number of which height and width must be multiples.
    """

    def __init__(
        self,
        inputs: int,
        domains: int,
        *,
        width: int = 64,
        downsamplings: int = 2,
        blocks: int = 3,
        shared_blocks: int = 1,
        norm: PlainNorm = "instance",
    ):
        super().__init__()
        self.channels, self.multiple = width * 2**downsamplings, 2**downsamplings
        self.own = nn.ModuleList(
            ResNetEncoder(inputs, width=width, downsamplings=downsamplings, blocks=blocks, norm=norm)
            for _ in range(domains)
        )
        self.shared = _blocks(self.channels, shared_blocks, norm)
        if norm != "none":  # weights this small need a norm
            gaussian(self)

    def forward(self, images: Tensor, domain: int) -> Tensor:
        """Images `[N, inputs, H, W]` of one domain to codes `[N, channels, h, w]`."""
        return self.shared(self.own[domain](images))


class DomainDecoders(nn.Module):
    """One decoder per domain, `[N, channels, h, w]` to `[N, outputs, H, W]`; the first blocks are shared.

    Args:
        channels: channels of a code.
        outputs: channels of an image.
        domains: number of domains.
        downsamplings: number of halvings in the encoders.
        blocks: number of residual blocks of each domain.
        shared_blocks: number of residual blocks before them, shared by all domains.
        norm: norm after every convolution but the last.

    Attributes:
        multiple: height and width of an image, divided by those of its code.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        domains: int,
        *,
        downsamplings: int = 2,
        blocks: int = 3,
        shared_blocks: int = 1,
        norm: PlainNorm = "instance",
    ):
        super().__init__()
        self.multiple = 2**downsamplings
        self.shared = _blocks(channels, shared_blocks, norm)
        self.own = nn.ModuleList(
            ResNetDecoder(channels, outputs, downsamplings=downsamplings, blocks=blocks, norm=norm)
            for _ in range(domains)
        )
        if norm != "none":
            gaussian(self)

    def forward(self, codes: Tensor, domain: int) -> Tensor:
        """Codes `[N, channels, h, w]` to images `[N, outputs, H, W]` of one domain, in [-1, 1]."""
        return self.own[domain](self.shared(codes))


def _blocks(channels: int, count: int, norm: PlainNorm) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, norm=norm) for _ in range(count)))


class PerDomain(nn.Module):
    """One network per domain, as one player; networks without gradient are not updated."""

    def __init__(self, networks: Iterable[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def __getitem__(self, domain: int) -> nn.Module:
        return self.networks[domain]


class EncoderDecoder(nn.Module):
    """Translator of `source`'s encoder and `target`'s decoder: `[N, C, H, W]` to the same in [-1, 1]."""

    def __init__(self, encoders: DomainEncoders, decoders: DomainDecoders, source: int, target: int):
        super().__init__()
        self.encoders, self.decoders = encoders, decoders
        self.source, self.target = source, target
        self.multiple = encoders.multiple

    def forward(self, images: Tensor) -> Tensor:
        """`[N, inputs, H, W]` to `[N, outputs, H, W]`; H and W must be multiples of `multiple`."""
        return self.decoders(self.encoders(images, self.source), self.target)


class Coupled(PerDomain):
    """Networks of one architecture with shared layers; each sample passes through its domain's network."""

    def forward(self, inputs: Tensor, domains: Tensor) -> Tensor:
        """Return the outputs for inputs `[N, ...]` of the given domains, int64 `[N]`."""
        return self._each("__call__", inputs, domains)

    def features(self, inputs: Tensor, domains: Tensor) -> Tensor:
        """Return the features from which discriminators compute their scores."""
        return self._each("features", inputs, domains)

    def _each(self, method: str, inputs: Tensor, domains: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # shapes must not depend on `domains`
            outputs = torch.stack([getattr(network, method)(inputs) for network in self.networks])
            return outputs[domains, torch.arange(inputs.shape[0], device=inputs.device)]
        order = domains.argsort(stable=True)
        counts = domains.bincount(minlength=len(self.networks)).tolist()
        parts = [
            getattr(network, method)(part)
            for network, part in zip(self.networks, inputs[order].split(counts), strict=True)
            if len(part)
        ]
        return torch.cat(parts)[order.argsort()]


def coupled_generators(generators: Sequence[nn.Module], shared: int | None = None) -> Coupled:
    """Couple generators: all use the first layers of the first one, which decide the content.

    Args:
        generators: generators of one architecture, by domain.
        shared: number of shared layers with weights; all but the last by default.

    Raises:
        ValueError: there are fewer layers, or the layers are no `nn.Sequential`.
    """
    first, *others = generators
    positions = _weighted_layers(first, "generator")
    projects = hasattr(first, "project")
    count = _shared_count(shared, projects + len(positions), "shared_generator_layers")
    inside = max(0, count - projects)
    for other in others:
        if count and projects:
            other.project = first.project
        if count:
            end = positions[inside] if inside < len(positions) else len(first.layers)  # type: ignore[arg-type]
            _share_layers(first, other, range(end))
    return Coupled(generators)


def coupled_discriminators(discriminators: Sequence[nn.Module], shared: int | None = None) -> Coupled:
    """Couple discriminators: all use the last layers of the first one, which score the content.

    Args:
        discriminators: discriminators of one architecture, by domain.
        shared: number of shared layers with weights, including `score`; all but the first by default.

    Raises:
        ValueError: see `coupled_generators`.
    """
    first, *others = discriminators
    positions = _weighted_layers(first, "discriminator")
    count = _shared_count(shared, len(positions) + 1, "shared_discriminator_layers")
    for other in others:
        if count:
            other.score, other.minibatch = first.score, first.minibatch
        if count > 1:
            _share_layers(first, other, range(positions[1 - count], len(first.layers)))  # type: ignore[arg-type]
    return Coupled(discriminators)


def _weighted_layers(network: nn.Module, role: str) -> list[int]:
    """Return the positions of the layers with weights in `network.layers`."""
    layers = getattr(network, "layers", None)
    if not isinstance(layers, nn.Sequential):
        raise ValueError(
            f"the layers of this {role}, a {type(network).__name__}, are no sequence and cannot be shared; "
            f"set networks.{role}.kind=dcgan"
        )
    weighted = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    return [position for position, layer in enumerate(layers) if isinstance(layer, weighted)]


def _shared_count(shared: int | None, layers: int, key: str) -> int:
    if shared is None:
        return layers - 1
    if not 0 <= shared <= layers:
        raise ValueError(f"game.{key}={shared}; the network has {layers} layers, so it must be 0 to {layers}")
    return shared


def _share_layers(first: nn.Module, other: nn.Module, positions: Iterable[int]) -> None:
    for position in positions:
        other.layers[position] = first.layers[position]  # type: ignore[index,operator]
