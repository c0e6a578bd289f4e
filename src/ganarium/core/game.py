"""Game: networks that play against each other, and the script of one round."""

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

Terms = Mapping[str, Tensor]
Network = Callable[..., nn.Module]


@dataclass(frozen=True)
class Clock:
    """Progress of a run. Everything that changes over training is a function of the clock."""

    round: int = 0
    """Number of rounds played."""
    images: int = 0
    """Number of samples shown, over all processes and micro-batches."""
    length: int = 1
    """Number of samples in the whole run."""
    seed: int = 0
    first_micro_batch: bool = True
    """False in all but the first of a round's micro-batches."""
    batch_size: int = 0
    """Number of samples in a batch, over all processes and micro-batches; 0 if unknown."""
    means: "Means | None" = field(default=None, compare=False, repr=False)
    """Values that the micro-batches of this round have passed to `mean`."""

    @property
    def progress(self) -> float:
        """Played share of the run, 0 to 1."""
        return min(1.0, self.images / self.length)

    def every(self, interval: int) -> bool:
        """Return True in every `interval`-th round, the first round included."""
        return self.round % interval == 0

    def mean(self, name: str, value: Tensor) -> "Mean":
        """Add this micro-batch's value; return the mean over all micro-batches and processes, as a function.

        `sign = clock.mean("sign", scores.sign().mean())`, then `sign()` after the next `yield`, when every
        micro-batch has added its value. All processes must call `mean` and the function.
        """
        means = self.means if self.means is not None else Means()
        means.values.setdefault(name, []).append(value.detach())
        return Mean(means, name)

    def shared_random(self) -> random.Random:
        """Return a generator that is equal in all processes and micro-batches; turns may depend on it."""
        return random.Random(f"{self.seed} {self.round}")


@dataclass
class Means:
    """Values of one round by name, and the function that averages a value over processes."""

    values: dict[str, list[Tensor]] = field(default_factory=dict)
    over_processes: Callable[[Tensor], Tensor] = lambda value: value


@dataclass(frozen=True)
class Mean:
    """Mean of a value over the micro-batches and processes of a round, computed by calling it."""

    means: Means
    name: str

    def __call__(self) -> Tensor:
        """Return the mean of the values that have been added so far."""
        return self.means.over_processes(torch.stack(self.means.values[self.name]).mean(0))


@dataclass(frozen=True)
class Turn:
    """Optimizer step of `players` on the sum of `terms`; no other network changes."""

    players: tuple[nn.Module, ...]
    terms: Terms | Callable[[], Terms]
    """Loss terms by name, or a function that computes them, for optimizers that re-evaluate it (L-BFGS)."""
    every: int = 1
    """Interval, in rounds, of a lazy turn, which its players take in addition to their turns of every round.

    Their learning rates and betas are corrected for the additional steps (Karras et al. 2020, app. B).
    """

    def lazy(self, interval: int) -> "Turn":
        """Return the turn as a lazy one, which is taken once in `interval` rounds.

        `if clock.every(16): yield turn(self.discriminator, penalty=16 * penalty).lazy(16)`.
        """
        if interval < 1:
            raise ValueError(f"the interval of a lazy turn is {interval}; it must be at least 1 round")
        return replace(self, every=interval)

    def __post_init__(self) -> None:
        if not self.players or not all(isinstance(p, nn.Module) for p in self.players):
            raise TypeError(
                "turn(player, ..., name=loss): the positional arguments are the networks that are updated"
            )
        if not self.terms:
            raise TypeError(
                "turn(...) without a loss; name each term: turn(self.generator, adversarial=loss)"
            )
        if not callable(self.terms):
            check_terms(self.terms)


def check_terms(terms: Terms) -> None:
    """Raise TypeError unless every term is a tensor with one element."""
    for name, value in terms.items():
        if not isinstance(value, Tensor) or value.numel() != 1:
            what = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"term {name!r} must be a tensor with one element, got {what}; forgot .mean()?")


def turn(*players: nn.Module | Callable[[], Terms], **terms: Tensor) -> Turn:
    """Make a turn: `turn(player, ..., name=loss)`, or `turn(player, function)` for L-BFGS.

    Raises:
        TypeError: no network, no term, or a term that is not a tensor with one element.
    """
    *movers, last = players or (None,)
    if movers and not terms and callable(last) and not isinstance(last, nn.Module):
        return Turn(tuple(movers), last)  # type: ignore[arg-type]
    return Turn(players, terms)  # type: ignore[arg-type]


class Game(nn.Module, ABC):
    """Owner of every network and of all state that must survive a restart.

    A *player* is a child network with trainable parameters; each has its own optimizer. The items
    of a ModuleDict or ModuleList are separate players. A child without trainable parameters is
    a *frozen* network and stays in eval mode.

    To be trained from a recipe, a game also lists the networks that a recipe may choose (`roles`) and
    those that are saved (`saved_networks`), and is built by `assemble`.
    """

    roles: ClassVar[Mapping[str, Mapping[str, Network]]] = {}
    """Networks that a recipe may choose: role -> kind -> constructor."""
    script: ClassVar[str] = "play"
    """Name of the method that trains."""
    saved_networks: ClassVar[tuple[str, ...]] = ("generator",)
    """Names of the children that a saved model contains, beside the game's own parameters and buffers."""
    tasks: tuple[Any, ...] = ()
    """Tasks of the trained game, the main one first (see `ganarium.tasks.base.Task`)."""
    latents: tuple[Any, ...] = ()
    """Random inputs of the tasks (see `ganarium.tasks.latents.Latent`), set by the constructor."""

    @abstractmethod
    def play(self, data: Iterator, clock: Clock) -> Iterator[Turn | tuple[Turn, ...]]:
        """Play one round: compute a loss, `yield turn(player, name=loss)`, continue.

        The step happens at the `yield`: the code after it uses the updated players. Never yield
        inside a `with`. Yield a tuple of turns if they must all step from the same state, or if
        the losses of two players share a forward pass. A round may be cut into micro-batches,
        each with its own script: code that must run once a round (a counter, a controller) goes
        under `if clock.first_micro_batch`.
        """

    @classmethod
    def assemble(cls, network: Callable[..., nn.Module], spec: Any, **settings: Any) -> Self:
        """Build the game for data with this `spec` (see `ganarium.data.spec.DataSpec`).

        `network(role, *collaborators)` builds the network that the recipe chose for a role.
        """
        return cls(**settings)

    def realness(self, samples: Tensor, condition: Tensor | None) -> Tensor | None:
        """Return scores `[N, ...]` of samples, larger for more real ones; None if the game has no scores.

        They are used for statistics during training; of several columns the first one counts.
        """
        return None

    def players(self) -> dict[str, nn.Module]:
        """Return every network with trainable parameters, by name."""
        return {name: net for name, net in self._networks() if any(p.requires_grad for p in net.parameters())}

    def _networks(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield the children; a container is replaced by its items."""
        waiting = list(self.named_children())
        while waiting:
            name, net = waiting.pop(0)
            if isinstance(net, nn.ModuleDict | nn.ModuleList):
                waiting = [(f"{name}.{item}", child) for item, child in net.named_children()] + waiting
            else:
                yield name, net

    def train(self, mode: bool = True) -> Self:
        """Set the players to training mode; frozen networks stay in eval mode."""
        super().train(mode)
        for _, net in self._networks():
            params = list(net.parameters())
            if params and not any(p.requires_grad for p in params):
                net.eval()
        return self
