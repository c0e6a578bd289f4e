"""Statistics of a run besides its loss terms, which the doctor reads in the log.

They are measured rarely and cost little. Once per log line: gradient norm and relative update of each player.
Once per sample grid: energy distance between samples and data, effective number of different samples, and the
discriminator's AUC.
"""

import contextlib
import math
import random
import statistics
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ganarium.core.game import Game
from ganarium.data.batches import conditions_of, real_samples
from ganarium.data.dataset import Dataset
from ganarium.tasks.base import Case, Task, device_of

COMPARED = 256
"""Largest number of samples that are compared; all their pairwise distances are computed."""
ALIKE = 0.2
"""Distance at which two samples count as similar, as a share of the median distance between real samples.

Eight modes on a ring, whose nearest neighbors are half a median distance apart, then count as 8.0 different
samples. Distances between images are nearly equal, so each image counts as one.
"""

Statistics = dict[str, float | None]


class UpdateProbe:
    """Measurement of one round: the gradient norm and the relative update of each player.

    Create it before the round and call `measure` after the round.

    Args:
        players: trainable parameters by player. Their gradients, which are no longer needed, are dropped.
    """

    def __init__(self, players: Mapping[str, list[nn.Parameter]]):
        self.players = players
        self.before = {name: [p.detach().clone() for p in params] for name, params in players.items()}
        for params in players.values():
            for p in params:
                p.grad = None  # only players that take a turn in the round have gradients afterwards

    def measure(self) -> dict[str, Statistics]:
        """Return the statistics of each player that took a turn.

        `gradient_norm` is the norm of the gradient of the player's last step. For `relative_update` the norm
        of each parameter tensor's change is divided by the tensor's norm before the round. It is the median
        of these quotients, without tensors that were zero. One norm over all tensors would hide all updates
        but those of the layers with large weights. A value that is not finite is None.
        """
        return {
            name: {"gradient_norm": _finite(_norm(gradients)), "relative_update": self._update(name)}
            for name, params in self.players.items()
            if (gradients := [p.grad for p in params if p.grad is not None])
        }

    def _update(self, name: str) -> float | None:
        before = self.before[name]
        changes = torch._foreach_sub([p.detach() for p in self.players[name]], before)
        norms = torch.stack([*torch._foreach_norm(changes), *torch._foreach_norm(before)]).double()
        pairs = zip(*norms.view(2, -1).tolist(), strict=True)
        ratios = [change / size for change, size in pairs if size != 0]
        return statistics.median(ratios) if ratios and all(map(math.isfinite, ratios)) else None


class SampleComparison:
    """Comparison of generated samples with real ones, which are drawn at random once.

    Args:
        dataset: source of the real samples.
        count: largest number of samples to compare.
    """

    def __init__(self, dataset: Dataset, count: int):
        self.dataset = dataset
        self.chosen = random.Random(0).sample(range(len(dataset)), min(count, COMPARED, len(dataset)))
        real = real_samples(dataset.batch(self.chosen), alternating=True)  # as in a sample grid
        self.real = self.dataset.modality.coarse(real[: len(self.chosen)])
        self.shape = dataset.spec.shape
        self.within = _distances(self.real, self.real)
        self.typical = self.within[self._off_diagonal].median().item() if len(self.chosen) > 1 else 0.0

    @property
    def _off_diagonal(self) -> Tensor:
        """Mask of the distances between two different samples, `[N, N]`."""
        return ~torch.eye(len(self.chosen), dtype=torch.bool)

    def data_statistics(self) -> Statistics:
        """Return the statistics of the data.

        `samples` is the size of the dataset. `duplicates_per_sample` is the number of times that each sample
        occurs, estimated from the equal pairs among the chosen samples. `effective_samples` is the effective
        number of different samples among the chosen ones.
        """
        equal = (self.within[self._off_diagonal] == 0).double().mean() if len(self.chosen) > 1 else 0.0
        return {
            "samples": len(self.dataset),
            "duplicates_per_sample": float(1 + equal * (len(self.dataset) - 1)),
            "effective_samples": self._effective_samples(self.within),
        }

    def compare(self, samples: Tensor) -> Statistics:
        """Return the statistics of generated samples `[N, ...]`, of which as many are used as were chosen.

        `energy_distance` is the energy coefficient between samples and data: 0 if both have the same
        distribution, 1 if they have nothing in common (Székely & Rizzo 2013, sec. 5). `effective_samples` is
        the effective number of different samples. Empty if the samples cannot be compared: too few, of
        another shape, or no two real ones differ.
        """
        generated = samples[: len(self.chosen)]
        if generated.shape != (len(self.chosen), *self.shape) or not self.typical:
            return {}
        generated = self.dataset.modality.coarse(generated.cpu())
        within = _distances(generated, generated)
        between = 2 * _distances(self.real, generated).mean()
        own, real = within[self._off_diagonal].mean(), self.within[self._off_diagonal].mean()
        return {
            "energy_distance": _finite((between - own - real) / between),
            "effective_samples": self._effective_samples(within),
        }

    def _effective_samples(self, distances: Tensor) -> float | None:
        """Return the effective number of different samples, given their distances `[N, N]`.

        It is one over the mean similarity of two samples, in [0, 1] (Leinster & Cobbold 2012, of order 2; as
        a count of modes Jalali et al. 2023, arXiv:2302.04473).
        """
        if not self.typical:
            return None
        return _finite(1 / (-(distances / (ALIKE * self.typical)).square()).exp().mean())

    @torch.no_grad()
    def discriminator_auc(self, game: Game, task: Task, case: Case, batch_size: int) -> float | None:
        """Return the probability that a real sample scores above a generated one; None without scores.

        A discriminator that guesses has 0.5, one that is always right 1. As in a round, the networks are in
        training mode and get batches of its size; their buffers are restored. Scores are those of
        `Game.realness`.

        Args:
            game: game in training.
            task: task that generates samples.
            case: inputs of the samples.
            batch_size: samples of a micro-batch.
        """
        try:
            return self._discriminator_auc(game, task, case, batch_size)
        except Exception:  # games of other packages may expect other arguments
            return None

    def _discriminator_auc(self, game: Game, task: Task, case: Case, batch_size: int) -> float | None:
        device, spec = device_of(game), self.dataset.spec
        count = min(len(self.chosen), *map(len, case.inputs.values()))
        count -= count % batch_size if count > batch_size else 0
        real, fake = [], []
        with _training_mode(game), torch.compiler.set_stance("force_eager"):
            for start in range(0, count, batch_size):
                part = slice(start, min(start + batch_size, count))
                batch = self.dataset.batch(self.chosen[part])
                given = _moved(conditions_of(batch), device)
                real.append(_scores(game, real_samples(batch).to(device), given))
                inputs = {name: value[part] for name, value in case.inputs.items()}
                made = task.run_case(game, spec, Case(inputs))
                requested = _moved(inputs.get("condition"), device)
                fake.append(_scores(game, next(iter(made.values())), requested))
        above, below = _concatenated(real), _concatenated(fake)
        if above is None or below is None:
            return None
        higher, equal = above[:, None] > below, above[:, None] == below
        return (higher.double() + equal.double() / 2).mean().item()


def _scores(game: Any, samples: Tensor, condition: Tensor | None) -> Tensor | None:
    """Return the discriminator's score of each sample, `[N]`; None if it has no such scores."""
    scores = game.realness(samples, condition)
    if not isinstance(scores, Tensor) or len(scores) != len(samples) or scores.shape == samples.shape:
        return None
    return (scores[:, 0] if scores.ndim == 2 else scores.reshape(len(scores), -1).mean(1)).double()


def _concatenated(parts: list[Tensor | None]) -> Tensor | None:
    finite = [part for part in parts if part is not None and part.isfinite().all()]
    return torch.cat(finite) if finite and len(finite) == len(parts) else None


@contextlib.contextmanager
def _training_mode(game: nn.Module) -> Iterator[None]:
    """Put the game into training mode within the block; restore its mode and its buffers afterwards."""
    was_training = game.training
    buffers = [(buffer, buffer.clone()) for buffer in game.buffers()]
    game.train()
    try:
        yield
    finally:
        for buffer, before in buffers:
            buffer.copy_(before)
        game.train(was_training)


def _moved(condition: Tensor | None, device: torch.device) -> Tensor | None:
    return None if condition is None else condition.to(device)


def _finite(value: Tensor) -> float | None:
    """Return the value as a number, or None if it is infinite or NaN, which JSON cannot hold."""
    number = value.item()
    return number if math.isfinite(number) else None


def _norm(tensors: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(tensors)).double().norm()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
