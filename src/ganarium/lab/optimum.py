"""Trained discriminators compared with optimal ones, on a line with known densities."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import check_counts
from ganarium.losses.divergences import DIVERGENCES
from ganarium.losses.objectives import OBJECTIVES
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CENTERS, DEVIATION = torch.tensor([-2.0, 0.0, 2.0], dtype=torch.float64), 0.6
DATA_SHARES = torch.tensor([0.6, 0.1, 0.3], dtype=torch.float64)
SAMPLE_SHARES = torch.tensor([0.15, 0.5, 0.35], dtype=torch.float64)
"""Weights of three Gaussians in data p and samples q; p/q is between 0.2 and 4, also in the tails."""

BEST = {
    "total-variation": "sign(p/q − 1) / 2",
    "kl": "1 + log p/q",
    "reverse-kl": "−q/p",
    "pearson": "2 (p/q − 1)",
    "neyman": "1 − (q/p)²",
    "squared-hellinger": "1 − √(q/p)",
    "jensen-shannon": "log 2p/(p+q)",
    "gan": "log p/(p+q)",
}
"""Texts of f'(p/q), the optimal T (Nowozin et al. 2016, arXiv:1606.00709, eq. 5)."""

X = torch.linspace(-5, 5, 1001, dtype=torch.float64)


def density(shares: Tensor) -> Tensor:
    """Return the density of the mixture with these shares, over `X`."""
    each = torch.exp(-(((X[:, None] - CENTERS) / DEVIATION) ** 2) / 2) / (DEVIATION * math.sqrt(2 * math.pi))
    return each @ shares


P, Q = density(DATA_SHARES), density(SAMPLE_SHARES)


def draw_points(shares: Tensor, count: int, rng: torch.Generator) -> Tensor:
    """Return points `[count, 1]` of the mixture with these shares."""
    modes = torch.multinomial(shares, count, replacement=True, generator=rng)
    return (CENTERS[modes].float() + DEVIATION * torch.randn(count, generator=rng)).unsqueeze(1)


def optimum(*, rounds: int = 1500, batch_size: int = 512, seed: int = 0) -> ExperimentResult:
    """Compare trained discriminators with p/(p+q), log p/q and f'(p/q), and their bounds with divergences.

    Args:
        rounds: updates of each discriminator.
        batch_size: fresh points of each side in an update.
        seed: seed of weights and points.

    Raises:
        ValueError: count below one.
    """
    check_counts(rounds=rounds, batch_size=batch_size)
    rows: list[dict[str, Cell]] = []
    found, theory = [], []
    for name, divergence in DIVERGENCES.items():
        score = trained(name, rounds=rounds, batch_size=batch_size, seed=seed)
        reached = integral(P * divergence.activation(score) - Q * divergence.conjugate_of_activation(score))
        value = integral(Q * divergence.f(P / Q))
        readings = [("T", BEST[name], divergence.activation(score), divergence.slope(P / Q))]
        if name == "gan":
            readings += [
                ("sigmoid of the score", "p/(p+q)", score.sigmoid(), P / (P + Q)),
                ("score", "log p/q", score, (P / Q).log()),
            ]
        for reading, formula, ours, best in readings:
            rows.append(
                {
                    "divergence": name,
                    "read as": reading,
                    "best": formula,
                    "error": error(ours, best),
                    "bound": reached,
                    "integral": value,
                    "missing": (value - reached) / (value - divergence.f(torch.ones(1)).item()),
                }
            )
            found.append(ours)
            theory.append(best)
    return ExperimentResult(
        name="optimum",
        title=f"Discriminators after {rounds:,} rounds and the best ones, seed {seed}",
        rows=rows,
        words=(
            "Trained on samples alone, each network has found a function of the density ratio p/q, which "
            "depends on its f. The error is the root mean square distance to the best function, weighted by "
            "(p+q)/2, as a share of that function's standard deviation; a constant has an error of at least "
            "1. The gap between bound and divergence, as a share of the divergence, is smaller, since near "
            "the optimum it grows with the square of the error."
        ),
        arrays=arrays(x=X, p=P, q=Q, found=torch.stack(found), theory=torch.stack(theory)),
        plot=_draw,
    )


def trained(name: str, *, rounds: int, batch_size: int, seed: int) -> Tensor:
    """Train a discriminator to raise its bound on this divergence; return its raw scores over `X`."""
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        discriminator = MLPDiscriminator((1,), width=64, depth=2)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=5e-3, betas=(0.5, 0.99))
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, rounds)
    for _ in range(rounds):
        real, fake = (draw_points(shares, batch_size, rng) for shares in (DATA_SHARES, SAMPLE_SHARES))
        optimizer.zero_grad()
        OBJECTIVES[name].discriminator(discriminator(real), discriminator(fake)).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return discriminator(X.float().unsqueeze(1)).double()


def integral(values: Tensor) -> float:
    """Return the integral over the line."""
    return torch.trapezoid(values, X).item()


def error(ours: Tensor, best: Tensor) -> float:
    """Return the root mean square distance, weighted by (p+q)/2, as a share of the spread of `best`."""
    weight = (P + Q) / 2
    mean = integral(weight * best)
    return math.sqrt(integral(weight * (ours - best) ** 2) / integral(weight * (best - mean) ** 2))


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import FAKE, REAL, panels

    figure, axes = panels(3, 4, size=(15, 10), title=result.title)
    figures, (densities, *readings), bounds = result.arrays, axes[0, :3], axes[0, 3]
    densities.plot(figures["x"], figures["p"], color=REAL, label="data p")
    densities.plot(figures["x"], figures["q"], color=FAKE, label="samples q")
    densities.set(title="the densities", ylim=(0, 1.5 * figures["p"].max()))
    densities.legend(loc="upper right")
    for index, panel in enumerate([*axes[1:].flat, *readings]):
        _function(panel, result.rows[index], figures, index)
    readings[0].legend(loc="upper right")
    for panel in axes[2]:
        panel.set_xlabel("x")
    divergences = result.rows[: len(DIVERGENCES)]
    missing = [100 * float(row["missing"]) for row in divergences]
    bars = bounds.barh(range(len(missing)), missing, color="0.7")
    bounds.bar_label(
        bars,
        [f"{row['divergence']} {share:.2f}" for row, share in zip(divergences, missing, strict=True)],
        padding=3,
    )
    bounds.set(title="missing from the bound, %", xlim=(0, 2 * max(missing)), yticks=[])
    bounds.invert_yaxis()
    return figure


def _function(panel: "Axes", row: Mapping[str, Cell], figures: Mapping[str, Array], index: int) -> None:
    """Draw the learned function over the best one, with the density (p+q)/2 at the bottom."""
    from ganarium.lab.plotting import FAKE

    x, found, theory = figures["x"], figures["found"][index], figures["theory"][index]
    low, high = theory.min(), theory.max()
    margin = 0.25 * (high - low)
    weight = figures["p"] + figures["q"]
    floor = low - margin
    hills = floor + 0.8 * margin * weight / weight.max()
    panel.fill_between(x, floor, hills, color="0.88", linewidth=0, label="(p+q)/2")
    panel.plot(x, theory, color="0.6", linewidth=5, label="best")
    panel.plot(x, found, color=FAKE, linewidth=1.5, label="learned")
    panel.set(xlim=(x[0], x[-1]), ylim=(floor, high + margin))
    panel.set_title(
        f"{row['divergence']}: {row['read as']}\n{row['best']}   (error {row['error']:.1%})", fontsize=10
    )
