import itertools
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ganarium.metrics import class_accuracy, code_agreement, inception_score

PARITY = Path(os.environ.get("GANARIUM_PARITY", Path(__file__).parents[3] / "shared/parity"))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.skipif(not (PARITY / "metrics_inception_score.json").exists(), reason=f"no fixtures in {PARITY}")
def test_official_value():
    values = json.loads((PARITY / "metrics_inception_score.json").read_text())["values_float64"]
    logits = load_file(PARITY / "metrics_inception_score.safetensors")["in/logits"]
    score = inception_score(logits, splits=10)
    # Recorded in float32.
    assert score.mean == pytest.approx(values["is_mean"], rel=1e-6)
    assert score.std == pytest.approx(values["is_std"], rel=1e-6)


@pytest.mark.parametrize(("count", "classes", "splits"), [(57, 4, 10), (100, 30, 1), (8, 2, 8), (101, 7, 3)])
def test_equals_the_papers_formula(count, classes, splits):
    logits = 3 * normal(count, classes, seed=count)
    scores = []
    for split in range(splits):
        part = logits[split * count // splits : (split + 1) * count // splits].numpy()
        p = np.exp(part) / np.exp(part).sum(1, keepdims=True)
        marginal = p.sum(0) / len(p)
        divergences = [
            sum(p_y * np.log(p_y / q_y) for p_y, q_y in zip(row, marginal, strict=True)) for row in p
        ]
        scores.append(np.exp(np.mean(divergences)))
    score = inception_score(logits, splits=splits)
    assert score.mean == pytest.approx(np.mean(scores), rel=1e-10)
    assert score.std == pytest.approx(np.std(scores), rel=1e-8, abs=1e-12)


def test_extremes_are_one_and_the_number_of_classes():
    assert inception_score(torch.zeros(50, 6)) == (1, 0)
    assert inception_score(normal(1, 6).expand(50, 6)).mean == pytest.approx(1)
    certain = torch.eye(6).log().repeat(20, 1)  # logarithms of probabilities 0 and 1
    assert inception_score(certain, splits=4).mean == pytest.approx(6)
    assert inception_score(1000 * torch.eye(6).repeat(20, 1), splits=4).mean == pytest.approx(6)


def test_bad_logits_are_named():
    good = normal(12, 3)
    broken = good.clone()
    broken[3, 1], broken[5] = math.nan, -math.inf
    for logits, message in (
        (broken, "2 of 12 samples are not finite"),
        (good[0], r"\[3\]"),
        (good[:, :1], "two classes"),
        (good[:0], "at least one sample"),
        (good.long(), "int64"),
    ):
        with pytest.raises(ValueError, match=message):
            inception_score(logits, splits=1)
    with pytest.raises(ValueError, match=r"splits.*12.*given: 13"):
        inception_score(good, splits=13)
    with pytest.raises(ValueError, match="given: 0"):
        inception_score(good, splits=0)


def test_class_accuracy_by_hand():
    logits = torch.tensor([[2.0, 1, 0], [0, 5, 1], [9, 0, 8], [1, 2, 3]])
    accuracy = class_accuracy(logits, torch.tensor([0, 1, 2, 2]))
    assert accuracy.overall == 0.75
    assert accuracy.by_class == {0: 1.0, 1: 1.0, 2: 0.5}
    assert class_accuracy(logits[1:2], torch.tensor([0], dtype=torch.uint8)) == (0, {0: 0})


def test_bad_labels_are_named():
    logits = normal(4, 3)
    for labels, message in (
        (torch.tensor([0, 1, 2]), r"integers \[4\].*\[3\]"),
        (torch.tensor([0.0, 1, 2, 0]), "float32"),
        (torch.tensor([0, 1, 2, 3]), "classes 0 to 2; given: 0 to 3"),
        (torch.tensor([-1, 1, 2, 0]), "given: -1 to 2"),
    ):
        with pytest.raises(ValueError, match=message):
            class_accuracy(logits, labels)


def logits_and_codes(counts):
    """Logits and codes with `counts[code][class]` samples of each pair."""
    pairs = [(code, read) for code, row in enumerate(counts) for read, n in enumerate(row) for _ in range(n)]
    codes, read = torch.tensor(pairs).T
    return torch.eye(len(counts))[read], codes


@pytest.mark.parametrize("size", [2, 3, 5, 6])
def test_the_matching_of_codes_is_the_best_of_all(size):
    rng = torch.Generator().manual_seed(size)
    for _ in range(20):
        counts = torch.randint(0, 9, (size, size), generator=rng) ** 2 + torch.eye(size).long()
        agreement = code_agreement(*logits_and_codes(counts.tolist()))
        sums = [counts[range(size), order].sum().item() for order in itertools.permutations(range(size))]
        assert agreement.share == pytest.approx(max(sums) / counts.sum().item())
        assert sorted(agreement.classes.values()) == list(range(size))
        kept = sum(counts[code, read].item() for code, read in agreement.classes.items())
        assert kept == max(sums)


def test_a_code_that_names_classes_in_another_order_agrees_wholly():
    read = torch.randint(10, (500,), generator=torch.Generator().manual_seed(0))
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    agreement = code_agreement(torch.eye(10)[read], order[read])
    assert agreement.share == 1
    assert agreement.classes == {order[digit].item(): digit for digit in range(10)}
    assert code_agreement(torch.eye(10)[read], torch.arange(500) % 10).share < 0.25
    assert code_agreement(torch.eye(10)[read], read * 0).share < 0.2  # one category for all


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (torch.zeros(3).long(), r"codes .*integers \[4\]"),
        (torch.zeros(4), r"given: torch.float32"),
        (torch.tensor([0, 1, 2, 3]), "classes 0 to 2; given: 0 to 3"),
    ],
)
def test_codes_that_do_not_fit(codes, message):
    with pytest.raises(ValueError, match=message):
        code_agreement(torch.eye(4, 3), codes)
