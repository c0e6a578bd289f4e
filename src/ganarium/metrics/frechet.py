"""Fréchet distance of two sets of features."""

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features


def frechet_distance(a: Tensor, b: Tensor, *, biased: bool = False) -> float:
    """Compute the squared Fréchet distance of Gaussians fitted to two sets of features.

    |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^1/2) for the means m and covariances C, Heusel et al. 2017,
    eq. 6; known as FID on Inception features. The distance falls with the number of samples on either side:
    compare values for equal numbers.

    With C = X'X for centred, scaled features X, the eigenvalues of (C_a C_b)^1/2 are the singular values of
    X_a X_b'. They are computed in float64 without a covariance or a matrix root, which is exact also for
    fewer samples than dimensions.

    Args:
        a: features `[N, D]`, N >= 2.
        b: features `[M, D]`, M >= 2.
        biased: divide the covariances by N, as StyleGAN2-ADA does, rather than by N - 1.

    Raises:
        ValueError: shapes that do not match, too few samples, or features that are not finite.
    """
    a, b = checked_features(a, b)
    root_a, root_b = (covariance_root(x, biased=biased) for x in (a, b))
    shared = torch.linalg.svdvals(root_a @ root_b.T).sum()
    spread = root_a.square().sum() + root_b.square().sum() - 2 * shared
    # Rounding can make the distance of equal sets negative.
    return ((a.mean(0) - b.mean(0)).square().sum() + spread).clamp(min=0).item()


def covariance_root(x: Tensor, *, biased: bool = False) -> Tensor:
    """Return R `[min(N, D), D]` such that R'R is the covariance of the rows of `x`."""
    degrees = len(x) if biased else len(x) - 1
    scaled = (x - x.mean(0)) / degrees**0.5
    return scaled if len(x) <= x.shape[1] else torch.linalg.qr(scaled, mode="r").R
