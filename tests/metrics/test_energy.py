"""Energy distance, and metrics of samples that are not images."""

import pytest
import torch

from ganarium.data.dataset import open_data
from ganarium.data.modalities.base import Modality
from ganarium.data.modalities.points import Points
from ganarium.data.settings import Data
from ganarium.data.sources.densities import POINTS
from ganarium.evaluation.measure import evaluate_samples, measured, values_of
from ganarium.metrics import (
    METRICS,
    Context,
    Metric,
    Reference,
    Value,
    absolute_error,
    energy_distance,
    psnr,
)
from ganarium.metrics.table import chosen_metrics, default_metrics, metric_names, metrics_named
from ganarium.monitoring.statistics import SampleComparison

torch.set_num_threads(1)
RING = POINTS["ring"]


class Signal(Modality):
    name, axes, windowed = "signal", ("C", "T"), ("T",)

    def decode(self, stream, format):
        raise NotImplementedError


def signals(count, seed=0, scale=1.0):
    return scale * (2 * torch.rand(count, 1, 50, generator=torch.Generator().manual_seed(seed)) - 1)


def test_ends_of_the_energy_distance():
    same, far = RING.sample(400, seed=1), torch.full((400, 2), 99.0)
    assert energy_distance(RING.sample(400, seed=2), same) < 0.01
    assert energy_distance(far + 0.001 * same, same) > 0.95
    assert energy_distance(same / 2, same) == energy_distance(same, same / 2) > 0.02
    assert energy_distance(far, far) == 0


def test_it_is_that_of_the_statistics_of_training():
    data = Data(source="ring", count=100, workers=0)
    comparison = SampleComparison(open_data(data), 100)
    samples = RING.sample(100, seed=3) / 2
    real = open_data(data).batch(comparison.chosen)
    assert energy_distance(samples, real) == pytest.approx(comparison.compare(samples)["energy_distance"])


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        (torch.rand(3, 2), torch.rand(3, 4), "one shape"),
        (torch.rand(1, 2), torch.rand(3, 2), "at least 2"),
        (torch.tensor([[0.0], [float("nan")]]), torch.rand(3, 1), "1 of 2 samples are not finite"),
    ],
)
def test_what_cannot_be_compared(a, b, words):
    with pytest.raises(ValueError, match=words):
        energy_distance(a, b)


def test_signals_are_compared_by_it_alone():
    samples, real = signals(60, scale=0.5), signals(80, seed=1)
    result = evaluate_samples(samples, real, modality=Signal(), resamples=20)
    assert list(values_of(result)) == ["energy_distance"]
    assert (result["samples"], result["real"]) == (60, 80)
    assert result["energy_distance"] == energy_distance(samples, real)
    low, high = result["energy_distance_interval"]
    assert 0 <= low < result["energy_distance"] < high <= 1
    with pytest.raises(ValueError, match=r"frechet_distance needs images in \[-1, 1\] and the features"):
        evaluate_samples(samples, real, modality=Signal(), metrics=["fid"])


def test_of_many_samples_an_even_choice_is_compared(monkeypatch):
    monkeypatch.setattr("ganarium.metrics.energy.COMPARED", 10)
    samples, real = signals(60), signals(80, seed=1, scale=0.5)
    result = evaluate_samples(samples, real, modality=Signal(), resamples=0)
    assert result["energy_distance"] == energy_distance(samples[::6], real[::8])


def test_points_of_a_known_density_are_compared_by_it_if_it_is_named():
    keys = {"modality": Points(), "points": RING, "resamples": 0}
    samples, real = RING.sample(50, seed=4), RING.sample(50, seed=5)
    assert "energy_distance" not in evaluate_samples(samples, real, **keys)
    result = evaluate_samples(samples, real, metrics=["energy"], **keys)
    assert result == {"samples": 50, "real": 50, "energy_distance": energy_distance(samples, real)}
    unknown = evaluate_samples(samples, real, modality=Points(), resamples=0)
    assert unknown == result


def test_pixels_are_not_compared_by_it():
    images = 2 * torch.rand(9, 3, 12, 12) - 1
    with pytest.raises(ValueError, match=r"energy_distance needs samples whose distances as vectors.*fid"):
        evaluate_samples(images, images, metrics=["energy"])


def of_signals(**things):
    return Context(
        {"samples": signals(9), "reference": Reference.of(signals(9)), **things},
        modality=Signal(),
        shape=(1, 50),
        count=9,
        resamples=0,
    )


def test_pairs_of_signals():
    truth = signals(9, seed=1)
    context = of_signals(truth=truth, cycle=(truth, signals(9)))
    fitting = [each.short for each in METRICS.values() if each.applies(context.offers) is None]
    assert fitting == ["psnr", "cycle", "energy"]
    assert [each.short for each in default_metrics([context.offers], 9)] == ["psnr", "cycle"]
    (metric,) = metrics_named(["psnr"])
    expected = -10 * ((signals(9) - truth).double() / 2).square().mean((1, 2)).log10()
    assert metric.measure(context)["psnr"] == pytest.approx(expected.mean().item())


def test_unpaired_signals_are_compared_by_a_value_that_decides():
    offers = [of_signals(cycle=(signals(9), signals(9))).offers]
    assert [each.short for each in default_metrics(offers, 9)] == ["cycle", "energy"]
    assert [each.short for each in default_metrics(offers, 9, quick=True)] == ["energy"]


@pytest.mark.parametrize("shape", [(4, 1, 50), (4, 3, 8, 8), (4, 3, 5, 8, 8)])
def test_means_over_any_axes(shape):
    a = 2 * torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 1
    b = a.clone()
    b[0] = a[0] * 0.5
    assert psnr(a, b)[0].item() == pytest.approx(
        -10 * (a[0] / 4).double().square().mean().log10().item(), rel=1e-6
    )
    assert absolute_error(a, b)[0].item() == pytest.approx((a[0] / 2).double().abs().mean().item(), rel=1e-6)
    assert psnr(a, b)[1:].isinf().all()
    for pair in ((a, a[:1]), (a, 9 * a), (a[:, 0, 0], a[:, 0, 0]) if len(shape) == 3 else (a, a[:1])):
        with pytest.raises(ValueError, match=r"one shape|in \[-1, 1\]"):
            psnr(*pair)


class Loudness(Metric):
    name, short = "loudness", "loud"
    values = (Value("loudness", "higher", (0.0, 1.0)),)
    needs, group, quick = frozenset({"quiet room"}), "sound", True

    def measure(self, context):
        return self.mean(context, "loudness", context.samples.abs().mean((1, 2)))


def test_metrics_of_other_packages(monkeypatch):
    monkeypatch.setattr(METRICS, "_added", {})
    loudness = METRICS.add(Loudness())
    assert {"loud", "loudness"} <= set(metric_names())
    context = of_signals()
    with pytest.raises(ValueError, match=r"loudness needs quiet room; of these data.*energy_distance"):
        chosen_metrics(["loud"], [context.offers], 9)
    context = of_signals(**{"quiet room": True})
    assert chosen_metrics(None, [context.offers], 9, quick=True) == [loudness]
    result = evaluate_samples(signals(9), signals(9, seed=1), modality=Signal(), resamples=0)
    assert "sound" not in result
    assert list(values_of(measured(context, [loudness]))) == ["sound/loudness"]
    with pytest.raises(TypeError, match="give an instance"):
        METRICS.add(Loudness)
