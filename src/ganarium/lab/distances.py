"""How far apart two supports are: what each divergence says of it, and what trained networks do."""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ganarium.data.sources.densities import ring
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.ring import COMMON
from ganarium.lab.toy_training import ToyRun, check_counts, lessons, looks_at, seeded
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.methods.two_player import ScoredTwoPlayerGame
from ganarium.metrics.points import sliced_wasserstein
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Rows = list[dict[str, Cell]]
Draw = Callable[[], tuple[Tensor, Tensor]]

BATCH, JUDGED = 128, 2000
"""Points of each side in a lesson, and for reading off a bound."""
NOISE = 0.5
"""Standard deviation of the noise that makes the lines overlap."""
READINGS = {
    "critic's estimate": "wasserstein-gp",
    "discriminator's loss": "non-saturating",
    "generator's loss": "non-saturating",
}
"""What could tell how a match stands, and the match's objective."""


SLOW, QUICK = ({"lr": lr, "betas": [0.0, 0.9]} for lr in (1e-3, 2e-3))
NEARLY_OPTIMAL: Mapping[str, Any] = {
    "game": {"discriminator_updates": 10},
    "optimizers": {"generator": SLOW, "discriminator": QUICK},
}
"""Keys of a recipe whose discriminator is trained well before each step of the generator."""
MATCHES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "wasserstein-gp": ("wgan-gp", {"game": {"penalty_weight": 1.0}}),
    "non-saturating": ("gan", {}),
}


@seeded
def distances(
    *,
    shifts: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0),
    lessons_each: int = 300,
    rounds: int = 300,
    looks: int = 30,
    seed: int = 0,
) -> ExperimentResult:
    """Two supports moving apart: JS saturates, KL is infinite, Wasserstein keeps its slope; a transport plan.

    Args:
        shifts: distances between two parallel lines (Arjovsky et al. 2017, arXiv:1701.07875, example 1).
        lessons_each: updates of each network that estimates a distance.
        rounds: of two games on the ring, whose losses are set beside the true distance.
        looks: how often they are.
        seed: of weights, noise and points.

    Raises:
        ValueError: no lessons, fewer than two rounds, looks or shifts above zero, or a shift below it.
    """
    check_counts(lessons_each=lessons_each)
    if min(rounds, looks) < 2:
        raise ValueError(f"rounds={rounds} and looks={looks}: a correlation needs at least 2 of each")
    if min(shifts, default=-1) < 0 or len(set(shifts) - {0}) < 2:
        raise ValueError(f"shifts={list(shifts)}: give at least two above 0, and none below")
    judges = [taught(_lines(shift), 2, rounds=lessons_each) for shift in shifts]
    learned = np.array([bounds(judge, _lines(shift)) for judge, shift in zip(judges, shifts, strict=True)])
    axis, p, q = histograms()
    hills = _drawn(axis, p, q)
    by_critic = bounds(taught(hills, 1, rounds=lessons_each), hills)[1]
    followed = {name: _followed(name, rounds, looks, seed) for name in dict.fromkeys(READINGS.values())}
    by_reading = [
        float(np.corrcoef(followed[name][reading][1:], followed[name]["true distance"][1:])[0, 1])
        for reading, name in READINGS.items()
    ]
    rows = [*_rows_of_shifts(np.array(shifts), learned), *_rows_of_plan(axis, p, q, by_critic)]
    rows += [
        _row("correlation with the true distance", reading, 1, r)
        for reading, r in zip(READINGS, by_reading, strict=True)
    ]
    fine = np.linspace(0, max(shifts), 81)
    return ExperimentResult(
        name="distances",
        title="Two supports moving apart, and what tells that they come together",
        rows=rows,
        words=(
            "Lines that do not meet are equally far apart for Jensen-Shannon (log 2), total variation (1) "
            "and KL (infinite), however far they are: nothing tells a generator where to go, unless noise "
            "makes them overlap. The Wasserstein distance is the shift itself, and a critic of slope one "
            "measures it. On the ring its estimate falls with the true distance (correlation "
            f"{by_reading[0]:.2f}); the non-saturating generator's loss does not ({by_reading[2]:.2f})."
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
            **_profiles(judges[-1], torch.linspace(-0.5, shifts[-1] + 0.5, 101)),
            **{f"{name}: {key}": values for name, each in followed.items() for key, values in each.items()},
        ),
        painter=_draw,
    )


# Exact


def exact(shift: float) -> dict[str, float]:
    """The distances of two parallel lines: KL, total variation, JS and Wasserstein-1."""
    apart = shift != 0
    return {
        "KL": math.inf if apart else 0.0,
        "total variation": float(apart),
        "Jensen-Shannon": math.log(2) if apart else 0.0,
        "Wasserstein": abs(shift),
    }


def blurred_jensen_shannon(shift: float, deviation: float) -> float:
    """JS of the two lines with normal noise of that deviation, by integration across them."""
    x = torch.linspace(-6 * deviation, 6 * deviation + shift, 4001, dtype=torch.float64)
    logs = torch.stack([torch.distributions.Normal(mean, deviation).log_prob(x) for mean in (0.0, shift)])
    middle = torch.logaddexp(*logs) - math.log(2)
    return torch.trapezoid((logs.exp() * (logs - middle)).sum(0) / 2, x).item()


def histograms() -> tuple[Array, Array, Array]:
    """Places on a line, and two distributions over them: two hills, and one hill beside them."""
    axis = np.linspace(0, 3, 13)
    p = np.exp(-((axis - 0.6) ** 2) / 0.1) + 0.6 * np.exp(-((axis - 1.9) ** 2) / 0.05)
    q = np.exp(-((axis - 2.2) ** 2) / 0.3)
    return axis, p / p.sum(), q / q.sum()


def plan(p: Array, q: Array) -> Array:
    """The optimal transport plan of two distributions over the same ordered places, `[N, N]`.

    On a line the cheapest way keeps the order (Villani 2003, Topics in optimal transportation, theorem
    2.18): what goes from i to j is the overlap of their stretches on the axis of cumulated shares.
    """
    ends, other_ends = p.cumsum(), q.cumsum()
    overlaps = np.minimum.outer(ends, other_ends) - np.maximum.outer(ends - p, other_ends - q)
    return overlaps.clip(min=0)


def cost(moved: Array, axis: Array) -> float:
    """Mass times way of a plan."""
    return float((moved * np.abs(np.subtract.outer(axis, axis))).sum())


# Learned

DISPUTES = {
    "Jensen-Shannon": AdversarialLoss(objective="non-saturating"),
    "Wasserstein": AdversarialLoss(objective="wasserstein", penalty="one-sided-gp"),
}
"""What is learned from a logistic discriminator, and from a critic of slope one."""


def taught(draw: Draw, inputs: int, *, rounds: int) -> dict[str, MLPDiscriminator]:
    """A network for each of `DISPUTES`, trained on points with so many coordinates."""
    networks = {}
    for name, adversarial_loss in DISPUTES.items():
        networks[name] = MLPDiscriminator((inputs,), width=64, depth=2)
        for _ in lessons(networks[name], adversarial_loss, draw, rounds=rounds, lr=5e-3):
            pass
    return networks


@torch.no_grad()
def bounds(networks: Mapping[str, MLPDiscriminator], draw: Draw) -> list[float]:
    """JS (Goodfellow et al. 2014, theorem 1) and the Wasserstein distance, read off on fresh points."""
    losses = [
        [DISPUTES[name].discriminator(network(x), network(y)).item() for x, y in _batches(draw)]
        for name, network in networks.items()
    ]
    return [math.log(2) - sum(losses[0]) / len(losses[0]) / 2, -sum(losses[1]) / len(losses[1])]


def _batches(draw: Draw) -> list[tuple[Tensor, Tensor]]:
    return [draw() for _ in range(JUDGED // BATCH)]


@torch.no_grad()
def _profiles(networks: Mapping[str, MLPDiscriminator], axis: Tensor) -> dict[str, Array]:
    """Along a way from one line to the other: the probability "real", and the critic's score."""
    way = torch.stack([axis, torch.full_like(axis, 0.5)], 1)
    logistic, critic = (network(way) for network in networks.values())
    return arrays(x=axis, probability=logistic.sigmoid(), score=critic - critic.max())


def _lines(shift: float) -> Draw:
    """Points on the line at 0 and on the one at `shift`."""

    def draw() -> tuple[Tensor, Tensor]:
        heights = torch.rand(2, BATCH)
        return torch.stack([torch.zeros(BATCH), heights[0]], 1), torch.stack(
            [torch.full((BATCH,), shift), heights[1]], 1
        )

    return draw


def _drawn(axis: Array, p: Array, q: Array) -> Draw:
    """Points `[N, 1]` of two histograms."""
    places, shares = torch.from_numpy(axis).float(), torch.from_numpy(np.stack([p, q]))

    def draw() -> tuple[Tensor, Tensor]:
        x, y = places[torch.multinomial(shares, BATCH, replacement=True)].unsqueeze(2)
        return x, y

    return draw


def _followed(objective: str, rounds: int, looks: int, seed: int) -> dict[str, Array]:
    """What a match on the ring reports on its way, and how far it truly is."""
    points = ring()
    method, changes = MATCHES[objective]
    match = ToyRun(method, points, COMMON, NEARLY_OPTIMAL, changes, rounds=rounds, seed=seed)
    game = match.engine.game
    assert isinstance(game, ScoredTwoPlayerGame)
    told: dict[str, list[float]] = {}
    times = looks_at(rounds, looks)
    for before, time in zip([0, *times[:-1]], times, strict=True):
        match.play(int(time - before))
        real, fake = points.sample(JUDGED, seed=seed + 10_000), match.samples(JUDGED, averaged=False)
        scores = match.scores(real), match.scores(fake)
        loss = game.adversarial_loss.discriminator(*scores).item()
        readings = {
            "round": int(time),
            "true distance": sliced_wasserstein(real, fake),
            "critic's estimate": -loss,
            "discriminator's loss": loss,
            "generator's loss": game.adversarial_loss.generator(scores[1]).item(),
        }
        for key, value in readings.items():
            told.setdefault(key, []).append(value)
    return arrays(**told)


# Told


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
    """The plan's cost; what the critic, its dual, says; and that of a plan which is not the best."""
    return [
        _row("Wasserstein", "histograms, by the best plan", cost(plan(p, q), axis), by_critic),
        _row("cost", "histograms, each place to all alike", cost(np.outer(p, q), axis), ""),
    ]


def _draw(finding: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import panels

    figure, axes = panels(2, 3, size=(14, 8.5), title=finding.title)
    _draw_lines(axes[0, 0])
    _draw_distances(axes[0, 1], finding.arrays)
    _draw_profiles(axes[0, 2], finding.arrays)
    _draw_plan(axes[1, 0], finding.arrays)
    for panel, name in zip(axes[1, 1:], MATCHES, strict=True):
        _draw_match(panel, name, finding.arrays)
    return figure


def _draw_lines(panel: "Axes") -> None:
    """The two supports, and how mass moves from one to the other."""
    from ganarium.lab.plotting import FAKE, REAL

    panel.plot([0, 0], [0, 1], color=REAL, linewidth=4, label="data, at 0")
    panel.plot([1, 1], [0, 1], color=FAKE, linewidth=4, label="samples, at θ")
    arrow = {"arrowstyle": "->", "color": "0.5", "linewidth": 1.5}
    for height in np.linspace(0.1, 0.8, 5):
        panel.annotate("", (0.03, height), (0.97, height), arrowprops=arrow)
    panel.text(0.5, 0.88, "the cheapest way:\nθ for each point", ha="center")
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
    panel.set(title="how far apart (KL: infinite)", xlabel="θ", ylim=(-0.05, fine[-1] + 0.05))
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
    panel.set(title=f"who shows the way? (θ = {shift:g})", xlabel="place between the lines", ylim=(None, 1.8))
    panel.legend(loc="upper right")


def _draw_plan(panel: "Axes", found: Mapping[str, Array]) -> None:
    """The plan as a matrix, with the two histograms at its sides."""
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


def _draw_match(panel: "Axes", name: str, found: Mapping[str, Array]) -> None:
    from ganarium.lab.plotting import FAKE, REAL, SHADES

    shown = {key: found[f"{name}: {key}"][1:] for key in ("round", "true distance", *READINGS)}
    panel.plot(shown["round"], shown["true distance"], color="black", linewidth=3, label="true distance")
    for (reading, objective), shade in zip(READINGS.items(), (FAKE, REAL, SHADES[2]), strict=True):
        if objective == name:
            panel.plot(shown["round"], shown[reading], color=shade, linewidth=2, label=reading)
    panel.set(title=f"ring: {name}", xlabel="rounds", ylim=(0, None))
    panel.legend(loc="upper right")
