"""Networks of several domains that have layers in common, so that a code means the same in each.

Liu & Tuzel 2016, arXiv:1606.07536, sec. 3 (couples that draw); Liu et al. 2017, arXiv:1703.00848, sec. 3 (a
shared latent space); Anoosheh et al. 2017, arXiv:1712.06909, sec. 3 (a half of a translator for each domain).
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ganarium.networks.layers.init import gaussian
from ganarium.networks.layers.norms import PlainNorm
from ganarium.networks.resnet_translator import ResidualBlock, ResNetDecoder, ResNetEncoder


class DomainEncoders(nn.Module):
    """An encoder for each domain, `[N, inputs, H, W]` to `[N, channels, h, w]`; its last blocks are common.

    Args:
        inputs: channels of a picture.
        domains: how many there are.
        width: channels after the first convolution.
        downsamplings: how often height and width are halved.
        blocks: residual blocks that each domain has of its own.
        shared_blocks: those that follow, which all domains have in common.
        norm: after every convolution.

    Attributes:
        channels: of a code.
        multiple: of which height and width must be multiples.
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
        if norm != "none":  # weights this small want a norm
            gaussian(self)

    def forward(self, pictures: Tensor, domain: int) -> Tensor:
        """The codes of pictures of one domain."""
        return self.shared(self.own[domain](pictures))


class DomainDecoders(nn.Module):
    """A decoder for each domain, `[N, channels, h, w]` to `[N, outputs, H, W]`; its first blocks are common.

    Args:
        channels: of a code.
        outputs: channels of a picture.
        domains: how many there are.
        downsamplings: how often the encoders halve.
        blocks: residual blocks that each domain has of its own.
        shared_blocks: those before them, which all domains have in common.
        norm: after every convolution but the last.

    Attributes:
        multiple: how many times as high and wide as a code a picture is.
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
        """Pictures of one domain, in [-1, 1]."""
        return self.own[domain](self.shared(codes))


def _blocks(channels: int, count: int, norm: PlainNorm) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, norm=norm) for _ in range(count)))


class PerDomain(nn.Module):
    """A network for each domain, as one player: those that a term does not reach stay as they are."""

    def __init__(self, networks: Iterable[nn.Module]):
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def __getitem__(self, domain: int) -> nn.Module:
        return self.networks[domain]


class EncoderDecoder(nn.Module):
    """One of the translators that encoders and decoders make: `[N, C, H, W]` to `[N, C, H, W]` in [-1, 1]."""

    def __init__(self, encoders: DomainEncoders, decoders: DomainDecoders, source: int, target: int):
        super().__init__()
        self.encoders, self.decoders = encoders, decoders
        self.source, self.target = source, target
        self.multiple = encoders.multiple

    def forward(self, pictures: Tensor) -> Tensor:
        """Height and width must be multiples of `multiple`."""
        return self.decoders(self.encoders(pictures, self.source), self.target)


class Coupled(PerDomain):
    """Networks of one architecture, some of whose layers are shared; a sample goes through its domain's."""

    def forward(self, inputs: Tensor, domains: Tensor) -> Tensor:
        """What the networks say of inputs `[N, ...]` of these domains, int64 `[N]`."""
        return self._each("__call__", inputs, domains)

    def features(self, inputs: Tensor, domains: Tensor) -> Tensor:
        """What discriminators read their scores from."""
        return self._each("features", inputs, domains)

    def _each(self, method: str, inputs: Tensor, domains: Tensor) -> Tensor:
        if torch.compiler.is_compiling():  # a graph cannot hang on how many are of which domain
            of_all = torch.stack([getattr(network, method)(inputs) for network in self.networks])
            return of_all[domains, torch.arange(inputs.shape[0], device=inputs.device)]
        order = domains.argsort(stable=True)
        counts = domains.bincount(minlength=len(self.networks)).tolist()
        parts = [
            getattr(network, method)(part)
            for network, part in zip(self.networks, inputs[order].split(counts), strict=True)
            if len(part)
        ]
        return torch.cat(parts)[order.argsort()]


def coupled_generators(generators: Sequence[nn.Module], shared: int | None = None) -> Coupled:
    """Generators whose first layers are the first one's: what is drawn is decided there.

    Args:
        generators: of one architecture, by domain.
        shared: how many layers with weights; all but the last where it is not said.

    Raises:
        ValueError: there are not so many, or layers do not follow one another.
    """
    first, *others = generators
    places = _places(first, "generator")
    projects = hasattr(first, "project")
    count = _counted(shared, projects + len(places), "shared_generator_layers")
    inside = max(0, count - projects)
    for other in others:
        if count and projects:
            other.project = first.project
        if count:
            _take(first, other, range(places[inside] if inside < len(places) else len(first.layers)))  # type: ignore[arg-type]
    return Coupled(generators)


def coupled_discriminators(discriminators: Sequence[nn.Module], shared: int | None = None) -> Coupled:
    """Discriminators whose last layers are the first one's: what is seen is judged there.

    Args:
        discriminators: of one architecture, by domain.
        shared: how many layers with weights, the score's included; all but the first where it is not said.

    Raises:
        ValueError: as `coupled_generators`.
    """
    first, *others = discriminators
    places = _places(first, "discriminator")
    count = _counted(shared, len(places) + 1, "shared_discriminator_layers")
    for other in others:
        if count:
            other.score, other.minibatch = first.score, first.minibatch
        if count > 1:
            _take(first, other, range(places[1 - count], len(first.layers)))  # type: ignore[arg-type]
    return Coupled(discriminators)


def _places(network: nn.Module, role: str) -> list[int]:
    """Which of a network's layers have weights."""
    layers = getattr(network, "layers", None)
    if not isinstance(layers, nn.Sequential):
        raise ValueError(
            f"the layers of this {role}, a {type(network).__name__}, do not follow one another, so that none "
            f"can be shared; set networks.{role}.kind=dcgan"
        )
    weighted = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    return [place for place, layer in enumerate(layers) if isinstance(layer, weighted)]


def _counted(shared: int | None, there: int, key: str) -> int:
    if shared is None:
        return there - 1
    if not 0 <= shared <= there:
        raise ValueError(f"game.{key} is {shared}, but the network has {there} layers: 0 to {there}")
    return shared


def _take(first: nn.Module, other: nn.Module, places: Iterable[int]) -> None:
    for place in places:
        other.layers[place] = first.layers[place]  # type: ignore[index,operator]
