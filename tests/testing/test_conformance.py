"""Every method holds every check, and every check catches games that are broken on purpose."""

import os
import sys
import types
from dataclasses import replace

import pytest
import torch

import broken_games
from ganarium import methods, testing
from ganarium.core.game import Game, turn
from ganarium.methods.noise_to_image import gan
from ganarium.methods.noise_to_image.gan import GAN
from ganarium.networks import GENERATORS
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe
from ganarium.tasks.generate import Generate
from ganarium.tasks.latents import Latent
from ganarium.testing import CHECKS, MethodUnderTest, check_game

CGAN, DCGAN = methods.find("cgan"), methods.find("dcgan")
VIRTUAL = {"networks": {"generator": {"norm": "virtual"}, "discriminator": {"norm": "virtual"}}}
MINIBATCH = {"networks": {"discriminator": {"minibatch_discrimination": 4}}}
TRIALS = {name: MethodUnderTest(method) for name, method in methods.table().items()} | {
    "gan, textbook's noise": MethodUnderTest(gan.METHOD, {"game": {"resample_noise": True}}),
    "gan, generator first": MethodUnderTest(gan.METHOD, {"game": {"generator_first": True}}),
    "gan, lazy r1": MethodUnderTest(gan.METHOD, {"game": {"penalty": "r1", "penalty_interval": 2}}),
    "gan of points": MethodUnderTest(gan.METHOD, {"data": {"source": "ring", "size": None}}),
    "gan, minibatch discrimination": MethodUnderTest(gan.METHOD, MINIBATCH),
    "dcgan, minibatch discrimination": MethodUnderTest(DCGAN, MINIBATCH),
    "dcgan, virtual batch norm": MethodUnderTest(DCGAN, VIRTUAL),
    "ebgan, virtual batch norm": MethodUnderTest(
        methods.find("ebgan"), {"networks": {"generator": {"norm": "virtual"}}}
    ),
    "cgan, virtual batch norm": MethodUnderTest(CGAN, {**VIRTUAL, "game": {"generator_first": True}}),
    "gan, relativistic": MethodUnderTest(gan.METHOD, {"game": {"relativistic": "average"}}),
    "gan, all that steadies": MethodUnderTest(
        gan.METHOD,
        {
            "game": {
                "feature_matching_weight": 0.5,
                "historical_averaging_weight": 0.1,
                "instance_noise": 0.1,
                "real_label": 0.9,
            }
        },
    ),
    "ebgan, pretrained": MethodUnderTest(methods.find("ebgan"), {"game": {"pretraining_images": 16}}),
    "infogan, three codes": MethodUnderTest(
        methods.find("infogan"), {"game": {"categorical_codes": [3, 2], "continuous_codes": 1}}
    ),
    "acgan, steadied": MethodUnderTest(
        methods.find("acgan"), {"game": {"feature_matching_weight": 0.5, "historical_averaging_weight": 0.1}}
    ),
    "cgan, steadied": MethodUnderTest(
        CGAN, {"game": {"feature_matching_weight": 0.5, "relativistic": "average"}}
    ),
    "semi-supervised-gan, adversarial": MethodUnderTest(
        methods.find("semi-supervised-gan"),
        {"game": {"adversarial_weight": 1.0, "penalty": "r1", "generator_first": True}},
    ),
    "semi-supervised-gan, labels alone": MethodUnderTest(
        methods.find("semi-supervised-gan"), {"game": {"unlabeled_weight": 0.0}}
    ),
    "cgan with attributes": MethodUnderTest(
        CGAN, {"data": {"condition": "attributes"}, "game": {"condition_score": "apart"}}
    ),
    "cgan with images": MethodUnderTest(
        CGAN, {"data": {"condition": "edges"}, "game": {"mismatched_pairs": True}}
    ),
    "cgan from blurs": MethodUnderTest(
        CGAN, {"data": {"condition": "blur"}, "game": {"noise": "none", "join": "add"}}
    ),
    "cgan, mismatched": MethodUnderTest(
        CGAN, {"game": {"mismatched_pairs": True, "condition_score": "apart", "penalty": "r1"}}
    ),
    "pix2pixhd with features": MethodUnderTest(methods.find("pix2pixhd"), {"game": {"encoder_features": 2}}),
    "pix2pixhd from edges": MethodUnderTest(methods.find("pix2pixhd"), {"data": {"condition": "edges"}}),
    "gaugan without styles": MethodUnderTest(
        methods.find("gaugan"), {"networks": {"generator": {"style_dim": 0}}, "game": {"penalty": "r1"}}
    ),
    "cgan, added": MethodUnderTest(CGAN, {"game": {"join": "add", "generator_first": True}}),
}


DEVICES = os.environ.get("GANARIUM_TEST_DEVICES", "cpu").split(",")
"""`GANARIUM_TEST_DEVICES=cuda` tries a GPU; not beside tests that fork, which torch forbids then."""
NO_ORDER = {testing.check_same_seed_same_numbers, testing.check_resumed_equals_uninterrupted}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("trial", TRIALS.values(), ids=TRIALS.keys())
@pytest.mark.parametrize("device", DEVICES)
def test_method_conforms(device, trial, check):
    if device != "cpu" and trial.method.name == "infogan" and check in NO_ORDER:
        pytest.skip("the gradient of grid_sample has no deterministic kernel")
    check(trial if device == trial.device else replace(trial, device=device))


BROKEN = [
    (testing.check_builds, broken_games.BuiltByChance, "builds different weights.*generator"),
    (testing.check_builds, broken_games.BuiltByCount, "builds different weights.*generator"),
    (testing.check_every_player_moves, broken_games.NoTurnForTheGenerator, "generator did not change"),
    (testing.check_every_player_moves, broken_games.FlatLoss, "generator, discriminator did not change"),
    (
        testing.check_turns_touch_only_their_players,
        broken_games.OwnBackward,
        "left a gradient in discriminator",
    ),
    (
        testing.check_turns_touch_only_their_players,
        broken_games.WritesWhileOthersMove,
        "discriminator.* changed in another",
    ),
    (testing.check_terms_are_finite, broken_games.Endless, "generator/log is -inf in round 0"),
    (testing.check_terms_are_finite, broken_games.NotANumber, "generator/adversarial is nan in round 0"),
    (testing.check_nothing_leaks_through_a_yield, broken_games.YieldsInsideAWith, "grad mode"),
    (
        testing.check_nothing_leaks_through_a_yield,
        broken_games.LeavesEvalMode,
        "training mode of discriminator",
    ),
    (
        testing.check_nothing_leaks_through_a_yield,
        broken_games.ForgetsToThaw,
        "requires_grad of discriminator",
    ),
    (testing.check_same_seed_same_numbers, broken_games.OwnChance, "its own random generator"),
    (testing.check_same_seed_same_numbers, broken_games.OwnNoise, "its own random generator"),
    (
        testing.check_micro_batches,
        broken_games.MovesOnEveryMicroBatch,
        "strength differs.*clock.first_micro_batch",
    ),
    (testing.check_micro_batches, broken_games.CountsMicroBatches, "rounds differs.*clock.first_micro_batch"),
    (testing.check_micro_batches, broken_games.OneTurnMoreForTheFirst, "micro-batches disagree"),
    (testing.check_bfloat16, broken_games.Cancels, "not finite in bfloat16: .*generator/log"),
    (testing.check_bfloat16, broken_games.NeedsFloat32, "cannot play"),
    (testing.check_resumed_equals_uninterrupted, broken_games.RemembersANumber, "outside the game's tensors"),
    (testing.check_resumed_equals_uninterrupted, broken_games.RemembersAList, "outside the game's tensors"),
    (testing.check_samples, broken_games.TooBright, "outside the range"),
    (testing.check_samples, broken_games.TooDark, "outside the range"),
    (testing.check_samples, broken_games.OtherShape, r"\(5, 3, 16, 15\), declared \(3, 16, 16\)"),
    (testing.check_samples, broken_games.OtherBatch, "how many follow"),
    (testing.check_model_round_trip, broken_games.LosesANetwork, "cannot generate.*discriminator"),
    (testing.check_model_round_trip, broken_games.LosesANumber, "differs in generate, samples"),
]


@pytest.fixture
def own_table(monkeypatch):
    """The method table as it was, afterwards."""
    monkeypatch.setattr(methods.table(), "_added", {})


def method_of(game, card=gan.__doc__, name="gan-of-mine"):
    def recipe() -> Recipe:
        return gan.recipe().model_copy(update={"method": name})

    module = types.ModuleType(f"card_of_{game.__name__}", card)
    recipe.__module__ = module.__name__
    sys.modules[module.__name__] = module
    return Method(name, game, recipe, gan.TINY)


@pytest.mark.usefixtures("own_table")
@pytest.mark.parametrize(
    ("check", "game", "complaint"), BROKEN, ids=lambda value: getattr(value, "__name__", "")
)
def test_broken_game_is_caught(check, game, complaint):
    with pytest.raises(AssertionError, match=complaint):
        check(MethodUnderTest(method_of(game)))
    assert torch.is_grad_enabled()


def test_every_check_has_two_broken_games():
    for check in set(CHECKS) - {testing.check_card}:
        assert sum(check is caught_by for caught_by, *_ in BROKEN) >= 2, check.__name__


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("GAN: Generative", "Generative", "must begin with 'NAME: title"),
        (" 2014, arXiv:1406.2661", "", "must begin with 'NAME: title"),
        ("    generator       min", "    generator", "no formula line for generator"),
        ("Not to be confused with", "See also", "has no 'Not to be confused with"),
        ("Deviations from the paper", "Notes", "has no 'Deviations from the paper"),
        ("Tested by", "Tests", "has no 'Tested by"),
    ],
)
def test_incomplete_card_is_caught(old, new, complaint):
    with pytest.raises(AssertionError, match=complaint):
        testing.check_card(MethodUnderTest(method_of(GAN, gan.__doc__.replace(old, new), name="gan")))


class Moments(Game):
    """A method that owes nothing to the built-in ones: match mean and spread of the data."""

    roles = {"generator": GENERATORS}
    tasks = (Generate(),)

    def __init__(self, generator, *, noise_dim: int = 4):
        super().__init__()
        self.generator, self.noise_dim = generator, noise_dim
        self.latents = (Latent("z", (noise_dim,)),)

    @classmethod
    def assemble(cls, network, spec, **settings):
        return cls(network("generator", settings["noise_dim"], spec.shape), **settings)

    def play(self, data, clock):
        real = next(data)
        fake = self.generator(torch.randn(len(real), self.noise_dim))
        yield turn(
            self.generator,
            mean=(fake.mean(0) - real.mean(0)).square().mean(),
            spread=(fake.std(0) - real.std(0)).square().mean(),
        )

    def generate(self, z):
        return self.generator(z)


MOMENTS_CARD = """Moments: a generator without an opponent (Nobody 2025, unpublished).

    generator   min  E[mean, spread]

Not to be confused with: anything.

Deviations from the paper:
1. There is none.

Tested by: this file.
"""


@pytest.mark.usefixtures("own_table")
def test_a_method_of_your_own_conforms():
    def recipe() -> Recipe:
        return Recipe(
            method="moments",
            images=1000,
            networks={"generator": {"kind": "mlp"}},
            optimizers={"generator": {"kind": "adam"}},
        )

    module = types.ModuleType("card_of_moments", MOMENTS_CARD)
    recipe.__module__, sys.modules[module.__name__] = module.__name__, module
    check_game(Method("moments", Moments, recipe, {"networks": {"generator": {"width": 8}}}))
