"""What tests of games share: small networks, optimizers, streams, and games that show one thing."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ganarium.core.engine import Engine
from ganarium.core.game import Game


def mlp(inputs: int = 2, outputs: int = 1, width: int = 32) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, outputs),
    )


class Scalar(nn.Module):
    """One number, in float64."""

    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value, dtype=torch.float64))


class TwoPlayerGame(Game):
    """A generator and a discriminator of points, playing whatever script they are given."""

    def __init__(self, script: Callable, **state: object):
        super().__init__()
        torch.manual_seed(0)
        self.generator, self.discriminator = mlp(2, 2), mlp()
        self.script = script
        for name, value in state.items():
            setattr(self, name, value)

    def play(self, data, clock):
        return self.script(self, data, clock)

    def judged_fake(self, count: int = 8) -> Tensor:
        """Scores of fresh fake samples."""
        return self.discriminator(self.generator(torch.randn(count, 2)))


def adam(game: Game, lr: float = 1e-3, betas: tuple[float, float] = (0.0, 0.99), **settings) -> dict:
    """An Adam for each player."""
    return {
        name: torch.optim.Adam(net.parameters(), lr=lr, betas=betas, **settings)
        for name, net in game.players().items()
    }


def sgd(game: Game, lr: float = 0.1) -> dict:
    """Plain gradient descent for each player."""
    return {name: torch.optim.SGD(net.parameters(), lr=lr) for name, net in game.players().items()}


def played(engine: Engine, data: Iterator, rounds: int) -> dict[str, Tensor]:
    """The last round's terms."""
    for _ in range(rounds):
        terms = engine.round(data)
    return terms


class Stream:
    """Endless batches of normal points, each a function of its number; counts what it gave."""

    def __init__(self, *shape: int, start: int = 0):
        self.shape, self.numbers, self.images = shape or (8, 2), itertools.count(start), 0

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        self.images += self.shape[0]
        shared_random = torch.Generator().manual_seed(10_000 + next(self.numbers))
        return torch.randn(*self.shape, generator=shared_random)


def copies(net: nn.Module) -> list[Tensor]:
    """The parameters as they stand."""
    return [p.detach().clone() for p in net.parameters()]


def assert_equal(ours: nn.Module, theirs: nn.Module) -> None:
    """Every parameter and buffer is bit-equal."""
    mine, others = ours.state_dict(), theirs.state_dict()
    differing = [key for key in mine if not torch.equal(mine[key], others[key])]
    assert not differing, differing


def assert_near(ours: nn.Module, theirs: nn.Module, *, rtol: float = 1e-5, atol: float = 1e-7) -> None:
    """Every parameter is the same up to rounding."""
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=rtol, atol=atol, msg=lambda text, name=name: f"{name}: {text}")
