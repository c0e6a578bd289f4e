"""Distances of two supports: exact values of the divergences, and estimates by trained networks."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganarium.data.sources.densities import ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, measured_rounds, seeded, train_discriminator
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.methods.two_player import ScoredTwoPlayerGame
from ganarium.metrics.points import sliced_wasserstein
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = list[dict[str, Cell]]
Draw = Callable[[], tuple[Tensor, Tensor]]

BATCH, EVALUATED = 128, 2000
"""Points of each side in a training batch, and in the estimate of a bound."""
NOISE = 0.5
"""Standard deviation of the noise that makes the lines overlap."""
INDICATORS = {
    "critic's estimate": "wasserstein-gp",
    "discriminator's loss": "non-saturating",
    "generator's loss": "non-saturating",
}
"""Values that may indicate the progress of a run, and the objective of that run."""

SLOW, QUICK = ({"lr": lr, "betas": [0.0, 0.9]} for lr in (1e-3, 2e-3))
NEARLY_OPTIMAL: Mapping[str, Any] = {
    "game": {"discriminator_updates": 10},
    "optimizers": {"generator": SLOW, "discriminator": QUICK},
}
"""Recipe keys with which the discriminator is nearly optimal at each step of the generator."""
RUNS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "wasserstein-gp": ("wgan-gp", {"game": {"penalty_weight": 1.0}}),
    "non-saturating": ("gan", {}),
}
"""Method and recipe keys of each run."""


@seeded
def distances(
    *,
    shifts: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0),
    lessons_each: int = 300,
    rounds: int = 300,
    looks: int = 30,
    seed: int = 0,
) -> ExperimentResult:
    """Compare JS, KL and Wasserstein on two supports that move apart, and show a transport plan.

    JS saturates, KL is infinite, and the Wasserstein distance keeps its slope.

    Args:
        shifts: distances between two parallel lines (Arjovsky et al. 2017, arXiv:1701.07875, example 1).
        lessons_each: updates of each network that estimates a distance.
        rounds: rounds of two games on the ring, whose losses are compared with the true distance.
        looks: number of comparisons.
        seed: seed of weights, noise and points.

    Raises:
        ValueError: `lessons_each` below one, fewer than two rounds, looks or positive shifts, or negative
            shift.
    """
    check_counts(lessons_each=lessons_each)
    if min(rounds, looks) < 2:
        raise ValueError(f"rounds={rounds} and looks={looks}: a correlation needs at least 2 of each")
    if min(shifts, default=-1) < 0 or len(set(shifts) - {0}) < 2:
        raise ValueError(f"shifts={list(shifts)}: give at least two above 0, and none below")
    estimators = [train_estimators(_lines(shift), 2, rounds=lessons_each) for shift in shifts]
    learned = np.array([bounds(pair, _lines(shift)) for pair, shift in zip(estimators, shifts, strict=True)])
    axis, p, q = histograms()
    draw = _histogram_points(axis, p, q)
    by_critic = bounds(train_estimators(draw, 1, rounds=lessons_each), draw)[1]
    curves = {name: _track(name, rounds, looks, seed) for name in dict.fromkeys(INDICATORS.values())}
    correlations = [
        float(np.corrcoef(curves[name][indicator][1:], curves[name]["true distance"][1:])[0, 1])
        for indicator, name in INDICATORS.items()
    ]
    rows = [*_rows_of_shifts(np.array(shifts), learned), *_rows_of_plan(axis, p, q, by_critic)]
    rows += [
        _row("correlation with the true distance", indicator, 1, r)
        for indicator, r in zip(INDICATORS, correlations, strict=True)
    ]
    fine = np.linspace(0, max(shifts), 81)
    return ExperimentResult(
        name="distances",
        title="Distances of two supports, and indicators of them",
        rows=rows,
        words=(
            "Between lines that do not meet, Jensen-Shannon (log 2), total variation (1) and KL (infinite) "
            "are the same at every distance: they give a generator no direction, unless noise makes the "
            "lines overlap. The Wasserstein distance is the shift itself, and a critic of slope one measures "
            "it. On the ring the critic's estimate falls with the true distance (correlation "
            f"{correlations[0]:.2f}); the non-saturating generator's loss does not ({correlations[2]:.2f})."
        ),
        arrays=arrays(
            shifts=shifts,
            learned=learned,
            fine=fine,
            blurred=[blurred_jensen_shannon(shift, NOISE) for shift in fine],
            axis=axis,
            p=p,
            q=q,
            plan=plan(p, q),
            **_profiles(estimators[-1], torch.linspace(-0.5, shifts[-1] + 0.5, 101)),
            **{f"{name}: {key}": values for name, each in curves.items() for key, values in each.items()},
        ),
        plot=_draw,
    )


# Exact


def exact(shift: float) -> dict[str, float]:
    """Return the distances of two parallel lines: KL, total variation, JS and Wasserstein-1."""
    apart = shift != 0
    return {
        "KL": math.inf if apart else 0.0,
        "total variation": float(apart),
        "Jensen-Shannon": math.log(2) if apart else 0.0,
        "Wasserstein": abs(shift),
    }


def blurred_jensen_shannon(shift: float, deviation: float) -> float:
    """Compute JS of the two lines with normal noise of this deviation, by integration across them."""
    x = torch.linspace(-6 * deviation, 6 * deviation + shift, 4001, dtype=torch.float64)
    logs = torch.stack([torch.distributions.Normal(mean, deviation).log_prob(x) for mean in (0.0, shift)])
    middle = torch.logaddexp(*logs) - math.log(2)
    return torch.trapezoid((logs.exp() * (logs - middle)).sum(0) / 2, x).item()


def histograms() -> tuple[Array, Array, Array]:
    """Return places on a line and two distributions over them, p with two peaks and q with one."""
    axis = np.linspace(0, 3, 13)
    p = np.exp(-((axis - 0.6) ** 2) / 0.1) + 0.6 * np.exp(-((axis - 1.9) ** 2) / 0.05)
    q = np.exp(-((axis - 2.2) ** 2) / 0.3)
    return axis, p / p.sum(), q / q.sum()


def plan(p: Array, q: Array) -> Array:
    """Return the optimal transport plan of two distributions over the same ordered places, `[N, N]`.

    On a line the cheapest plan keeps the order (Villani 2003, Topics in optimal transportation, theorem
    2.18): the mass from i to j is the overlap of their intervals on the axis of cumulated mass.
    """
    ends, other_ends = p.cumsum(), q.cumsum()
    overlaps = np.minimum.outer(ends, other_ends) - np.maximum.outer(ends - p, other_ends - q)
    return overlaps.clip(min=0)


def cost(moved: Array, axis: Array) -> float:
    """Return the cost of a plan: the sum of mass times distance."""
    return float((moved * np.abs(np.subtract.outer(axis, axis))).sum())


# Learned

LOSSES = {
    "Jensen-Shannon": AdversarialLoss(objective="non-saturating"),
    "Wasserstein": AdversarialLoss(objective="wasserstein", penalty="one-sided-gp"),
}
"""Losses of the estimators: a logistic discriminator, and a critic of slope one."""


def train_estimators(draw: Draw, inputs: int, *, rounds: int) -> dict[str, MLPDiscriminator]:
    """Train a network with each of `LOSSES` on points with `inputs` coordinates."""
    networks = {}
    for name, adversarial_loss in LOSSES.items():
        networks[name] = MLPDiscriminator((inputs,), width=64, depth=2)
        for _ in train_discriminator(networks[name], adversarial_loss, draw, rounds=rounds, lr=5e-3):
            pass
    return networks


@torch.no_grad()
def bounds(networks: Mapping[str, MLPDiscriminator], draw: Draw) -> list[float]:
    """Estimate JS (Goodfellow et al. 2014, theorem 1) and the Wasserstein distance on fresh points."""
    losses = [
        [LOSSES[name].discriminator(network(x), network(y)).item() for x, y in _batches(draw)]
        for name, network in networks.items()
    ]
    return [math.log(2) - sum(losses[0]) / len(losses[0]) / 2, -sum(losses[1]) / len(losses[1])]


def _batches(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    return [draw() for _ in range(EVALUATED // BATCH)]


@torch.no_grad()
def _profiles(networks: Mapping[str, MLPDiscriminator], axis: Tensor) -> dict[str, Array]:
    """Return the probability "real" and the critic's score along a path between the two lines."""
    path = torch.stack([axis, torch.full_like(axis, 0.5)], 1)
    logistic, critic = (network(path) for network in networks.values())
    return arrays(x=axis, probability=logistic.sigmoid(), score=critic - critic.max())


def _lines(shift: float) -> Draw:
    """Return a function that draws points on the line at 0 and on the one at `shift`."""

    def draw() -> tuple[Tensor, Tensor]:
        heights = torch.rand(2, BATCH)
        return torch.stack([torch.zeros(BATCH), heights[0]], 1), torch.stack(
            [torch.full((BATCH,), shift), heights[1]], 1
        )

    return draw


def _histogram_points(axis: Array, p: Array, q: Array) -> Draw:
    """Return a function that draws points `[N, 1]` of two histograms."""
    places, shares = torch.from_numpy(axis).float(), torch.from_numpy(np.stack([p, q]))

    def draw() -> tuple[Tensor, Tensor]:
        x, y = places[torch.multinomial(shares, BATCH, replacement=True)].unsqueeze(2)
        return x, y

    return draw


def _track(objective: str, rounds: int, looks: int, seed: int) -> dict[str, Array]:
    """Play a run on the ring; return its indicators and the true distance over time."""
    points = ring()
    method, changes = RUNS[objective]
    run = ToyRun(method, points, COMMON, NEARLY_OPTIMAL, changes, rounds=rounds, seed=seed)
    game = run.engine.game
    assert isinstance(game, ScoredTwoPlayerGame)
    curves: dict[str, list[float]] = {}
    times = measured_rounds(rounds, looks)
    for before, time in zip([0, *times[:-1]], times, strict=True):
        run.play(int(time - before))
        real, fake = points.sample(EVALUATED, seed=seed + 10_000), run.samples(EVALUATED, averaged=False)
        scores = run.scores(real), run.scores(fake)
        loss = game.adversarial_loss.discriminator(*scores).item()
        values = {
            "round": int(time),
            "true distance": sliced_wasserstein(real, fake),
            "critic's estimate": -loss,
            "discriminator's loss": loss,
            "generator's loss": game.adversarial_loss.generator(scores[1]).item(),
        }
        for key, value in values.items():
            curves.setdefault(key, []).append(value)
    return arrays(**curves)


# Table


def _row(what: str, where: str, theory: Cell, learned: Cell) -> dict[str, Cell]:
    return {"what": what, "of": where, "exact": theory, "learned": learned}


def _rows_of_shifts(shifts: Array, learned: Array) -> Rows:
    rows = []
    for shift, (js, wasserstein) in zip(shifts.tolist(), learned.tolist(), strict=True):
        bound = {"Jensen-Shannon": js, "Wasserstein": wasserstein}
        for what, value in exact(shift).items():
            rows.append(_row(what, f"lines {shift:g} apart", value, bound.get(what, "")))
    apart = shifts > 0
    for what, column, slope in (("Jensen-Shannon", 0, 0.0), ("Wasserstein", 1, 1.0)):
        learned_slope = np.polyfit(shifts[apart], learned[apart, column], 1)[0]
        rows.append(_row(f"slope of {what}", "lines apart", slope, float(learned_slope)))
    return rows


def _rows_of_plan(axis: Array, p: Array, q: Array, by_critic: float) -> Rows:
    """Return the costs of the best plan, which the critic, its dual, estimates, and of another plan."""
    return [
        _row("Wasserstein", "histograms, by the best plan", cost(plan(p, q), axis), by_critic),
        _row("cost", "histograms, each place to all alike", cost(np.outer(p, q), axis), ""),
    ]


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import panels

    figure, axes = panels(2, 3, size=(14, 8.5), title=result.title)
    _draw_lines(axes[0, 0])
    _draw_distances(axes[0, 1], result.arrays)
    _draw_profiles(axes[0, 2], result.arrays)
    _draw_plan(axes[1, 0], result.arrays)
    for panel, name in zip(axes[1, 1:], RUNS, strict=True):
        _draw_run(panel, name, result.arrays)
    return figure


def _draw_lines(panel: "Axes") -> None:
    """Draw the two supports, and the transport of mass from one to the other."""
    from ganarium.lab.plotting import FAKE, REAL

    panel.plot([0, 0], [0, 1], color=REAL, linewidth=4, label="data, at 0")
    panel.plot([1, 1], [0, 1], color=FAKE, linewidth=4, label="samples, at θ")
    arrow = {"arrowstyle": "->", "color": "0.5", "linewidth": 1.5}
    for height in np.linspace(0.1, 0.8, 5):
        panel.annotate("", (0.03, height), (0.97, height), arrowprops=arrow)
    panel.text(0.5, 0.88, "cheapest transport:\nθ for each point", ha="center")
    panel.set(title="two parallel lines", xlim=(-0.4, 1.4), ylim=(-0.25, 1.1))
    panel.legend(loc="lower center", ncols=2)
    panel.axis("off")


def _draw_distances(panel: "Axes", found: Mapping[str, Array]) -> None:
    from ganarium.lab.plotting import FAKE, REAL, SHADES

    shifts, learned, fine = found["shifts"], found["learned"], found["fine"]
    flat = np.ones(len(fine) - 1)
    panel.plot(fine, fine, color=FAKE, linewidth=2, label="Wasserstein")
    panel.plot(shifts, learned[:, 1], "o", color=FAKE, label="by a trained critic")
    panel.plot(fine[1:], flat, color=SHADES[2], linewidth=2, label="total variation")
    panel.plot(fine[1:], flat * math.log(2), color=REAL, linewidth=2, label="Jensen-Shannon: log 2")
    panel.plot(shifts, learned[:, 0], "s", color=REAL, label="by a trained discriminator")
    panel.plot(fine, found["blurred"], "--", color=REAL, label=f"with noise of {NOISE:g} on both")
    panel.set(title="distances (KL: infinite)", xlabel="θ", ylim=(-0.05, fine[-1] + 0.05))
    panel.legend(loc="upper left")


def _draw_profiles(panel: "Axes", found: Mapping[str, Array]) -> None:
    from ganarium.lab.plotting import FAKE, REAL

    x, shift = found["x"], found["shifts"][-1]
    panel.axvline(0, color=REAL, linewidth=4, alpha=0.3)
    panel.axvline(shift, color=FAKE, linewidth=4, alpha=0.3)
    panel.plot(x, found["probability"], color=REAL, linewidth=2, label='discriminator: probability "real"')
    panel.plot(x, found["score"], color=FAKE, linewidth=2, label="critic: score, slope −1")
    panel.text(0, -shift - 0.8, " data", color=REAL)
    panel.text(shift, -shift - 0.8, "samples ", color=FAKE, ha="right")
    panel.set(title=f"learned scores (θ = {shift:g})", xlabel="place between the lines", ylim=(None, 1.8))
    panel.legend(loc="upper right")


def _draw_plan(panel: "Axes", found: Mapping[str, Array]) -> None:
    """Draw the plan as a matrix, with the two histograms at its sides."""
    from ganarium.lab.plotting import FAKE, REAL

    axis, moved = found["axis"], found["plan"]
    step = axis[1] - axis[0]
    low, high = axis[0] - step / 2, axis[-1] + step / 2
    panel.imshow(moved.T, origin="lower", cmap="Greys", extent=(low, high, low, high))
    panel.plot([low, high], [low, high], color="0.6", linestyle=":", linewidth=1)
    panel.set(title=f"optimal transport plan, cost {cost(moved, axis):.2f}", xlabel="from: data")
    panel.set_ylabel("to: samples")
    panel.grid(False)
    below, beside = panel.inset_axes((0, 0, 1, 0.25)), panel.inset_axes((0.75, 0, 0.25, 1))
    below.bar(axis, found["p"], width=0.9 * step, color=REAL)
    beside.barh(axis, found["q"], height=0.9 * step, color=FAKE)
    below.set_xlim(low, high)
    beside.set_ylim(low, high)
    beside.invert_xaxis()
    for side in (below, beside):
        side.axis("off")


def _draw_run(panel: "Axes", name: str, found: Mapping[str, Array]) -> None:
    from ganarium.lab.plotting import FAKE, REAL, SHADES

    curves = {key: found[f"{name}: {key}"][1:] for key in ("round", "true distance", *INDICATORS)}
    panel.plot(curves["round"], curves["true distance"], color="black", linewidth=3, label="true distance")
    for (indicator, objective), shade in zip(INDICATORS.items(), (FAKE, REAL, SHADES[2]), strict=True):
        if objective == name:
            panel.plot(curves["round"], curves[indicator], color=shade, linewidth=2, label=indicator)
    panel.set(title=f"ring: {name}", xlabel="rounds", ylim=(0, None))
    panel.legend(loc="upper right")
