"""Three bounds on a critic's slope, and their effects on its weights, gradients and scores."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ganarium.data.sources.densities import Points
from ganarium.lab.result import Array, Cell, ExperimentResult, arrays
from ganarium.lab.toy_training import check_counts, lattice, points_named, seeded, train_discriminator
from ganarium.losses.adversarial import AdversarialLoss
from ganarium.losses.penalties import slope
from ganarium.networks.layers.norms import spectral
from ganarium.networks.mlp import MLPDiscriminator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BATCH, EVALUATED = 256, 4000
"""Points of each side in a training batch, and in the estimate of the distance."""
WIDTH, DEPTH, DEEP = 64, 3, 12
"""Units in a layer of the critics, number of hidden layers, and that of the deep critics, as in the paper."""
STEPS = 80
"""Number of grid points along each side of a value surface."""


@seeded
def lipschitz(
    *,
    points: str = "ring",
    clip_bounds: tuple[float, ...] = (0.01, 0.05, 0.1),
    rounds: int = 600,
    deep_rounds: int = 150,
    seed: int = 0,
) -> ExperimentResult:
    """Compare clipping, gradient penalty and spectral norm: value surfaces, weights, gradients by layer.

    The samples do not change: they are data with normal noise of deviation one (Gulrajani et al. 2017,
    arXiv:1704.00028, figure 1).

    Args:
        points: `ring`, `grid` or `spiral`.
        clip_bounds: largest weights of the clipped critics; the figure shows the surface of the last one.
        rounds: updates of each critic.
        deep_rounds: updates of each critic with twelve hidden layers.
        seed: seed of weights, noise and points.

    Raises:
        ValueError: unknown distribution, no clip bound, clip bound that is not positive, or count below one.
    """
    check_counts(rounds=rounds, deep_rounds=deep_rounds, clip_bounds=len(clip_bounds))
    if min(clip_bounds) <= 0:
        raise ValueError(f"clip_bounds={list(clip_bounds)} must all be above 0")
    target = points_named(points)
    reach = 1.5 * target.centers.abs().max().item()
    losses = {
        f"clipping at {bound:g}": AdversarialLoss(objective="wasserstein", penalty="clip", clip_bound=bound)
        for bound in clip_bounds
    }
    losses["gradient penalty"] = AdversarialLoss(objective="wasserstein", penalty="gp", penalty_weight=1.0)
    losses["spectral norm"] = AdversarialLoss(objective="wasserstein")
    rows: list[dict[str, Cell]] = []
    surfaces, weights, gradients = [], [], []
    for name, adversarial_loss in losses.items():
        normalized = name == "spectral norm"
        critic = train_critic(target, adversarial_loss, depth=DEPTH, rounds=rounds, normalized=normalized)
        deep = train_critic(target, adversarial_loss, depth=DEEP, rounds=deep_rounds, normalized=normalized)
        surfaces.append(surface_of(critic, reach))
        weights.append(weights_of(critic))
        gradients.append(gradients_by_layer(deep, target))
        distance, steepest = distance_and_slope(critic, target, reach)
        rows.append(
            {
                "bounded by": name,
                "weights at their largest": float((weights[-1] > 0.95 * weights[-1].max()).mean()),
                "steepest slope": steepest,
                "estimated distance": distance,
                "distance at slope one": distance / steepest,
                f"gradient of {DEEP} layers, first over last": float(gradients[-1][0] / gradients[-1][-1]),
            }
        )
    return ExperimentResult(
        name="lipschitz",
        title=f"A critic's slope, bounded in three ways ({points}, samples: data with noise)",
        rows=rows,
        words=(
            "Clipping drives nearly all weights to the bound. Bound and depth then determine the critic's "
            "slope and its estimate of the distance, and a small change of the bound turns gradients that "
            "vanish over the layers into gradients that explode. With the gradient penalty and spectral "
            "norm, weights stay spread and gradients stay level. At equal slope the penalised critic "
            "estimates the largest distance: it alone has a peak for each mode."
        ),
        arrays=arrays(
            critics=list(losses),
            reach=reach,
            real=target.sample(500, seed=seed),
            surfaces=np.stack(surfaces),
            weights=np.stack(weights),
            gradients=np.stack(gradients),
        ),
        plot=_draw,
    )


def train_critic(
    target: Points, adversarial_loss: AdversarialLoss, *, depth: int, rounds: int, normalized: bool = False
) -> MLPDiscriminator:
    """Train a critic to distinguish data from data with noise."""
    critic = MLPDiscriminator((2,), width=WIDTH, depth=depth)
    for layer in _linear(critic):
        spectral(layer, wanted=normalized)
    training = train_discriminator(
        critic, adversarial_loss, lambda: draw_pairs(target, BATCH), rounds=rounds, lr=2e-3
    )
    for _ in training:
        pass
    return critic.eval()


def draw_pairs(target: Points, count: int) -> tuple[Tensor, Tensor]:
    """Return data and the same data with normal noise of deviation one, so that no mode is rarer in one."""
    real = target.sample(count, seed=int(torch.randint(2**31, ())))
    return real, real + torch.randn(count, 2)


@torch.no_grad()
def surface_of(critic: MLPDiscriminator, reach: float) -> Array:
    """Return the critic's scores on a grid in the plane, `[STEPS, STEPS]`."""
    return critic(lattice(reach, STEPS)).view(STEPS, STEPS).numpy()


def weights_of(critic: MLPDiscriminator) -> Array:
    """Return the absolute values of the critic's effective weights, without biases."""
    return torch.cat([layer.weight.detach().flatten() for layer in _linear(critic)]).abs().numpy()


def distance_and_slope(critic: MLPDiscriminator, target: Points, reach: float) -> tuple[float, float]:
    """Return the critic's estimate of the distance, and its steepest slope in the plane.

    Estimate over slope is at most the Wasserstein distance (Kantorovich & Rubinstein).
    """
    real, fake = draw_pairs(target, EVALUATED)
    with torch.no_grad():
        distance = (critic(real).mean() - critic(fake).mean()).item()
    return distance, slope(critic, lattice(reach, STEPS)).norm(dim=1).max().item()


def gradients_by_layer(critic: MLPDiscriminator, target: Points) -> Array:
    """Return the mean norm of the gradients of the scores by each layer's activations, first layer first."""
    x = torch.cat(draw_pairs(target, BATCH))
    activations = []
    for layer in critic.layers:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU):
            activations.append(x)
    gradients = torch.autograd.grad(critic.score(x).sum(), activations)
    return np.array([gradient.norm(dim=1).mean().item() for gradient in gradients])


def _linear(critic: nn.Module) -> list[nn.Linear]:
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]


def _draw(result: ExperimentResult) -> "Figure":
    from ganarium.lab.plotting import SHADES, panels, surface

    found = result.arrays
    figure, axes = panels(2, 4, size=(14, 7.4), title=result.title)
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
    """Draw the scores along the middle of the plane, scaled to slope one."""
    from ganarium.lab.plotting import SHADES

    reach = found["reach"].item()
    x = np.linspace(-reach, reach, STEPS)
    for shade, name, values in zip(SHADES, names, found["surfaces"], strict=False):
        cut = values[STEPS // 2]
        steepest = np.abs(np.gradient(cut, x)).max()
        panel.plot(x, (cut - cut.max()) / steepest, color=shade, label=name)
    panel.set(title="along the middle, scaled to slope one", xlabel="x")
    panel.legend()
