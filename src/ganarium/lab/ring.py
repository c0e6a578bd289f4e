"""One ring, many objectives: who covers all modes, how soon, and how well."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.data.sources.densities import Points
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import ToyRun, check_counts, lattice, looks_at, points_named, seeded
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNT, GLANCE = 5000, 1000
"""Samples judged at the end, and on the way."""
STEPS = 60
"""Places along each side of a decision surface."""

ADAM = {"lr": 4e-3, "betas": [0.0, 0.99], "schedule": {"kind": "linear", "start": 0.5, "end_factor": 0.05}}
NETWORK = {"kind": "mlp", "width": 64, "depth": 2}
COMMON: Mapping[str, Any] = {
    "batch_size": 128,
    "game": {"noise_dim": 4},
    "networks": {"generator": NETWORK, "discriminator": NETWORK},
    "optimizers": {"generator": ADAM, "discriminator": ADAM},
    "averages": {"generator": {"half_life_kimg": 20}},
}
"""What all objectives have in common: keys of a recipe."""

OBJECTIVES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "non-saturating": ("gan", {}),
    "least-squares": ("lsgan", {}),
    "hinge": ("gan", {"objective": "hinge"}),
    "relativistic-average": ("relativistic-gan", {"relativistic": "average"}),
    "wasserstein-gp": ("wgan-gp", {"penalty_weight": 0.1, "discriminator_updates": 2}),
    "relativistic-standard": ("relativistic-gan", {"relativistic": "standard"}),
    "saturating": ("gan", {"objective": "saturating"}),
}
"""Each objective's method, and the keys of its game."""


@seeded
def ring(
    *,
    objectives: tuple[str, ...] = tuple(OBJECTIVES)[:5],
    points: str = "ring",
    r1_weight: float = 0.1,
    rounds: int = 2500,
    looks: int = 25,
    seed: int = 0,
) -> ExperimentResult:
    """Objectives side by side on eight modes: samples, decision surfaces, modes covered, distance over time.

    Args:
        objectives: of `OBJECTIVES`; all have the same networks, first weights, noise and data.
        points: `ring`, `grid` or `spiral`.
        r1_weight: of the penalty R1 for all but WGAN-GP, which has its own; 0 plays without.
        rounds: updates of the generator.
        looks: how often modes and distance are measured on the way.
        seed: of weights, noise and data.

    Raises:
        ValueError: an unknown objective or distribution, a count below one, or a weight below zero.
    """
    check_counts(rounds=rounds, looks=looks, objectives=len(objectives))
    if r1_weight < 0:
        raise ValueError(f"r1_weight is {r1_weight}; it must be 0 or more")
    for name in objectives:
        if name not in OBJECTIVES:
            choice = f"choose from {', '.join(OBJECTIVES)}{nearest(name, OBJECTIVES)}"
            raise ValueError(f"no objective {name!r}; {choice}")
    target = points_named(points)
    real = target.sample(COUNT, seed=seed + 10_000)
    reach = 1.4 * real.abs().max().item()
    times = looks_at(rounds, looks)
    rows: list[dict[str, Cell]] = []
    found: dict[str, list[Array]] = {}
    for name in objectives:
        match = match_of(name, target, r1_weight=r1_weight, rounds=rounds, seed=seed)
        modes, distances = followed(match, target, real[:GLANCE], times)
        samples = match.samples(COUNT)
        missing = np.array([True, *(modes < len(target.centers))])
        whole = np.flatnonzero(missing)[-1]  # the look after the last one with a mode missing
        rows.append(
            {
                "objective": name,
                "penalty": penalty_of(match),
                "modes covered": f"{modes_covered(samples, target)} of {len(target.centers)}",
                "all since round": int(times[whole]) if whole < len(times) else "never",
                "good samples": share_of_good_samples(samples, target),
                "sliced W1": sliced_wasserstein(samples, real),
            }
        )
        surface = match.scores(lattice(reach, STEPS)).view(STEPS, STEPS)
        values = arrays(samples=samples, surfaces=surface, modes=modes, distances=distances)
        for key, value in values.items():
            found.setdefault(key, []).append(value)
    others = target.sample(COUNT, seed=seed + 20_000)
    floor, rough_floor = (sliced_wasserstein(real[:count], others[:count]) for count in (COUNT, GLANCE))
    return ExperimentResult(
        name="ring",
        title=f"{len(objectives)} objectives on the {points}: {rounds:,} rounds, seed {seed}",
        rows=rows,
        words=(
            "All begin with the same weights, and most samples lie between modes at first. A mode counts as "
            "covered once it has a quarter of its fair share of samples within four standard deviations. "
            f"Two sets of {COUNT:,} data are {floor:.3f} apart by the sliced Wasserstein distance: what is "
            "above that is the generator's, mostly modes that get more than their share."
        ),
        arrays=arrays(
            objectives=objectives,
            rounds=times,
            real=real,
            reach=reach,
            floor=rough_floor,
            **{key: np.stack(values) for key, values in found.items()},
        ),
        painter=_draw,
    )


def match_of(objective: str, target: Points, *, r1_weight: float, rounds: int, seed: int) -> ToyRun:
    """The match of one objective."""
    method, game = OBJECTIVES[objective]
    r1 = {"penalty": "r1", "penalty_weight": r1_weight} if r1_weight and method != "wgan-gp" else {}
    return ToyRun(method, target, COMMON, {"game": {**game, **r1}}, rounds=rounds, seed=seed)


def penalty_of(match: ToyRun) -> str:
    """The discriminator's penalty and its weight, to be read."""
    game = match.recipe.game
    return "none" if game["penalty"] == "none" else f"{game['penalty']}, weight {game['penalty_weight']:g}"


def followed(match: ToyRun, target: Points, real: Tensor, times: Array) -> tuple[Array, Array]:
    """Play the match; at each look the averaged generator's modes covered and its distance from the data."""
    modes, distances = [], []
    for before, time in zip([0, *times[:-1]], times, strict=True):
        match.play(int(time - before))
        samples = match.samples(len(real))
        modes.append(modes_covered(samples, target))
        distances.append(sliced_wasserstein(samples, real))
    return np.array(modes), np.array(distances)


def _draw(finding: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import sheet

    found, columns = finding.arrays, len(finding.rows)
    figure = sheet(size=(max(8.4, 2.8 * columns), 8.8), title=finding.title)
    halves: Any = figure.subfigures(2, 1, height_ratios=[2, 1])
    axes = halves[0].subplots(2, columns, squeeze=False)
    for (top, bottom), row, samples, scores in zip(
        axes.T, finding.rows, found["samples"], found["surfaces"], strict=True
    ):
        _draw_samples(top, row, found, samples)
        _draw_surface(bottom, found, scores)
    axes[0, 0].set_ylabel("samples, on data")
    axes[1, 0].set_ylabel("scores: blue is more real")
    left, right = halves[1].subplots(1, 2)
    _draw_curves(left, right, finding)
    return figure


def _draw_samples(panel: "Axes", row: Mapping[str, Cell], found: Mapping[str, Array], samples: Array) -> None:
    from ganarium.lab.plotting import FAKE, REAL, bare

    reach = found["reach"].item()
    for side, shade in ((found["real"], REAL), (samples, FAKE)):
        panel.scatter(side[:1000, 0], side[:1000, 1], s=5, color=shade, alpha=0.4, linewidths=0)
    panel.text(0, 0, f"{row['modes covered']} modes\nW1 {row['sliced W1']:.3f}", ha="center", va="center")
    panel.set(title=row["objective"], xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    bare(panel)


def _draw_surface(panel: "Axes", found: Mapping[str, Array], values: Array) -> None:
    """Blue where the plane scores above its median, red below."""
    from ganarium.lab.plotting import surface

    reach = found["reach"].item()
    surface(panel, values - np.median(values), reach)
    ticks = np.linspace(-reach, reach, STEPS)
    panel.contour(ticks, ticks, values, levels=10, colors="black", linewidths=0.4, alpha=0.5)
    panel.scatter(found["real"][:300, 0], found["real"][:300, 1], s=1, color="black", linewidths=0)


def _draw_curves(left: "Axes", right: "Axes", finding: ExperimentResult) -> None:
    from ganarium.lab.plotting import SHADES

    found = finding.arrays
    for row, shade, modes, distances in zip(
        finding.rows, SHADES, found["modes"], found["distances"], strict=False
    ):
        left.plot(found["rounds"], modes, color=shade, linewidth=2, label=row["objective"])
        right.semilogy(found["rounds"], distances, color=shade, linewidth=2)
    right.axhline(found["floor"].item(), color="black", linestyle=":", label="between two sets of data")
    left.set(xlabel="rounds", title="modes covered", ylim=(0, None))
    right.set(xlabel="rounds", title="sliced Wasserstein distance to the data")
    left.legend(loc="lower right")
    right.legend(loc="upper right")
