"""Scores from what a classifier says of samples alone."""

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
    """Shares in [0, 1] of the samples that are read as the class that was asked for."""

    overall: float
    by_class: dict[int, float]
    """Of each class that was asked for, in order."""


class CodeAgreement(NamedTuple):
    """How far the categories of a code stand for classes."""

    share: float
    """Of the samples that are read as the class their category stands for, in [0, 1]."""
    classes: dict[int, int]
    """The class that each category stands for, no class twice."""


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


def code_agreement(logits: Tensor, codes: Tensor) -> CodeAgreement:
    """How often a classifier reads the class that the category stands for, where nobody said which it is.

    Categories and classes are matched one to one so that the share is the largest (the "accuracy" of
    clusterings). By chance it is a little above one in as many as there are classes.

    Args:
        logits: `[N, classes]` of the samples.
        codes: integers `[N]`, the category that each sample was drawn for.

    Raises:
        ValueError: other shapes or types, no samples, more categories than classes, or logits that are not
            finite.
    """
    logits = _checked_logits(logits)
    if codes.shape != logits.shape[:1] or codes.is_floating_point() or codes.is_complex():
        raise ValueError(
            f"codes are integers [{len(logits)}], one a sample; given: {codes.dtype} {list(codes.shape)}"
        )
    codes = codes.detach().long().cpu()
    if codes.min() < 0 or codes.max() >= logits.shape[1]:
        raise ValueError(
            f"categories are matched with classes 0 to {logits.shape[1] - 1}; "
            f"given: {codes.min()} to {codes.max()}"
        )
    table = torch.zeros(2 * logits.shape[1:], dtype=torch.double)  # [category, class]
    table.index_put_((codes, logits.argmax(1)), torch.ones(len(codes), dtype=torch.double), accumulate=True)
    stands_for = _best_matching(table.tolist())
    agreeing = sum(float(table[code, read]) for code, read in enumerate(stands_for))
    return CodeAgreement(agreeing / len(codes), {c: stands_for[c] for c in codes.unique().tolist()})


def _best_matching(gains: list[list[float]]) -> list[int]:
    """The column of each row of a square table, no column twice, whose entries' sum is the largest.

    The Hungarian method (Kuhn 1955): rows enter one by one, each by the cheapest chain of exchanges. Prices
    of rows and columns keep what is left of every cost above zero, and at zero along the matching.
    """
    size = len(gains)
    row_prices, column_prices = [-max(row) for row in gains], [0.0] * size
    row_of: list[int | None] = [None] * size  # of each column

    for entering in range(size):
        reach, before = [math.inf] * size, [-1] * size  # cost of the chain to a column; the column before
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
