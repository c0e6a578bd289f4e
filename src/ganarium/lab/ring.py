"""One ring, many objectives: who covers all modes, and how soon."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ganarium.data.points import Points
from ganarium.lab.finding import Cell, Finding
from ganarium.lab.matches import Match, check_counts, lattice, points_named
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein
from ganarium.tables import nearest

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COUNT = 5000
"""Samples judged at the end; along the way a fifth of them."""
STEPS = 60
"""Places along each side of a decision surface."""

ADAM = {"lr": 1e-3, "betas": [0.0, 0.99], "schedule": {"kind": "linear", "start": 0.5, "end_factor": 0.05}}
NETWORK = {"kind": "mlp", "width": 64, "depth": 2}
COMMON: Mapping[str, Any] = {
    "batch_size": 128,
    "game": {"noise_dim": 4},
    "networks": {"generator": NETWORK, "discriminator": NETWORK},
    "optimizers": {"generator": ADAM, "discriminator": ADAM},
    "averages": {"generator": {"half_life_kimg": 20}},
}
"""What all objectives have in common: keys of a recipe."""

R1 = {"penalty": "r1", "penalty_weight": 0.1}
OBJECTIVES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "non-saturating": ("gan", {"objective": "non-saturating", **R1}),
    "least-squares": ("gan", {"objective": "least-squares", **R1}),
    "hinge": ("gan", {"objective": "hinge", **R1}),
    "wasserstein-gp": ("wgan-gp", {"penalty_weight": 0.1, "discriminator_updates": 3}),
}
"""Each objective's method and the keys of its game."""


def ring(
    *,
    objectives: tuple[str, ...] = tuple(OBJECTIVES),
    points: str = "ring",
    rounds: int = 1500,
    looks: int = 15,
    seed: int = 0,
) -> Finding:
    """Objectives side by side on a ring of eight modes: samples, decision surfaces, modes covered, distance.

    Args:
        objectives: of `OBJECTIVES`; all have the same networks, first weights, noise and data.
        points: `ring`, `grid` or `spiral`.
        rounds: updates of the generator.
        looks: how often modes and distance are measured on the way.
        seed: of weights, noise and data.

    Raises:
        ValueError: an unknown objective or distribution, or a count below one.
    """
    check_counts(rounds=rounds, looks=looks)
    target = points_named(points)
    rows: list[dict[str, Cell]] = []
    figures: dict[str, list] = {name: [] for name in ("samples", "surfaces", "modes", "distances")}
    real = target.sample(COUNT, seed=seed + 10_000)
    reach = 1.4 * real.abs().max().item()
    for name in objectives:
        row, found = _played(name, target, real, reach, rounds=rounds, looks=looks, seed=seed)
        rows.append(row)
        for key, values in found.items():
            figures[key].append(values)
    return Finding(
        name="ring",
        title=f"{len(objectives)} objectives on the {points}, {rounds:,} rounds, seed {seed}",
        rows=rows,
        words="",
        arrays={
            "objectives": np.array(objectives),
            "rounds": _times(rounds, looks),
            "real": real.numpy(),
            "reach": np.array(reach),
            **{key: np.array(values) for key, values in figures.items()},
        },
        painter=_draw,
    )


def _times(rounds: int, looks: int) -> np.ndarray:
    return np.unique(np.linspace(0, rounds, looks + 1).round().astype(int))


def _played(
    name: str, target: Points, real: torch.Tensor, reach: float, *, rounds: int, looks: int, seed: int
) -> tuple[dict[str, Cell], dict[str, Any]]:
    if name not in OBJECTIVES:
        raise ValueError(
            f"no objective {name!r}; choose from {', '.join(OBJECTIVES)}{nearest(name, OBJECTIVES)}"
        )
    method, game = OBJECTIVES[name]
    match = Match(method, target, COMMON, {"game": game}, rounds=rounds, seed=seed)
    times = _times(rounds, looks)
    modes, distances = [], []
    for played, until in zip([0, *times[:-1]], times, strict=True):
        match.play(int(until - played))
        drawn = match.samples(COUNT // 5)
        modes.append(modes_covered(drawn, target))
        distances.append(sliced_wasserstein(drawn, real[: COUNT // 5]))
    samples = match.samples(COUNT)
    row: dict[str, Cell] = {
        "objective": name,
        "modes covered": f"{modes_covered(samples, target)} of {len(target.centres)}",
        "good samples": share_of_good_samples(samples, target),
        "sliced W1": sliced_wasserstein(samples, real),
    }
    surface = match.scores(lattice(reach, STEPS)).view(STEPS, STEPS)
    found = {"samples": samples.numpy(), "surfaces": surface.numpy(), "modes": modes, "distances": distances}
    return row, found


def _draw(finding: Finding) -> "Figure":
    from ganarium.lab.drawing import FAKE, REAL, SHADES, bare, panels, surface

    names, found = finding.arrays["objectives"], finding.arrays
    reach = found["reach"].item()
    figure, axes = panels(3, max(2, len(names)), size=(3 * max(2, len(names)), 9), title=finding.title)
    for column, (name, row) in enumerate(zip(names, finding.rows, strict=True)):
        top, middle = axes[:2, column]
        top.set_title(name)
        top.scatter(*found["real"][:1000].T, s=4, color=REAL, alpha=0.5, linewidths=0, label="data")
        top.scatter(
            *found["samples"][column][:1000].T, s=4, color=FAKE, alpha=0.5, linewidths=0, label="samples"
        )
        top.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        top.set_xlabel(f"{row['modes covered']} modes, W1 {row['sliced W1']:.3f}")
        bare(top)
        surface(middle, found["surfaces"][column], reach)
        middle.set_xlabel("decision surface")
    for below in axes[2]:
        below.remove()
    cells = axes[2, 0].get_gridspec()
    half = len(axes[2]) // 2
    left, right = figure.add_subplot(cells[2, :half]), figure.add_subplot(cells[2, half:])
    for name, shade, modes, distances in zip(names, SHADES, found["modes"], found["distances"], strict=False):
        left.step(found["rounds"], modes, color=shade, where="post", label=name)
        right.semilogy(found["rounds"], distances, color=shade, label=name)
    left.set(xlabel="rounds", ylabel="modes covered", ylim=(0, None))
    right.set(xlabel="rounds", ylabel="sliced Wasserstein distance")
    axes[0, 0].legend(loc="center", markerscale=3)
    left.legend(loc="lower right")
    return figure
