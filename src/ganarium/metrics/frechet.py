"""Fréchet distance of two sets of features."""

import torch
from torch import Tensor

from ganarium.metrics.features import checked_features


def frechet_distance(a: Tensor, b: Tensor, *, biased: bool = False) -> float:
    """Squared Fréchet distance of the Gaussians with the means and covariances of two sets of features.

    |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^1/2), Heusel et al. 2017, eq. 6; known as FID on Inception
    features. It falls with the number of samples on either side: compare like with like.

    With C = X'X for centred, scaled features X, the eigenvalues of (C_a C_b)^1/2 are the singular values of
    X_a X_b', found here in float64 without a covariance or a matrix root: exact also where there are fewer
    samples than dimensions.

    Args:
        a: features `[N, D]`, N >= 2.
        b: features `[M, D]`, M >= 2.
        biased: divide the covariances by N, as StyleGAN2-ADA does, rather than by N - 1.

    Raises:
        ValueError: shapes that do not fit, too few samples, or features that are not finite.
    """
    a, b = checked_features(a, b)
    root_a, root_b = (covariance_root(x, biased=biased) for x in (a, b))
    shared = torch.linalg.svdvals(root_a @ root_b.T).sum()
    spread = root_a.square().sum() + root_b.square().sum() - 2 * shared
    # Rounding alone can bring equal sets below zero.
    return ((a.mean(0) - b.mean(0)).square().sum() + spread).clamp(min=0).item()


def covariance_root(x: Tensor, *, biased: bool = False) -> Tensor:
    """R `[min(N, D), D]` with R'R the covariance of the rows of `x`."""
    degrees = len(x) if biased else len(x) - 1
    scaled = (x - x.mean(0)) / degrees**0.5
    return scaled if len(x) <= x.shape[1] else torch.linalg.qr(scaled, mode="r").R
