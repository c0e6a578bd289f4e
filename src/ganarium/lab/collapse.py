"""Mode collapse and mode dropping, told apart by when each mode is covered, and what cures which."""

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from ganarium.common.text import nearest
from ganarium.data.sources.densities import Points, ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, looks_at, seeded
from ganarium.metrics.points import covered_modes, mode_widths, share_of_good_samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNT = 1000
"""Samples at each look."""
COLLAPSED = 0.25
"""A generator that covers less than this share of the modes at once has collapsed."""


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
"""Too slow for its generator, and too fast: each one's share of the rounds, and keys of a recipe."""
CURES: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "minibatch discrimination": {"networks": {"discriminator": {"minibatch_discrimination": 4}}},
    "R1": {"game": {"penalty": "r1", "penalty_weight": 0.5}},
    "gradient penalty": {"game": {"penalty": "gp", "penalty_weight": 1.0}},
    "instance noise": {"game": {"instance_noise": 0.5}},
}
"""Keys of a recipe again."""


@seeded
def collapse(
    *, cures: tuple[str, ...] = tuple(CURES), rounds: int = 800, looks: int = 40, seed: int = 0
) -> ExperimentResult:
    """Mode collapse and mode dropping told apart, and what each cure does to them.

    The standard game on a ring of eight wide modes, once with a discriminator that is too slow for its
    generator, once with one that is too fast.

    Args:
        cures: of `CURES`.
        rounds: updates of each generator against the weak discriminator; 0.6 as many against the strong one.
        looks: how often it is seen which modes the generator covers.
        seed: of weights, noise and data.

    Raises:
        ValueError: an unknown cure, or a count below one.
    """
    check_counts(rounds=rounds // 2, looks=looks, cures=len(cures))
    for cure in cures:
        if cure not in CURES:
            raise ValueError(f"no cure {cure!r}; choose from {', '.join(CURES)}{nearest(cure, CURES)}")
    points = ring(deviation=0.1)
    rows: list[dict[str, Cell]] = []
    samples, covered = [], []
    for kind, (length, disease) in DISCRIMINATORS.items():
        for cure in cures:
            changes = (COMMON, {"batch_size": 64}, disease, CURES[cure])
            match = ToyRun("gan", points, *changes, rounds=round(length * rounds), seed=seed)
            seen, last = followed(match, points, round(length * rounds), looks)
            samples.append(last.numpy())
            covered.append(seen)
            rows.append({"discriminator": kind, "cure": cure, **told(seen, last, points)})
    return ExperimentResult(
        name="collapse",
        title="Which modes does the generator cover, and when?",
        rows=rows,
        words=(
            "Against a weak discriminator the generator collapses: it puts nearly all samples into one place "
            "and, once found out, moves on. Against a strong one it drops modes: it covers several at once, "
            "and some never. Minibatch discrimination sees that samples are alike; R1, gradient penalty and "
            "noise lay a slope between the modes. Here all modes were covered with: "
            f"{_cured(rows, 'weak')} (weak discriminator); {_cured(rows, 'strong')} (strong)."
        ),
        arrays=arrays(
            real=points.sample(COUNT, seed=seed), samples=np.stack(samples), covered=np.stack(covered)
        ),
        painter=_draw,
    )


def followed(match: ToyRun, points: Points, rounds: int, looks: int) -> tuple[Array, Tensor]:
    """Play the match; which modes the generator covers at each look, `[looks, M]`, and its last samples."""
    times = looks_at(rounds, looks)
    seen = []
    for before, time in itertools.pairwise(times):
        match.play(int(time - before))
        samples = match.samples(COUNT, averaged=False)
        seen.append(covered_modes(samples, points).numpy())
    return np.stack(seen), samples


def told(seen: Array, last: Tensor, points: Points) -> dict[str, Cell]:
    """Collapse and dropping, from the modes covered at each look in the second half `[looks, M]`."""
    late = seen[len(seen) // 2 :]
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
    """The cures with which a discriminator's generator covers all modes, to be read."""
    found = [
        str(row["cure"])
        for row in rows
        if row["discriminator"] == discriminator and row["verdict"] == "all covered"
    ]
    return ", ".join(found) or "none"


def _draw(finding: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import panels

    kinds = len(DISCRIMINATORS)
    columns = len(finding.rows) // kinds
    size = (2.8 * columns, 4.6 * kinds)
    ratios = {"height_ratios": [3, 1] * kinds}
    figure, axes = panels(2 * kinds, columns, size=size, title=finding.title, gridspec_kw=ratios)
    for index, row in enumerate(finding.rows):
        line, column = divmod(index, columns)
        _draw_samples(axes[2 * line, column], row, finding.arrays, index)
        _draw_times(axes[2 * line + 1, column], finding.arrays["covered"][index])
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
    """A line a mode, dark while it is covered."""
    panel.imshow(covered.T, aspect="auto", cmap="Greys", vmin=0, vmax=1.3, interpolation="nearest")
    panel.set(xlabel="time", xticks=[], yticks=[])
    panel.grid(False)
