"""Scores of samples by the logits of a classifier."""

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor


class InceptionScore(NamedTuple):
    """Mean and standard deviation over splits."""

    mean: float
    std: float


class ClassAccuracy(NamedTuple):
    """Shares in [0, 1] of the samples that the classifier assigns to the requested class."""

    overall: float
    by_class: dict[int, float]
    """Share for each requested class, in order."""


class CodeAgreement(NamedTuple):
    """Agreement of the categories of a code with classes."""

    share: float
    """Share in [0, 1] of the samples that the classifier assigns to the class of their category."""
    classes: dict[int, int]
    """Class of each category; no class occurs twice."""


def inception_score(logits: Tensor, *, splits: int = 10) -> InceptionScore:
    """Compute exp of the mean Kullback-Leibler divergence of p(y|x) from p(y).

    Salimans et al. 2016, section 4. The score is between 1 and the number of classes, and is high if each
    sample clearly belongs to one class and all classes are equally frequent. It ignores the real data:
    memorised images, one image per class, or noise that the classifier is sure of have the highest score. Its
    classes are those of the classifier, so scores by different classifiers are not comparable, and a score
    of data with other classes means little. It rises with the size of a split (Barratt & Sharma 2018).

    Args:
        logits: `[N, classes]`; logarithms of probabilities are valid, too.
        splits: number of consecutive parts of the samples; each is scored separately, with its own p(y).

    Raises:
        ValueError: other shape, fewer samples than splits, or logits that are not finite.
    """
    logits = _checked_logits(logits)
    if not 1 <= splits <= len(logits):
        raise ValueError(f"splits must be 1 to {len(logits)}, the number of samples; given: {splits}")
    edges = [i * len(logits) // splits for i in range(splits + 1)]
    scores = torch.stack([_score(logits[a:b].softmax(1)) for a, b in pairwise(edges)])
    return InceptionScore(scores.mean().item(), scores.std(correction=0).item())


def class_accuracy(logits: Tensor, labels: Tensor) -> ClassAccuracy:
    """Compute how often a classifier assigns conditional samples to their requested classes.

    The classifier's own errors count as errors of the samples: compare with its accuracy on real data.

    Args:
        logits: `[N, classes]` of the samples.
        labels: requested classes, integers `[N]`.

    Raises:
        ValueError: other shapes or dtypes, no samples, labels that are not classes of the classifier, or
            logits that are not finite.
    """
    logits = _checked_logits(logits)
    if labels.shape != logits.shape[:1] or labels.is_floating_point() or labels.is_complex():
        raise ValueError(
            f"labels must be integers [{len(logits)}], one per sample; given: "
            f"{labels.dtype} {list(labels.shape)}"
        )
    labels = labels.detach().long().cpu()
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError(
            f"the classifier has classes 0 to {logits.shape[1] - 1}; given: {labels.min()} to {labels.max()}"
        )
    right = (logits.argmax(1) == labels).double()
    by_class = {int(label): right[labels == label].mean().item() for label in labels.unique()}
    return ClassAccuracy(right.mean().item(), by_class)


def code_agreement(logits: Tensor, codes: Tensor) -> CodeAgreement:
    """Compute how often a classifier assigns samples to the class that best matches their category.

    Categories and classes are matched one to one such that the share is largest (the "accuracy" of
    clusterings). Random codes have a share a little above 1 / classes.

    Args:
        logits: `[N, classes]` of the samples.
        codes: category of each sample, integers `[N]`.

    Raises:
        ValueError: other shapes or dtypes, no samples, more categories than classes, or logits that are not
            finite.
    """
    logits = _checked_logits(logits)
    if codes.shape != logits.shape[:1] or codes.is_floating_point() or codes.is_complex():
        raise ValueError(
            f"codes must be integers [{len(logits)}], one per sample; given: "
            f"{codes.dtype} {list(codes.shape)}"
        )
    codes = codes.detach().long().cpu()
    if codes.min() < 0 or codes.max() >= logits.shape[1]:
        raise ValueError(
            f"codes are matched with classes 0 to {logits.shape[1] - 1}; "
            f"given: {codes.min()} to {codes.max()}"
        )
    table = torch.zeros(2 * logits.shape[1:], dtype=torch.double)  # [category, class]
    table.index_put_((codes, logits.argmax(1)), torch.ones(len(codes), dtype=torch.double), accumulate=True)
    classes = _best_matching(table.tolist())
    agreeing = sum(float(table[code, found]) for code, found in enumerate(classes))
    return CodeAgreement(agreeing / len(codes), {c: classes[c] for c in codes.unique().tolist()})


def _best_matching(gains: list[list[float]]) -> list[int]:
    """Return a column for each row of a square table, no column twice, with the largest sum of entries.

    Hungarian method (Kuhn 1955): rows enter one by one, each along the cheapest chain of exchanges. Prices of
    rows and columns keep all reduced costs non-negative, and zero along the matching.
    """
    size = len(gains)
    row_prices, column_prices = [-max(row) for row in gains], [0.0] * size
    row_of: list[int | None] = [None] * size  # row of each column

    for entering in range(size):
        reach, before = [math.inf] * size, [-1] * size  # cost of the chain to each column; previous column
        settled: dict[int, float] = {}
        row, column, so_far = entering, -1, 0.0
        while True:
            for c in set(range(size)) - set(settled):
                cost = so_far - gains[row][c] - row_prices[row] - column_prices[c]
                if cost < reach[c]:
                    reach[c], before[c] = cost, column
            column = min(set(range(size)) - set(settled), key=reach.__getitem__)
            so_far = reach[column]
            owner = row_of[column]
            if owner is None:
                break
            settled[column] = so_far
            row = owner
        row_prices[entering] += so_far
        for c, cost in settled.items():
            column_prices[c] -= so_far - cost
            row_prices[row_of[c]] += so_far - cost  # type: ignore[index]
        while column >= 0:
            row_of[column] = row_of[before[column]] if before[column] >= 0 else entering
            column = before[column]

    columns = [0] * size
    for column, owner in enumerate(row_of):
        columns[owner] = column  # type: ignore[index]
    return columns


def _score(probabilities: Tensor) -> Tensor:
    # x log y is 0 if x is 0, also if y is 0.
    divergence = torch.xlogy(probabilities, probabilities) - torch.xlogy(probabilities, probabilities.mean(0))
    return divergence.sum(1).mean().exp()


def _checked_logits(logits: Tensor) -> Tensor:
    """Return valid logits in float64 on the CPU; raise ValueError for others."""
    if logits.ndim != 2 or not len(logits) or logits.shape[1] < 2 or not logits.is_floating_point():
        raise ValueError(
            "logits must be float [N, classes] of at least one sample and two classes; "
            f"given: {logits.dtype} {list(logits.shape)}"
        )
    # Minus infinity, the logarithm of 0, is valid unless all classes of a sample have it.
    broken = int((logits.isnan() | logits.isposinf()).any(1).logical_or(logits.isneginf().all(1)).sum())
    if broken:
        raise ValueError(f"the logits of {broken} of {len(logits)} samples are not finite: check the samples")
    return logits.detach().double().cpu()
