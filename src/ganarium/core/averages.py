"""Running averages of players, used for saved models and for the samples of a run.

The averaged weights of a generator give better samples than the last ones (Karras et al. 2018,
arXiv:1710.10196, sec. 4.1; Yazici et al. 2019, arXiv:1806.04498). The half-life is a number of images, so
it means the same at every batch size.
"""

import contextlib
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class HalfLife:
    """Half-life of an average: `images` samples, but at most the share `ramp_up` of all samples shown."""

    images: float
    ramp_up: float | None = 0.05

    def decay(self, drawn: int, shown: int) -> float:
        """Return the share of the average that is kept after a round of `drawn` images, `shown` in total."""
        half_life = self.images if self.ramp_up is None else min(self.images, self.ramp_up * shown)
        return 0.5 ** (drawn / half_life) if half_life > 0 else 0.0


class Averages:
    """Averaged copies of the players that have a half-life."""

    def __init__(self, players: Mapping[str, nn.Module], half_lives: Mapping[str, HalfLife]):
        if unknown := half_lives.keys() - players.keys():
            raise ValueError(f"averages of {sorted(unknown)}, but the players are {', '.join(players)}")
        self.half_lives = dict(half_lives)
        self.live = {name: players[name] for name in half_lives}
        self.networks = {
            name: copy.deepcopy(net).requires_grad_(False).eval() for name, net in self.live.items()
        }

    @torch.no_grad()
    def update(self, drawn: int, shown: int) -> None:
        """Move each average towards its player; copy the buffers."""
        for name, average in self.networks.items():
            live = self.live[name]
            keep = self.half_lives[name].decay(drawn, shown)
            torch._foreach_lerp_(list(average.parameters()), list(live.parameters()), 1 - keep)
            for averaged, current in zip(average.buffers(), live.buffers(), strict=True):
                averaged.copy_(current)

    @contextlib.contextmanager
    def in_place(self, game: nn.Module) -> Iterator[None]:
        """Replace the game's players by their averages within the block; the game is in eval mode."""
        was_training = game.training
        self._put(game, self.networks)
        game.eval()
        try:
            yield
        finally:
            self._put(game, self.live)
            game.train(was_training)

    @staticmethod
    def _put(game: nn.Module, networks: Mapping[str, nn.Module]) -> None:
        for name, net in networks.items():
            parent, _, child = name.rpartition(".")
            game.get_submodule(parent)._modules[child] = net

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Return the state of each averaged copy, by player."""
        return {name: net.state_dict() for name, net in self.networks.items()}

    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Restore the state that `state_dict` returned."""
        for name, net in self.networks.items():
            net.load_state_dict(state[name])
