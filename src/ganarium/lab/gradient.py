"""What the generator learns from while the discriminator becomes optimal: two losses, two gradients."""

import copy
import itertools
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ganarium.data.sources.densities import Points, ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, lessons, looks_at, seeded
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.objectives import OBJECTIVES
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = ("saturating", "non-saturating")
"""The generator's; both ask the same of the discriminator."""
JUDGES = {"": AdversarialLoss(), ", R1": AdversarialLoss(penalty="r1", penalty_weight=1.0)}
"""The discriminators, by what is added to a stage's name."""
BATCH, BATCHES = 128, 8
"""Each figure is told from so many fresh batches."""


@seeded
def gradient(
    *, stages: tuple[int, ...] = (0, 100, 1000), steps: int = 600, looks: int = 24, seed: int = 0
) -> ExperimentResult:
    """The generator's gradient while the discriminator becomes optimal: saturating against non-saturating.

    A generator is held still at some stages of its training on the ring, and new discriminators learn to
    tell its samples from the data (Arjovsky & Bottou 2017, arXiv:1701.04862, figures 2 and 3).

    Args:
        stages: rounds after which the generator is held still, in rising order.
        steps: of each discriminator.
        looks: how often the gradients are measured.
        seed: of weights, noise and points.

    Raises:
        ValueError: a count below one, or stages that do not rise from zero or more.
    """
    check_counts(steps=steps, looks=looks, stages=len(stages))
    if list(stages) != sorted(set(stages)) or stages[0] < 0:
        raise ValueError(f"stages={list(stages)} are rounds of one training: give them in rising order")
    points = ring()
    match = ToyRun("gan", points, COMMON, rounds=max(1, stages[-1]), seed=seed)
    rows: list[dict[str, Cell]] = []
    watched: dict[str, dict[str, Array]] = {}
    for before, stage in zip((0, *stages), stages, strict=False):
        match.play(stage - before)
        generator = copy.deepcopy(match.engine.players["generator"])
        for added, adversarial_loss in JUDGES.items():
            name = f"round {stage}{added}"
            watched[name] = observed(
                generator, adversarial_loss, points, match.recipe.game["noise_dim"], steps, looks
            )
            rows += _rows(name, watched[name])
    return ExperimentResult(
        name="gradient",
        title="A generator held still, a discriminator on its way to the optimum",
        rows=rows,
        words=(
            "The better a discriminator tells early samples from data, the less of the saturating loss "
            "reaches the generator: its gradient dies. That of the non-saturating loss does not, but grows "
            "with the discriminator's slope. R1, a penalty on that slope, keeps both in between; and where "
            "samples are like data, it lets both rest."
        ),
        arrays=arrays(
            names=list(watched),
            steps=looks_at(steps, looks),
            **{
                key: np.stack([each[key] for each in watched.values()])
                for key in ("norms", "noise", "scores")
            },
        ),
        painter=_draw,
    )


def observed(
    generator: nn.Module,
    adversarial_loss: AdversarialLoss,
    points: Points,
    noise_dim: int,
    steps: int,
    looks: int,
) -> dict[str, Array]:
    """The gradients of both losses while a new discriminator learns.

    Returns:
        Of each loss at each look, `[L, looks]`: `norms`, the length of the mean gradient, and `noise`, how
        far single batches' gradients lie from it, as a share of its length. At each look: the mean `scores`
        of samples, and the `accuracy` of the discriminator.
    """

    def draw() -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            fake = generator(torch.randn(BATCH, noise_dim))
        return points.sample(BATCH, seed=int(torch.randint(2**31, ()))), fake

    discriminator = MLPDiscriminator((2,), width=64, depth=2)
    due = set(looks_at(steps, looks).tolist())
    told: dict[str, list] = {"norms": [], "noise": [], "scores": [], "accuracy": []}
    for step in itertools.chain([0], lessons(discriminator, adversarial_loss, draw, rounds=steps, lr=2e-3)):
        if step not in due:
            continue
        gradients = [_gradient(generator, discriminator, loss, noise_dim) for loss in LOSSES]
        told["norms"].append([length for length, _ in gradients])
        told["noise"].append([spread for _, spread in gradients])
        with torch.no_grad():
            real_scores, fake_scores = (discriminator(side) for side in draw())
        told["scores"].append(fake_scores.mean().item())
        told["accuracy"].append(torch.cat([real_scores > 0, fake_scores < 0]).float().mean().item())
    return {key: np.array(values).T for key, values in told.items()}


def _gradient(
    generator: nn.Module, discriminator: nn.Module, loss: str, noise_dim: int
) -> tuple[float, float]:
    """Length of the mean over batches, and how far each batch's gradient lies from it, as a share of that."""
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


def _rows(name: str, watched: dict[str, Array]) -> list[dict[str, Cell]]:
    return [
        {
            "generator": name,
            "discriminator right": float(watched["accuracy"][-1]),
            "loss": loss,
            "first gradient": float(norms[0]),
            "last gradient": float(norms[-1]),
            "last over first": float(norms[-1] / norms[0]),
            "noise": float(noise[-1]),
        }
        for loss, norms, noise in zip(LOSSES, watched["norms"], watched["noise"], strict=True)
    ]


def _draw(finding: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import SHADES, panels

    figure, axes = panels(1, 3, size=(14, 5.4), title=finding.title)
    found = finding.arrays
    _draw_slopes(axes[0, 0])
    for panel, loss, norms in zip(axes[0, 1:], LOSSES, found["norms"].swapaxes(0, 1), strict=True):
        for index, (name, lengths) in enumerate(zip(found["names"], norms, strict=True)):
            plain, penalized = divmod(index, len(JUDGES))
            style = {"color": SHADES[plain], "linestyle": ("-", "--")[penalized]}
            panel.semilogy(found["steps"], lengths, linewidth=2, label=str(name), **style)
        panel.set(title=f"{loss}: the generator's gradient", xlabel="discriminator's steps")
        panel.set_ylim(found["norms"].min() / 2, found["norms"].max() * 2)
    told = axes[0, 1].get_legend_handles_labels()
    figure.legend(*told, title="generator after", loc="outside lower center", ncols=len(found["names"]))
    return figure


def _draw_slopes(panel: "Axes") -> None:
    """How much of a sample's slope each loss lets through, by its score."""
    from ganarium.lab.plotting import FAKE, REAL

    scores = np.linspace(-8, 8, 200)
    share = 1 / (1 + np.exp(-scores))
    panel.plot(scores, share, color=FAKE, linewidth=2)
    panel.plot(scores, 1 - share, color=REAL, linewidth=2)
    panel.text(4.5, 0.9, "saturating:\nD(G)", color=FAKE, ha="center", va="top")
    panel.text(-4.5, 0.9, "non-saturating:\n1 − D(G)", color=REAL, ha="center", va="top")
    arrow = {"arrowstyle": "->"}
    panel.annotate("early samples\nare found out", (-5.5, 0.04), (-5.5, 0.3), ha="center", arrowprops=arrow)
    panel.set(title="slope of the loss, by a sample's score", xlabel="score before the sigmoid")
