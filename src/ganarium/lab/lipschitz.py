"""Three ways to bound a critic's slope, and what each does to its weights, its gradients and its sight."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ganarium.data.sources.densities import Points
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import check_counts, lattice, lessons, points_named, seeded
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.penalties import slope
from ganarium.networks.layers.norms import spectral
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BATCH, JUDGED = 256, 4000
WIDTH, DEPTH, DEEP = 64, 3, 12
"""Of the critics: units in a layer, hidden layers, and hidden layers of the deep ones, as in the paper."""
STEPS = 80
"""Places along each side of a value surface."""


@seeded
def lipschitz(
    *,
    points: str = "ring",
    clip_bounds: tuple[float, ...] = (0.01, 0.05, 0.1),
    rounds: int = 600,
    deep_rounds: int = 150,
    seed: int = 0,
) -> ExperimentResult:
    """Clipping, gradient penalty, spectral norm: value surfaces, weights at the clip, gradients by layer.

    The samples stand still: they are data with normal noise of deviation one (Gulrajani et al. 2017,
    arXiv:1704.00028, figure 1).

    Args:
        points: `ring`, `grid` or `spiral`.
        clip_bounds: largest weights of the clipped critics; the surface of the last one is shown.
        rounds: updates of each critic.
        deep_rounds: updates of each critic with twelve hidden layers.
        seed: of weights, noise and points.

    Raises:
        ValueError: an unknown distribution, no clip bound or one that is not positive, or a count below one.
    """
    check_counts(rounds=rounds, deep_rounds=deep_rounds, clip_bounds=len(clip_bounds))
    if min(clip_bounds) <= 0:
        raise ValueError(f"clip_bounds={list(clip_bounds)} must all be above 0")
    target = points_named(points)
    reach = 1.5 * target.centers.abs().max().item()
    disputes = {
        f"clipping at {bound:g}": AdversarialLoss(objective="wasserstein", penalty="clip", clip_bound=bound)
        for bound in clip_bounds
    }
    disputes["gradient penalty"] = AdversarialLoss(objective="wasserstein", penalty="gp", penalty_weight=1.0)
    disputes["spectral norm"] = AdversarialLoss(objective="wasserstein")
    rows: list[dict[str, Cell]] = []
    surfaces, weights, gradients = [], [], []
    for name, adversarial_loss in disputes.items():
        critic = taught(
            target, adversarial_loss, depth=DEPTH, rounds=rounds, normalized=name == "spectral norm"
        )
        deep = taught(
            target, adversarial_loss, depth=DEEP, rounds=deep_rounds, normalized=name == "spectral norm"
        )
        surfaces.append(surface_of(critic, reach))
        weights.append(weights_of(critic))
        gradients.append(gradients_by_layer(deep, target))
        found, steepest = seen(critic, target, reach)
        rows.append(
            {
                "bounded by": name,
                "weights at their largest": float((weights[-1] > 0.95 * weights[-1].max()).mean()),
                "steepest slope": steepest,
                "distance told": found,
                "distance at slope one": found / steepest,
                f"gradient of {DEEP} layers, first over last": float(gradients[-1][0] / gradients[-1][-1]),
            }
        )
    return ExperimentResult(
        name="lipschitz",
        title=f"A critic's slope, bounded in three ways ({points}, samples: data with noise)",
        rows=rows,
        words=(
            "Clipping drives nearly all weights to the bound. The critic's slope, and the distance that it "
            "tells, are then whatever bound and depth make of them, and a small change of the bound turns "
            "gradients that vanish on their way through the layers into ones that explode. Under the "
            "gradient penalty and spectral norm weights stay spread and gradients level. At equal slope the "
            "penalised critic tells the most: it alone has a peak for each mode."
        ),
        arrays=arrays(
            critics=list(disputes),
            reach=reach,
            real=target.sample(500, seed=seed),
            surfaces=np.stack(surfaces),
            weights=np.stack(weights),
            gradients=np.stack(gradients),
        ),
        painter=_draw,
    )


def taught(
    target: Points, adversarial_loss: AdversarialLoss, *, depth: int, rounds: int, normalized: bool = False
) -> MLPDiscriminator:
    """A critic that has learned to tell data from data with noise."""
    critic = MLPDiscriminator((2,), width=WIDTH, depth=depth)
    for layer in _linear(critic):
        spectral(layer, wanted=normalized)
    for _ in lessons(critic, adversarial_loss, lambda: drawn(target, BATCH), rounds=rounds, lr=2e-3):
        pass
    return critic.eval()


def drawn(target: Points, count: int) -> tuple[Tensor, Tensor]:
    """Data, and the same with normal noise of deviation one: no mode is rarer among them by chance."""
    real = target.sample(count, seed=int(torch.randint(2**31, ())))
    return real, real + torch.randn(count, 2)


@torch.no_grad()
def surface_of(critic: MLPDiscriminator, reach: float) -> Array:
    """Its scores all over the plane, `[STEPS, STEPS]`."""
    return critic(lattice(reach, STEPS)).view(STEPS, STEPS).numpy()


def weights_of(critic: MLPDiscriminator) -> Array:
    """The absolute values of its weights as they are used, biases apart."""
    return torch.cat([layer.weight.detach().flatten() for layer in _linear(critic)]).abs().numpy()


def seen(critic: MLPDiscriminator, target: Points, reach: float) -> tuple[float, float]:
    """The distance that it tells, and its steepest slope in the plane.

    The first over the second is no more than the Wasserstein distance (Kantorovich & Rubinstein).
    """
    real, fake = drawn(target, JUDGED)
    with torch.no_grad():
        found = (critic(real).mean() - critic(fake).mean()).item()
    return found, slope(critic, lattice(reach, STEPS)).norm(dim=1).max().item()


def gradients_by_layer(critic: MLPDiscriminator, target: Points) -> Array:
    """Mean length of the scores' gradients with respect to each layer's activations, first layer first."""
    x = torch.cat(drawn(target, BATCH))
    activations = []
    for layer in critic.layers:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU):
            activations.append(x)
    gradients = torch.autograd.grad(critic.score(x).sum(), activations)
    return np.array([gradient.norm(dim=1).mean().item() for gradient in gradients])


def _linear(critic: nn.Module) -> list[nn.Linear]:
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]


def _draw(finding: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import SHADES, panels, surface

    found = finding.arrays
    figure, axes = panels(2, 4, size=(14, 7.4), title=finding.title)
    reach, names = found["reach"].item(), [str(name) for name in found["critics"]]
    for column, index in enumerate(range(len(names) - 3, len(names))):
        top, bottom = axes[:, column]
        centered = found["surfaces"][index] - np.median(found["surfaces"][index])
        surface(top, centered, reach)
        ticks = np.linspace(-reach, reach, STEPS)
        top.contour(ticks, ticks, centered, levels=12, colors="black", linewidths=0.5, alpha=0.5)
        top.scatter(found["real"][:, 0], found["real"][:, 1], s=2, color="black", linewidths=0)
        top.set_title(names[index])
        largest = found["weights"][index].max()
        bottom.hist(found["weights"][index] / largest, bins=40, range=(0, 1), color=SHADES[index])
        bottom.set(xlabel=f"|weight|, of the largest ({largest:.2g})", ylabel="weights", yticks=[])
    _draw_section(axes[0, 3], found, names)
    layers = np.arange(1, DEEP + 1)
    for shade, name, lengths in zip(SHADES, names, found["gradients"], strict=False):
        axes[1, 3].semilogy(layers, lengths, "o-", color=shade, markersize=3, label=name)
    axes[1, 3].set(title=f"gradient in critics of {DEEP} layers", xlabel="layer (the score is at the right)")
    return figure


def _draw_section(panel: "Axes", found: Mapping[str, Array], names: list[str]) -> None:
    """Along the middle of the plane, scaled to slope one."""
    from ganarium.lab.plotting import SHADES

    reach = found["reach"].item()
    x = np.linspace(-reach, reach, STEPS)
    for shade, name, values in zip(SHADES, names, found["surfaces"], strict=False):
        cut = values[STEPS // 2]
        steepest = np.abs(np.gradient(cut, x)).max()
        panel.plot(x, (cut - cut.max()) / steepest, color=shade, label=name)
    panel.set(title="along the middle, scaled to slope one", xlabel="x")
    panel.legend()
