"""Feature matching, historical averaging and instance noise, against the papers' formulas."""

import pytest
import torch
from torch import nn

from ganarium import methods
from ganarium.core.engine import Engine
from ganarium.losses.stabilizers import History, feature_distance, with_instance_noise
from ganarium.testing import MethodUnderTest
from helpers import Stream, mlp


def test_feature_distance_is_between_means():
    real, fake = torch.randn(5, 3), torch.randn(7, 3)
    wanted = sum((real[:, j].mean() - fake[:, j].mean()) ** 2 for j in range(3))
    torch.testing.assert_close(feature_distance(real, fake), wanted)
    torch.testing.assert_close(feature_distance(real, real.flip(0)), torch.zeros(()))


def test_instance_noise_has_its_deviation():
    torch.manual_seed(0)
    samples = torch.zeros(100_000)
    assert with_instance_noise(samples, 0.3).std().item() == pytest.approx(0.3, rel=0.02)
    assert with_instance_noise(samples, 0.0) is samples


def test_history_is_the_mean_of_all_weights_so_far():
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    history, past = History(net), [net.weight.detach().clone()]
    assert history.distance(net) == 0
    for _ in range(4):
        with torch.no_grad():
            for p in net.parameters():
                p.add_(torch.randn_like(p))
        history.remember(net)
        past.append(net.weight.detach().clone())
    torch.testing.assert_close(history._means()[0], torch.stack(past).mean(0))
    with torch.no_grad():
        net.bias.copy_(history._means()[1])
    wanted = (net.weight - torch.stack(past).mean(0)).square().sum()
    torch.testing.assert_close(history.distance(net), wanted)


def engine_of(**game):
    match = MethodUnderTest(
        methods.find("gan"), {"game": game, "data": {"source": "ring", "size": None}, "images": 64}
    )
    return match.engine(), match.feed()


def test_each_term_is_in_the_log_with_its_weight():
    engine, data = engine_of(feature_matching_weight=2.0, historical_averaging_weight=0.5)
    first = engine.round(data)
    assert {"generator/feature_matching", "generator/history", "discriminator/history"} <= first.keys()
    assert first["discriminator/history"] == 0 == first["generator/history"]
    assert engine.round(data)["discriminator/history"] > 0


def test_feature_matching_may_stand_alone():
    """As in the paper, where it replaces the generator's own objective."""
    engine, data = engine_of(feature_matching_weight=1.0, adversarial_weight=0.0)
    terms = engine.round(data)
    assert "generator/adversarial" not in terms
    assert terms["generator/feature_matching"] > 0
    with pytest.raises(ValueError, match=r"game.adversarial_weight and .*both 0"):
        engine_of(adversarial_weight=0.0)


def test_feature_matching_moves_the_means_together():
    """A generator that only matches features of a discriminator that stands still."""
    torch.manual_seed(0)
    engine, _ = engine_of(feature_matching_weight=1.0, adversarial_weight=0.0)
    game = engine.game
    rates = {"generator": 0.05, "discriminator": 0.0}
    players = game.players().items()
    engine = Engine(game, {name: torch.optim.SGD(net.parameters(), lr=rates[name]) for name, net in players})
    data = Stream(64, 2)
    first, *_, last = [engine.round(data)["generator/feature_matching"] for _ in range(60)]
    assert last < 0.5 * first


def test_instance_noise_falls_to_zero_over_the_run():
    game = engine_of(instance_noise=0.5)[0].game
    torch.manual_seed(0)
    samples = torch.zeros(20_000, 2)

    class At:
        def __init__(self, progress):
            self.progress = progress

    assert game.discriminator_input(samples, At(0.0)).std().item() == pytest.approx(0.5, rel=0.05)
    assert game.discriminator_input(samples, At(0.5)).std().item() == pytest.approx(0.25, rel=0.05)
    assert game.discriminator_input(samples, At(1.0)) is samples


def test_features_are_asked_for_only_where_there_are_some():
    with pytest.raises(ValueError, match=r"game.feature_matching_weight=.*features"):
        methods.find("gan").game(mlp(4, 2), mlp(), feature_matching_weight=1.0)
