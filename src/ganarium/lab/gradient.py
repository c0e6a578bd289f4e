"""Gradients of two generator losses while the discriminator becomes optimal."""

import copy
import itertools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ganarium.data.sources.densities import Points, ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, measured_rounds, seeded, train_discriminator
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.objectives import OBJECTIVES
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = ("saturating", "non-saturating")
"""Losses of the generator; the loss of the discriminator is the same for both."""
DISCRIMINATORS = {"": AdversarialLoss(), ", R1": AdversarialLoss(penalty="r1", penalty_weight=1.0)}
"""Losses of the discriminators, by the suffix of a row's name."""
BATCH, BATCHES = 128, 8
"""Size and number of the fresh batches for each measurement."""


@seeded
def gradient(
    *, stages: tuple[int, ...] = (0, 100, 1000), steps: int = 600, looks: int = 24, seed: int = 0
) -> ExperimentResult:
    """Measure the gradients of two generator losses while the discriminator becomes optimal.

    The saturating and the non-saturating loss are compared. The generator is fixed at some stages of its
    training on the ring, and new discriminators learn to distinguish its samples from the data (Arjovsky &
    Bottou 2017, arXiv:1701.04862, figures 2 and 3).

    Args:
        stages: rounds after which the generator is fixed, in rising order.
        steps: updates of each discriminator.
        looks: number of measurements of the gradients.
        seed: seed of weights, noise and points.

    Raises:
        ValueError: count below one, or stages that are negative or not in rising order.
    """
    check_counts(steps=steps, looks=looks, stages=len(stages))
    if list(stages) != sorted(set(stages)) or stages[0] < 0:
        raise ValueError(f"stages={list(stages)}: give rounds from 0 on in rising order")
    points = ring()
    run = ToyRun("gan", points, COMMON, rounds=max(1, stages[-1]), seed=seed)
    rows: list[dict[str, Cell]] = []
    measured: dict[str, dict[str, Array]] = {}
    for before, stage in zip((0, *stages), stages, strict=False):
        run.play(stage - before)
        generator = copy.deepcopy(run.engine.players["generator"])
        for suffix, adversarial_loss in DISCRIMINATORS.items():
            name = f"round {stage}{suffix}"
            measured[name] = measure_gradients(
                generator, adversarial_loss, points, run.recipe.game["noise_dim"], steps, looks
            )
            rows += _rows(name, measured[name])
    return ExperimentResult(
        name="gradient",
        title="A fixed generator, and a discriminator that approaches the optimum",
        rows=rows,
        words=(
            "The better a discriminator separates early samples from data, the smaller is the gradient of "
            "the saturating loss: it vanishes. The gradient of the non-saturating loss grows with the slope "
            "of the discriminator. R1, a penalty on that slope, keeps both gradients in between. If the "
            "samples resemble the data, both gradients are small with R1."
        ),
        arrays=arrays(
            names=list(measured),
            steps=measured_rounds(steps, looks),
            **{
                key: np.stack([each[key] for each in measured.values()])
                for key in ("norms", "noise", "scores")
            },
        ),
        plot=_draw,
    )


def measure_gradients(
    generator: nn.Module,
    adversarial_loss: AdversarialLoss,
    points: Points,
    noise_dim: int,
    steps: int,
    looks: int,
) -> dict[str, Array]:
    """Measure the gradients of both losses while a new discriminator learns.

    Returns:
        `norms`, the length of the mean gradient, and `noise`, the deviation of single batches' gradients from
        it as a share of its length, both `[L, looks]` for L losses; the mean `scores` of samples, and the
        `accuracy` of the discriminator, both `[looks]`.
    """

    def draw() -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, noise_dim))
        return points.sample(BATCH, seed=int(torch.randint(2**31, ()))), fake

    discriminator = MLPDiscriminator((2,), width=64, depth=2)
    due = set(measured_rounds(steps, looks).tolist())
    curves: dict[str, list] = {"norms": [], "noise": [], "scores": [], "accuracy": []}
    training = train_discriminator(discriminator, adversarial_loss, draw, rounds=steps, lr=2e-3)
    for step in itertools.chain([0], training):
        if step not in due:
            continue
        gradients = [_gradient(generator, discriminator, loss, noise_dim) for loss in LOSSES]
        curves["norms"].append([length for length, _ in gradients])
        curves["noise"].append([spread for _, spread in gradients])
        with torch.no_grad():
            real_scores, fake_scores = (discriminator(side) for side in draw())
        curves["scores"].append(fake_scores.mean().item())
        curves["accuracy"].append(torch.cat([real_scores > 0, fake_scores < 0]).float().mean().item())
    return {key: np.array(values).T for key, values in curves.items()}


def _gradient(
    generator: nn.Module, discriminator: nn.Module, loss: str, noise_dim: int
) -> tuple[float, float]:
    """Return the length of the mean gradient, and the batches' deviation from it as a share of the length."""
    parameters = list(generator.parameters())
    each = []
    for _ in range(BATCHES):
        scores = discriminator(generator(torch.randn(BATCH, noise_dim)))
        gradients = torch.autograd.grad(OBJECTIVES[loss].generator(scores), parameters)
        each.append(torch.cat([part.flatten() for part in gradients]).double())
    batches = torch.stack(each)
    mean = batches.mean(0)
    length = mean.norm().item()
    return length, (batches - mean).square().sum(1).mean().sqrt().item() / length


def _rows(name: str, measured: dict[str, Array]) -> list[dict[str, Cell]]:
    return [
        {
            "generator": name,
            "discriminator right": float(measured["accuracy"][-1]),
            "loss": loss,
            "first gradient": float(norms[0]),
            "last gradient": float(norms[-1]),
            "last over first": float(norms[-1] / norms[0]),
            "noise": float(noise[-1]),
        }
        for loss, norms, noise in zip(LOSSES, measured["norms"], measured["noise"], strict=True)
    ]


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import SHADES, panels

    figure, axes = panels(1, 3, size=(14, 5.4), title=result.title)
    found = result.arrays
    _draw_slopes(axes[0, 0])
    for panel, loss, norms in zip(axes[0, 1:], LOSSES, found["norms"].swapaxes(0, 1), strict=True):
        for index, (name, lengths) in enumerate(zip(found["names"], norms, strict=True)):
            stage, penalized = divmod(index, len(DISCRIMINATORS))
            style = {"color": SHADES[stage], "linestyle": ("-", "--")[penalized]}
            panel.semilogy(found["steps"], lengths, linewidth=2, label=str(name), **style)
        panel.set(title=f"{loss}: the generator's gradient", xlabel="discriminator's steps")
        panel.set_ylim(found["norms"].min() / 2, found["norms"].max() * 2)
    legend = axes[0, 1].get_legend_handles_labels()
    figure.legend(*legend, title="generator after", loc="outside lower center", ncols=len(found["names"]))
    return figure


def _draw_slopes(panel: "Axes") -> None:
    """Draw the slope of each loss over the score of a sample."""
    from ganarium.lab.plotting import FAKE, REAL

    scores = np.linspace(-8, 8, 200)
    share = 1 / (1 + np.exp(-scores))
    panel.plot(scores, share, color=FAKE, linewidth=2)
    panel.plot(scores, 1 - share, color=REAL, linewidth=2)
    panel.text(4.5, 0.9, "saturating:\nD(G)", color=FAKE, ha="center", va="top")
    panel.text(-4.5, 0.9, "non-saturating:\n1 − D(G)", color=REAL, ha="center", va="top")
    arrow = {"arrowstyle": "->"}
    panel.annotate("scores of\nearly samples", (-5.5, 0.04), (-5.5, 0.3), ha="center", arrowprops=arrow)
    panel.set(title="slope of the loss, by a sample's score", xlabel="score before the sigmoid")
