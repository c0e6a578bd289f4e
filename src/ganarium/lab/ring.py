"""Objectives compared on a ring of modes: coverage, speed and quality."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.data.sources.densities import Points
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import ToyRun, check_counts, lattice, measured_rounds, points_named, seeded
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNT, INTERIM_COUNT = 5000, 1000
"""Number of samples evaluated at the end, and during the run."""
STEPS = 60
"""Number of grid points along each side of a decision surface."""

ADAM = {"lr": 4e-3, "betas": [0.0, 0.99], "schedule": {"kind": "linear", "start": 0.5, "end_factor": 0.05}}
NETWORK = {"kind": "mlp", "width": 64, "depth": 2}
COMMON: Mapping[str, Any] = {
    "batch_size": 128,
    "game": {"noise_dim": 4},
    "networks": {"generator": NETWORK, "discriminator": NETWORK},
    "optimizers": {"generator": ADAM, "discriminator": ADAM},
    "averages": {"generator": {"half_life_kimg": 20}},
}
"""Recipe keys that all objectives share."""

OBJECTIVES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "non-saturating": ("gan", {}),
    "least-squares": ("lsgan", {}),
    "hinge": ("gan", {"objective": "hinge"}),
    "relativistic-average": ("relativistic-gan", {"relativistic": "average"}),
    "wasserstein-gp": ("wgan-gp", {"penalty_weight": 0.1, "discriminator_updates": 2}),
    "relativistic-standard": ("relativistic-gan", {"relativistic": "standard"}),
    "saturating": ("gan", {"objective": "saturating"}),
}
"""Method of each objective, and keys of its game."""


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
    """Compare objectives on eight modes: samples, decision surfaces, modes covered, distance over time.

    Args:
        objectives: names in `OBJECTIVES`; all have the same networks, first weights, noise and data.
        points: `ring`, `grid` or `spiral`.
        r1_weight: weight of the penalty R1 for all but WGAN-GP, which has its own; 0 means no penalty.
        rounds: updates of the generator.
        looks: number of measurements of modes and distance during the run.
        seed: seed of weights, noise and data.

    Raises:
        ValueError: unknown objective or distribution, count below one, or weight below zero.
    """
    check_counts(rounds=rounds, looks=looks, objectives=len(objectives))
    if r1_weight < 0:
        raise ValueError(f"r1_weight is {r1_weight}; it must be 0 or more")
    for name in objectives:
        if name not in OBJECTIVES:
            choice = f"choose from {', '.join(OBJECTIVES)}{nearest(name, OBJECTIVES)}"
            raise ValueError(f"unknown objective {name!r}; {choice}")
    target = points_named(points)
    real = target.sample(COUNT, seed=seed + 10_000)
    reach = 1.4 * real.abs().max().item()
    times = measured_rounds(rounds, looks)
    rows: list[dict[str, Cell]] = []
    found: dict[str, list[Array]] = {}
    for name in objectives:
        run = toy_run(name, target, r1_weight=r1_weight, rounds=rounds, seed=seed)
        row, values = _measure(run, target, real, times)
        rows.append({"objective": name, **row})
        values |= arrays(surfaces=run.scores(lattice(reach, STEPS)).view(STEPS, STEPS))
        for key, value in values.items():
            found.setdefault(key, []).append(value)
    others = target.sample(COUNT, seed=seed + 20_000)
    floor, interim_floor = (
        sliced_wasserstein(real[:count], others[:count]) for count in (COUNT, INTERIM_COUNT)
    )
    return ExperimentResult(
        name="ring",
        title=f"{len(objectives)} objectives on the {points}: {rounds:,} rounds, seed {seed}",
        rows=rows,
        words=(
            "All objectives begin with the same weights; at first most samples lie between the modes. A mode "
            "is covered if more than a quarter of its fair share of samples lies within four standard "
            f"deviations. The sliced Wasserstein distance of two sets of {COUNT:,} data is {floor:.3f}; the "
            "excess over it comes from the generator, mostly from modes with more than their fair share."
        ),
        arrays=arrays(
            objectives=objectives,
            rounds=times,
            real=real,
            reach=reach,
            floor=interim_floor,
            **{key: np.stack(values) for key, values in found.items()},
        ),
        plot=_draw,
    )


def _measure(
    run: ToyRun, target: Points, real: Tensor, times: Array
) -> tuple[dict[str, Cell], dict[str, Array]]:
    """Train to the end; return one objective's row of the table and its arrays."""
    modes, distances = track(run, target, real[:INTERIM_COUNT], times)
    samples = run.samples(COUNT)
    missing = np.array([True, *(modes < len(target.centers))])
    complete = np.flatnonzero(missing)[-1]  # measurement after the last one at which a mode is missing
    row: dict[str, Cell] = {
        "penalty": penalty_of(run),
        "modes covered": f"{modes_covered(samples, target)} of {len(target.centers)}",
        "all since round": int(times[complete]) if complete < len(times) else "never",
        "good samples": share_of_good_samples(samples, target),
        "sliced W1": sliced_wasserstein(samples, real),
    }
    return row, arrays(samples=samples, modes=modes, distances=distances)


def toy_run(objective: str, target: Points, *, r1_weight: float, rounds: int, seed: int) -> ToyRun:
    """Return a run with one objective."""
    method, game = OBJECTIVES[objective]
    r1 = {"penalty": "r1", "penalty_weight": r1_weight} if r1_weight and method != "wgan-gp" else {}
    return ToyRun(method, target, COMMON, {"game": {**game, **r1}}, rounds=rounds, seed=seed)


def penalty_of(run: ToyRun) -> str:
    """Return the discriminator's penalty and its weight as text."""
    game = run.recipe.game
    return "none" if game["penalty"] == "none" else f"{game['penalty']}, weight {game['penalty_weight']:g}"


def track(run: ToyRun, target: Points, real: Tensor, times: Array) -> tuple[Array, Array]:
    """Play a run; return the averaged generator's covered modes and distance from the data over time."""
    modes, distances = [], []
    for before, time in zip([0, *times[:-1]], times, strict=True):
        run.play(int(time - before))
        samples = run.samples(len(real))
        modes.append(modes_covered(samples, target))
        distances.append(sliced_wasserstein(samples, real))
    return np.array(modes), np.array(distances)


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import new_figure

    found, columns = result.arrays, len(result.rows)
    figure = new_figure(size=(max(8.4, 2.8 * columns), 8.8), title=result.title)
    halves: Any = figure.subfigures(2, 1, height_ratios=[2, 1])
    axes = halves[0].subplots(2, columns, squeeze=False)
    for (top, bottom), row, samples, scores in zip(
        axes.T, result.rows, found["samples"], found["surfaces"], strict=True
    ):
        _draw_samples(top, row, found, samples)
        _draw_surface(bottom, found, scores)
    axes[0, 0].set_ylabel("samples, on data")
    axes[1, 0].set_ylabel("scores: blue is more real")
    left, right = halves[1].subplots(1, 2)
    _draw_curves(left, right, result)
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
    """Draw the scores in the plane: blue above their median, red below."""
    from ganarium.lab.plotting import surface

    reach = found["reach"].item()
    surface(panel, values - np.median(values), reach)
    ticks = np.linspace(-reach, reach, STEPS)
    panel.contour(ticks, ticks, values, levels=10, colors="black", linewidths=0.4, alpha=0.5)
    panel.scatter(found["real"][:300, 0], found["real"][:300, 1], s=1, color="black", linewidths=0)


def _draw_curves(left: "Axes", right: "Axes", result: ExperimentResult) -> None:
    from ganarium.lab.plotting import SHADES

    found = result.arrays
    for row, shade, modes, distances in zip(
        result.rows, SHADES, found["modes"], found["distances"], strict=False
    ):
        left.plot(found["rounds"], modes, color=shade, linewidth=2, label=row["objective"])
        right.semilogy(found["rounds"], distances, color=shade, linewidth=2)
    right.axhline(found["floor"].item(), color="black", linestyle=":", label="between two sets of data")
    left.set(xlabel="rounds", title="modes covered", ylim=(0, None))
    right.set(xlabel="rounds", title="sliced Wasserstein distance to the data")
    left.legend(loc="lower right")
    right.legend(loc="upper right")
