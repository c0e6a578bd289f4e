"""Vital signs: what can be measured of any run beside its loss terms; the doctor reads them in the log.

They are taken at few rounds and cost next to nothing: how far a round moves each player, once a line of the
log; how unlike the data the samples are, how unlike each other, and how well the discriminator tells the two
apart, once a sheet of samples.
"""

import contextlib
import inspect
import math
import random
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ganarium.core.game import Game
from ganarium.data.batches import Conditioned, Unpaired, real_samples
from ganarium.data.dataset import Dataset

COMPARED = 256
"""Samples that are compared at most; a table of all their distances is made."""
COARSE = 64
"""Longest side, in pixels, at which pictures are compared."""
ALIKE = 0.2
"""Two samples are alike within about this share of the median distance between two real ones.

Eight modes on a ring, the nearest of them half a median distance apart, then count as 8.0 different samples;
of pictures, whose distances are nearly all the same, each counts as one.
"""

Signs = dict[str, float | None]


class UpdateProbe:
    """How far the next round moves each player: made before the round, asked after it.

    Args:
        players: the trainable parameters of each, by name; their gradients, which are spent, are dropped.
    """

    def __init__(self, players: Mapping[str, list[nn.Parameter]]):
        self.players = players
        self.before = {name: [p.detach().clone() for p in params] for name, params in players.items()}
        for params in players.values():
            for p in params:
                p.grad = None  # so that who has one afterwards took a turn

    def signs(self) -> dict[str, Signs]:
        """Of each player that took a turn: `gradient_norm`, the norm of the last one that it stepped by, and
        `relative_update`, how far the round moved its weights, as a share of their norm.
        """
        return {
            name: {"gradient_norm": _finite(_norm(gradients)), "relative_update": _finite(self._update(name))}
            for name, params in self.players.items()
            if (gradients := [p.grad for p in params if p.grad is not None])
        }

    def _update(self, name: str) -> Tensor:
        before, after = self.before[name], [p.detach() for p in self.players[name]]
        return _norm(list(torch._foreach_sub(after, before))) / _norm(before)


class SampleComparison:
    """Real samples, chosen by chance once and for all, that drawn ones are held against.

    Args:
        dataset: where they are.
        count: how many at most.
    """

    def __init__(self, dataset: Dataset, count: int):
        self.dataset = dataset
        self.chosen = random.Random(0).sample(range(len(dataset)), min(count, COMPARED, len(dataset)))
        batch = dataset.batch(self.chosen)
        if isinstance(batch, Unpaired):  # in turn, as a sheet shows them
            batch = torch.stack(batch.domains, 1).flatten(0, 1)[: len(self.chosen)]
        self.real = _coarse(real_samples(batch))
        self.shape = dataset.spec.shape
        self.within = _distances(self.real, self.real)
        self.usual = self.within[self._others].median().item() if len(self.chosen) > 1 else 0.0

    @property
    def _others(self) -> Tensor:
        """Which of a table of distances are between two samples."""
        return ~torch.eye(len(self.chosen), dtype=torch.bool)

    def data_signs(self) -> Signs:
        """`samples`: how many there are; `duplicates_per_sample`: how often each is there, estimated from
        the equal pairs among the chosen; `effective_samples`: the effective number among the chosen.
        """
        equal = (self.within[self._others] == 0).double().mean() if len(self.chosen) > 1 else 0.0
        return {
            "samples": len(self.dataset),
            "duplicates_per_sample": float(1 + equal * (len(self.dataset) - 1)),
            "effective_samples": self._different(self.within),
        }

    def signs(self, samples: Tensor) -> Signs:
        """Of drawn samples `[N, ...]`, as many as were chosen.

        `energy_distance` from the data: the energy coefficient, 0 where both are distributed alike, 1
        where they
        have nothing in common (Székely & Rizzo 2013, sec. 5). `effective_samples`: the effective number
        among them.
        """
        drawn = samples[: len(self.chosen)]
        if drawn.shape != (len(self.chosen), *self.shape) or not self.usual:
            return {}
        drawn = _coarse(drawn.cpu())
        within, between = _distances(drawn, drawn), 2 * _distances(self.real, drawn).mean()
        own, real = within[self._others].mean(), self.within[self._others].mean()
        return {
            "energy_distance": _finite((between - own - real) / between),
            "effective_samples": self._different(within),
        }

    def _different(self, distances: Tensor) -> float | None:
        """How many different samples there are among those with these distances: one over the chance that
        two are alike, which may be so in part (Leinster & Cobbold 2012, of order 2; as a count of modes
        Jalali et al. 2023, arXiv:2302.04473).
        """
        if not self.usual:
            return None
        return _finite(1 / (-(distances / (ALIKE * self.usual)).square()).exp().mean())

    @torch.no_grad()
    def discriminator_auc(
        self, game: Game, noise: Tensor, told: Tensor | None, batch_size: int
    ) -> float | None:
        """The chance, 0 to 1, that a real sample scores above one drawn now; None where there are no scores.

        The networks are asked as in a round, in training mode and batches of its size, and their buffers
        put back. At 0.5 the discriminator guesses, at 1 it is always right. A game whose discriminator does
        not put out a score a sample, higher for real ones, may say how real samples look to it in a method
        `realness(samples, condition)`, `[N, ...]`; of several columns the first one counts.
        """
        try:
            return self._discriminator_auc(game, noise, told, batch_size)
        except Exception:  # what the networks of other packages' games expect is not known
            return None

    def _discriminator_auc(
        self, game: Any, noise: Tensor, told: Tensor | None, batch_size: int
    ) -> float | None:
        count = min(len(noise), len(self.chosen))
        count -= count % batch_size if count > batch_size else 0
        real, fake = [], []
        with _as_in_a_round(game), torch.compiler.set_stance("force_eager"):
            for start in range(0, count, batch_size):
                part = slice(start, min(start + batch_size, count))
                batch = self.dataset.batch(self.chosen[part])
                condition = batch.condition if isinstance(batch, Conditioned) else None
                if isinstance(batch, Unpaired):
                    condition = torch.arange(len(batch.domains)).repeat_interleave(len(batch.domains[0]))
                real.append(_scores(game, real_samples(batch).to(noise.device), _at(noise.device, condition)))
                asked = None if told is None else told[part]
                fake.append(_scores(game, game.generate(noise[part], asked), asked))
        above, below = _joined(real), _joined(fake)
        if above is None or below is None:
            return None
        higher, equal = above[:, None] > below, above[:, None] == below
        return (higher.double() + equal.double() / 2).mean().item()


def _scores(game: Any, samples: Tensor, condition: Tensor | None) -> Tensor | None:
    """How real each sample looks to the discriminator, `[N]`; None where it does not say."""
    if hasattr(game, "realness"):
        scores = game.realness(samples, condition)
    else:
        asks_for_more = len(inspect.signature(game.discriminator.forward).parameters) > 1
        scores = game.discriminator(*([samples, condition] if asks_for_more else [samples]))
    if not isinstance(scores, Tensor) or len(scores) != len(samples) or scores.shape == samples.shape:
        return None
    return (scores[:, 0] if scores.ndim == 2 else scores.reshape(len(scores), -1).mean(1)).double()


def _joined(parts: list[Tensor | None]) -> Tensor | None:
    known = [part for part in parts if part is not None and part.isfinite().all()]
    return torch.cat(known) if known and len(known) == len(parts) else None


@contextlib.contextmanager
def _as_in_a_round(game: nn.Module) -> Iterator[None]:
    """Within the block the game is in training mode; its buffers are then put back."""
    was_training = game.training
    buffers = [(buffer, buffer.clone()) for buffer in game.buffers()]
    game.train()
    try:
        yield
    finally:
        for buffer, before in buffers:
            buffer.copy_(before)
        game.train(was_training)


def _at(device: torch.device, condition: Tensor | None) -> Tensor | None:
    return None if condition is None else condition.to(device)


def _finite(value: Tensor) -> float | None:
    """The number; None where it is none or infinite, for JSON knows neither."""
    number = value.item()
    return number if math.isfinite(number) else None


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(tensors)).double().norm()


def _coarse(samples: Tensor) -> Tensor:
    """Samples as they are compared: `[N, D]`, float64."""
    if samples.ndim == 4 and max(samples.shape[2:]) > COARSE:
        shrink = COARSE / max(samples.shape[2:])
        height, width = (max(1, round(side * shrink)) for side in samples.shape[2:])
        samples = adaptive_avg_pool2d(samples, (height, width))
    return samples.flatten(1).double()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
