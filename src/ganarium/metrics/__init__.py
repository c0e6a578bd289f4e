"""The judge: how good samples are, and compared with what."""

from ganarium.metrics.evaluate import evaluate_samples
from ganarium.metrics.features import FeatureNetwork, features_of, load_features
from ganarium.metrics.frechet import frechet_distance
from ganarium.metrics.kernel import KernelDistance, kernel_distance
from ganarium.metrics.points import modes_covered, share_of_good_samples, sliced_wasserstein
from ganarium.metrics.world import world_quality

__all__ = [
    "FeatureNetwork",
    "KernelDistance",
    "evaluate_samples",
    "features_of",
    "frechet_distance",
    "kernel_distance",
    "load_features",
    "modes_covered",
    "share_of_good_samples",
    "sliced_wasserstein",
    "world_quality",
]
