"""Metrics of samples and translations, and what they need: networks, real samples."""

from ganarium.metrics.base import ClassConditionalSamples, Context, Metric, Offers, Value
from ganarium.metrics.classes import (
    ClassAccuracy,
    CodeAgreement,
    InceptionScore,
    class_accuracy,
    code_agreement,
    inception_score,
)
from ganarium.metrics.energy import energy_distance
from ganarium.metrics.features import FeatureNetwork, features_of, load_features
from ganarium.metrics.frechet import frechet_distance
from ganarium.metrics.intervals import Interval, interval, intervals
from ganarium.metrics.kernel import KernelDistance, kernel_distance
from ganarium.metrics.lpips import LPIPS, Heads, load_heads
from ganarium.metrics.neighbors import (
    Memorization,
    Neighbors,
    PrecisionRecall,
    memorized_share,
    nearest_neighbors,
    precision_recall_density_coverage,
)
from ganarium.metrics.pairs import MapAgreement, absolute_error, map_agreement, psnr
from ganarium.metrics.points import (
    covered_modes,
    mode_widths,
    modes_covered,
    share_of_good_samples,
    sliced_wasserstein,
)
from ganarium.metrics.reference import Reference
from ganarium.metrics.similarity import Diversity, ms_ssim, ms_ssim_diversity, ssim
from ganarium.metrics.table import METRICS
from ganarium.metrics.world import world_quality
from ganarium.metrics.world_translation import WorldTranslations, world_translations

__all__ = [
    "LPIPS",
    "METRICS",
    "ClassAccuracy",
    "ClassConditionalSamples",
    "CodeAgreement",
    "Context",
    "Diversity",
    "FeatureNetwork",
    "Heads",
    "InceptionScore",
    "Interval",
    "KernelDistance",
    "MapAgreement",
    "Memorization",
    "Metric",
    "Neighbors",
    "Offers",
    "PrecisionRecall",
    "Reference",
    "Value",
    "WorldTranslations",
    "absolute_error",
    "class_accuracy",
    "code_agreement",
    "covered_modes",
    "energy_distance",
    "features_of",
    "frechet_distance",
    "inception_score",
    "interval",
    "intervals",
    "kernel_distance",
    "load_features",
    "load_heads",
    "map_agreement",
    "memorized_share",
    "mode_widths",
    "modes_covered",
    "ms_ssim",
    "ms_ssim_diversity",
    "nearest_neighbors",
    "precision_recall_density_coverage",
    "psnr",
    "share_of_good_samples",
    "sliced_wasserstein",
    "ssim",
    "world_quality",
    "world_translations",
]
