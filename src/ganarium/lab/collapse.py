"""Mode collapse and mode dropping, distinguished by the times at which modes are covered, and their cures."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.data.sources.densities import Points, ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, measured_rounds, seeded
from ganarium.metrics.points import covered_modes, mode_widths, share_of_good_samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNT = 1000
"""Number of samples in each measurement."""
COLLAPSED = 0.25
"""Share of the modes; a generator that covers less at once has collapsed."""


def _adam(lr: float, momentum: float) -> dict[str, Any]:
    return {"kind": "adam", "lr": lr, "betas": [momentum, 0.99], "schedule": {"kind": "constant"}}


DISCRIMINATORS: Mapping[str, tuple[float, Mapping[str, Any]]] = {
    "weak": (1.0, {"optimizers": {"generator": _adam(2e-3, 0.5), "discriminator": _adam(5e-4, 0.5)}}),
    "strong": (
        0.6,
        {
            "game": {"discriminator_updates": 5},
            "optimizers": {"generator": _adam(1e-3, 0.0), "discriminator": _adam(2e-3, 0.0)},
        },
    ),
}
"""Discriminators that are too slow and too fast for the generator: share of the rounds, and recipe keys."""
CURES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "minibatch discrimination": {"networks": {"discriminator": {"minibatch_discrimination": 4}}},
    "R1": {"game": {"penalty": "r1", "penalty_weight": 0.5}},
    "gradient penalty": {"game": {"penalty": "gp", "penalty_weight": 1.0}},
    "instance noise": {"game": {"instance_noise": 0.5}},
}
"""Recipe keys of each cure."""


@seeded
def collapse(
    *, cures: tuple[str, ...] = tuple(CURES), rounds: int = 800, looks: int = 40, seed: int = 0
) -> ExperimentResult:
    """Distinguish mode collapse from mode dropping, and show the effect of each cure.

    The standard game is played on a ring of eight wide modes, once with a discriminator that is too slow for
    its generator, and once with one that is too fast.

    Args:
        cures: names in `CURES`.
        rounds: updates of each generator against the weak discriminator; 0.6 times as many against the
            strong one.
        looks: number of measurements of the covered modes.
        seed: seed of weights, noise and data.

    Raises:
        ValueError: unknown cure, or count below one.
    """
    check_counts(rounds=rounds // 2, looks=looks, cures=len(cures))
    for cure in cures:
        if cure not in CURES:
            raise ValueError(f"unknown cure {cure!r}; choose from {', '.join(CURES)}{nearest(cure, CURES)}")
    points = ring(deviation=0.1)
    rows: list[dict[str, Cell]] = []
    samples, covered = [], []
    for kind, (length, keys) in DISCRIMINATORS.items():
        for cure in cures:
            changes = (COMMON, {"batch_size": 64}, keys, CURES[cure])
            run = ToyRun("gan", points, *changes, rounds=round(length * rounds), seed=seed)
            modes, last = track(run, points, round(length * rounds), looks)
            samples.append(last.numpy())
            covered.append(modes)
            rows.append({"discriminator": kind, "cure": cure, **summarize(modes, last, points)})
    return ExperimentResult(
        name="collapse",
        title="Which modes does the generator cover, and when?",
        rows=rows,
        words=(
            "Against a weak discriminator the generator collapses: it puts nearly all samples into one place "
            "and moves on once the discriminator rejects them. Against a strong one it drops modes: it "
            "covers several at once, and some never. Minibatch discrimination detects samples that are "
            "alike; R1, gradient penalty and noise make the scores slope between the modes. All modes were "
            "covered with: "
            f"{_cured(rows, 'weak')} (weak discriminator); {_cured(rows, 'strong')} (strong)."
        ),
        arrays=arrays(
            real=points.sample(COUNT, seed=seed), samples=np.stack(samples), covered=np.stack(covered)
        ),
        plot=_draw,
    )


def track(run: ToyRun, points: Points, rounds: int, looks: int) -> tuple[Array, Tensor]:
    """Play a run; return the modes covered at each measurement, bool `[looks, M]`, and the last samples."""
    times = measured_rounds(rounds, looks)
    covered = []
    for before, time in itertools.pairwise(times):
        run.play(int(time - before))
        samples = run.samples(COUNT, averaged=False)
        covered.append(covered_modes(samples, points).numpy())
    return np.stack(covered), samples


def summarize(covered: Array, last: Tensor, points: Points) -> dict[str, Cell]:
    """Return the verdict and its values, from the second half of the covered modes, bool `[looks, M]`."""
    late = covered[len(covered) // 2 :]
    at_once, ever, modes = late.sum(1).mean().item(), int(late.any(0).sum()), late.shape[1]
    verdict = "collapse" if at_once < COLLAPSED * modes else "dropping" if ever < modes else "all covered"
    return {
        "modes at once": at_once,
        "modes ever": ever,
        "verdict": verdict,
        "changes a look": float((late[1:] != late[:-1]).sum(1).mean()) if len(late) > 1 else 0.0,
        "width of modes": mode_widths(last, points).nanmean().item(),
        "good samples": share_of_good_samples(last, points),
    }


def _cured(rows: list[dict[str, Cell]], discriminator: str) -> str:
    """Return the cures that cover all modes against this discriminator, as text."""
    found = [
        str(row["cure"])
        for row in rows
        if row["discriminator"] == discriminator and row["verdict"] == "all covered"
    ]
    return ", ".join(found) or "none"


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import panels

    kinds = len(DISCRIMINATORS)
    columns = len(result.rows) // kinds
    size = (2.8 * columns, 4.6 * kinds)
    ratios = {"height_ratios": [3, 1] * kinds}
    figure, axes = panels(2 * kinds, columns, size=size, title=result.title, gridspec_kw=ratios)
    for index, row in enumerate(result.rows):
        line, column = divmod(index, columns)
        _draw_samples(axes[2 * line, column], row, result.arrays, index)
        _draw_times(axes[2 * line + 1, column], result.arrays["covered"][index])
        if column == 0:
            axes[2 * line, 0].set_ylabel(f"{row['discriminator']} discriminator", fontweight="bold")
            axes[2 * line + 1, 0].set_ylabel("mode")
    return figure


def _draw_samples(panel: "Axes", row: Mapping[str, Cell], found: Mapping[str, Array], index: int) -> None:
    from ganarium.lab.plotting import FAKE, REAL, bare

    for side, shade in ((found["real"], REAL), (found["samples"][index], FAKE)):
        panel.scatter(side[:, 0], side[:, 1], s=5, color=shade, alpha=0.4, linewidths=0)
    panel.text(0, 0, str(row["verdict"]), ha="center", va="center", fontweight="bold")
    panel.set(title=f"cure: {row['cure']}", xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
    bare(panel)


def _draw_times(panel: "Axes", covered: Array) -> None:
    """Draw one line per mode, dark while the mode is covered."""
    panel.imshow(covered.T, aspect="auto", cmap="Greys", vmin=0, vmax=1.3, interpolation="nearest")
    panel.set(xlabel="time", xticks=[], yticks=[])
    panel.grid(False)
