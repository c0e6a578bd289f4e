"""Scores from what a classifier says of samples alone."""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class InceptionScore(NamedTuple):
    """Mean and standard deviation over splits."""

    mean: float
    std: float


class ClassAccuracy(NamedTuple):
    """Shares in [0, 1] of the samples that are read as the class that was asked for."""

    overall: float
    by_class: dict[int, float]
    """Of each class that was asked for, in order."""


def inception_score(logits: Tensor, *, splits: int = 10) -> InceptionScore:
    """Exp of the mean Kullback-Leibler divergence of p(y|x) from p(y), Salimans et al. 2016, section 4.

    Between 1 and the number of classes: high where each sample is surely of one class, and the classes are
    evenly drawn. It never looks at real data: a memorised picture, one picture a class, or noise that the
    classifier is sure of score the top. The classes are the classifier's, so scores from others, and of
    data with other classes, say little. It rises with the size of a split (Barratt & Sharma 2018).

    Args:
        logits: `[N, classes]`; logarithms of probabilities serve as well.
        splits: consecutive parts of the samples, each scored by itself, with a p(y) of its own.

    Raises:
        ValueError: another shape, fewer samples than splits, or logits that are not finite.
    """
    logits = _checked_logits(logits)
    if not 1 <= splits <= len(logits):
        raise ValueError(f"splits is between 1 and the {len(logits)} samples; given: {splits}")
    edges = [i * len(logits) // splits for i in range(splits + 1)]
    scores = torch.stack([_score(logits[a:b].softmax(1)) for a, b in pairwise(edges)])
    return InceptionScore(scores.mean().item(), scores.std(correction=0).item())


def class_accuracy(logits: Tensor, labels: Tensor) -> ClassAccuracy:
    """How often the class that a classifier reads is the one that a conditional sample was drawn for.

    The classifier's own errors count as the samples': compare with its accuracy on real data.

    Args:
        logits: `[N, classes]` of the samples.
        labels: integers `[N]`, the classes that were asked for.

    Raises:
        ValueError: other shapes or types, no samples, labels that are no class of the classifier, or logits
            that are not finite.
    """
    logits = _checked_logits(logits)
    if labels.shape != logits.shape[:1] or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"labels are integers [{len(logits)}], one a sample; given: {labels.dtype} {list(labels.shape)}"
        )
    labels = labels.detach().long().cpu()
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"the classifier knows classes 0 to {logits.shape[1] - 1}; "
            f"given: {labels.min()} to {labels.max()}"
        )
    right = (logits.argmax(1) == labels).double()
    by_class = {int(label): right[labels == label].mean().item() for label in labels.unique()}
    return ClassAccuracy(right.mean().item(), by_class)


def _score(probabilities: Tensor) -> Tensor:
    # x log y is 0 where x is, also where y is.
    divergence = torch.xlogy(probabilities, probabilities) - torch.xlogy(probabilities, probabilities.mean(0))
    return divergence.sum(1).mean().exp()


def _checked_logits(logits: Tensor) -> Tensor:
    """Logits in float64 on the CPU."""
    if logits.ndim != 2 or not len(logits) or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ValueError(
            "logits are float [N, classes] of at least one sample and two classes; "
            f"given: {logits.dtype} {list(logits.shape)}"
        )
    # Minus infinity, the logarithm of no probability, is a number here unless a sample has no class at all.
    broken = int((logits.isnan() | logits.isposinf()).any(1).logical_or(logits.isneginf().all(1)).sum())
    if broken:
        raise ValueError(
            f"the logits of {broken} of {len(logits)} samples are not finite: look at the samples"
        )
    return logits.detach().double().cpu()
