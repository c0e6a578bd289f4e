"""Learning tests on label maps: a map gives class, place and form; the color comes from a style."""

from typing import Any

import numpy as np
import pytest
import torch

from ganarium import methods
from ganarium.common.schema import merge
from ganarium.data.world import World
from ganarium.models.model import Model
from ganarium.recipes.assemble import build_campaign
from ganarium.testing import MethodUnderTest
from ganarium.training.run import Run, prepare

SIZE, COUNT = 32, 120
WORLD = World(SIZE)
SCENES = WORLD.scenes(range(10_000, 10_000 + COUNT))
"""Scenes that are not shown in training."""
MAPS = torch.from_numpy(np.stack([SCENES.semantic(), SCENES.masks()], 1).astype(np.int64))
TRUTH = torch.from_numpy(SCENES.images()).permute(0, 3, 1, 2) / 127.5 - 1
COLORS = torch.from_numpy(SCENES.colors)
OTHERS = torch.arange(COUNT).roll(7)
"""Numbers of other scenes; most have another color, class and place."""

DATA = {"size": SIZE, "count": 5_000}
SETTINGS: dict[str, dict[str, Any]] = {
    # Instance norm removes the strength of colors and features: two colors share one code for most of a run,
    # or for all of it. Hence batch norm, an option of the official program.
    "pix2pixhd": {
        "images": 6_000,
        "batch_size": 8,
        "data": DATA,
        "game": {"encoder_features": 3, "coarse_share": 0.0, "frozen_share": 0.0},
        "networks": {
            "generator": {
                "width": 8,
                "downsamplings": 2,
                "blocks": 2,
                "enhancer_blocks": 1,
                "norm": "batch",
            },
            "discriminator": {"width": 16, "layers": 2, "scales": 2},
            "encoder": {"width": 8, "downsamplings": 1, "norm": "batch"},
        },
        "optimizers": {"generator": {"lr": 1e-3}, "discriminator": {"lr": 1e-3}},
    },
    # Without a norm the encoder's maps are so weak that codes stay noise for long; instance norm removes the
    # strength of colors. At the default weight of the divergence codes distinguish two colors.
    "gaugan": {
        "images": 24_000,
        "batch_size": 16,
        "data": DATA,
        "game": {"style_weight": 0.002},
        "networks": {
            "generator": {"width": 4, "hidden": 16, "style_dim": 8},
            "discriminator": {"width": 16, "layers": 2, "scales": 2},
            "encoder": {"width": 4, "norm": "batch"},
        },
        "optimizers": {"generator": {"lr": 1e-3}, "discriminator": {"lr": 2e-3}},
    },
}


def trained(name: str, *, seed: int = 0, lr: float | None = None) -> Model:
    settings = merge(SETTINGS[name], {"seed": seed})
    if lr:
        slow = {"generator": {"lr": lr}, "discriminator": {"lr": lr}}
        settings = merge(settings, {"images": 32, "optimizers": slow})
    trial = MethodUnderTest(methods.find(name), settings)
    engine, feed = trial.engine(), trial.feed()
    while engine.clock.images < trial.recipe.images:
        engine.round(feed)
    return trial.model(engine.game)


def shares(model: Model, **style: Any) -> dict[str, float]:
    """Return shares of the outputs with the right class, form, and their own color or that of others."""
    seen = WORLD.judge(model.translate(MAPS, **style))
    found = {
        "class": seen.labels == torch.from_numpy(SCENES.labels),
        "well formed": seen.well_formed,
        "own color": seen.colors == COLORS,
        "others' color": seen.colors == COLORS[OTHERS],
    }
    return {name: value.float().mean().item() for name, value in found.items()}


def check(model: Model) -> None:
    bounds = BOUNDS[model.method.name]
    random, own, others = shares(model), shares(model, style=TRUTH), shares(model, style=TRUTH[OTHERS])
    assert random["class"] >= 0.9, random
    assert own["class"] >= 0.9, own
    assert own["well formed"] >= bounds["well formed"], own
    assert own["own color"] >= bounds["color"], own
    assert others["others' color"] >= bounds["others' color"], others
    assert others["own color"] < 0.4, others
    assert random["own color"] < 0.45, random


BOUNDS = {
    # Seeds 0, 1, 2 (settings were chosen with 10 and 11): 1.00, 1.00, 0.82; 1.00 each; 0.98, 0.95, 0.95.
    # With instance norm a change of the first weights by a millionth changed seed 10 from 1.00 to 0.51.
    "pix2pixhd": {"well formed": 0.6, "color": 0.9, "others' color": 0.85},
    # Seeds 0, 1, 2: 1.00 each; the length was chosen with seed 0, the rest with seed 11. Colors are learned
    # late: after 6,000 images seeds 11, 0, 1 had 0.76, 0.49, 0.75, after 12,000 seed 10 had 0.74.
    "gaugan": {"well formed": 0.9, "color": 0.9, "others' color": 0.9},
}
"""Bounds; chance level is one in six for a class, one in four for a color, and 0 for a well-formed shape."""


def test_without_learning_it_fails():
    for name in SETTINGS:
        model = trained(name, lr=1e-12)
        with pytest.raises(AssertionError):
            check(model)
        own = shares(model, style=TRUTH)
        assert own["class"] < 0.4, own
        assert own["own color"] < 0.5, own
        assert own["well formed"] == 0, own


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [("pix2pixhd", 0), ("pix2pixhd", 1), ("gaugan", 0), ("gaugan", 1)])
def test_maps_are_translated_in_the_style_of_an_image(name, seed):
    check(trained(name, seed=seed))


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> Run:
    """Return a tiny run of three stages: 16, 32 and 64 pixels."""
    tiny = merge(
        dict(methods.find("pix2pixhd").tiny),
        {"images": 64, "batch_size": 8, "networks": {"generator": {"enhancers": 2}}},
    )
    data = {"source": "world", "size": 64, "count": 16, "workers": 0}
    run = prepare("pix2pixhd", data=data, out=tmp_path_factory.mktemp("run") / "run", **tiny)
    return run.finish()


def test_a_run_goes_from_coarse_to_fine(stages):
    assert {record["stage"]: record["images"] for record in stages.records} == {
        "16x16": 16,
        "32x32": 32,
        "64x64": 64,
    }
    model = stages.model()
    assert (model.stage, model.spec.shape) == ("64x64", (3, 64, 64))
    scenes = World(64).scenes(range(3))
    maps = torch.from_numpy(np.stack([scenes.semantic(), scenes.masks()], 1).astype(np.int64))
    assert model.translate(maps).shape == (3, 3, 64, 64)


def test_stages_share_their_networks():
    method = methods.find("pix2pixhd")
    changes = {"networks": {"generator": {"enhancers": 2}}, "data": {"size": 64}}
    trial = MethodUnderTest(method, merge(changes, {"game": {"encoder_features": 2}}))
    script = build_campaign(method, trial.recipe, trial.dataset.spec).stages(1_000)
    games, images, sizes = [], [], []
    for _ in range(3):
        stage = script.send(games[-1].players() if games else None)
        games.append(stage.game)
        images.append(stage.images)
        sizes.append(stage.changes.get("data", {}).get("size"))
    assert images == [250, 250, 500]
    assert sizes == [(16, 16), (32, 32), None]
    first, second, third = (game.translator for game in games)
    assert first.coarse is second.coarse is third.coarse
    assert second.enhancers[0] is third.enhancers[0]
    assert first.last.in_channels == 2 * second.last.in_channels == 4 * third.last.in_channels
    assert games[0].encoder is games[2].encoder
    assert games[0].discriminator is games[2].discriminator
    assert [game.frozen_share for game in games] == [0.0, 0.05, 0.05]


def test_a_coarse_network_gives_half_the_size():
    game = MethodUnderTest(methods.find("pix2pixhd")).game()
    coarser = game.generator.coarser()
    condition = torch.randn(2, coarser.coarse.first.conv.in_channels, 16, 16)
    assert coarser(condition).shape == (2, 3, 16, 16)
    assert torch.equal(coarser.coarse(condition), game.generator.coarse(condition))


@pytest.mark.parametrize(
    ("name", "changes", "complaint"),
    [
        ("pix2pixhd", {"game": {"coarse_share": 1.0}}, "game.coarse_share is 1.0"),
        ("pix2pixhd", {"game": {"frozen_share": -0.1}}, "game.frozen_share is -0.1"),
        (
            "pix2pixhd",
            {"game": {"encoder_features": 2}, "data": {"condition": "edges"}},
            "game.encoder_features=2 .*data.condition=edges",
        ),
        (
            "gaugan",
            {"networks": {"discriminator": {"kind": "pixel"}}},
            "game.feature_matching_weight=10.0 needs .*networks.discriminator.kind",
        ),
    ],
)
def test_invalid_settings_are_refused(name, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        MethodUnderTest(methods.find(name), changes).game()


def test_styles_are_refused_if_none_were_learned():
    def model(name: str, changes: dict[str, Any]) -> Model:
        trial = MethodUnderTest(methods.find(name), changes)
        return trial.model(trial.game())

    maps, style = MAPS[:2, :, :16, :16], TRUTH[:1]
    with pytest.raises(ValueError, match="pix2pixhd model does not take 'style'"):
        model("pix2pixhd", {}).translate(maps, style=style)
    with pytest.raises(ValueError, match="pix2pix model does not take 'style'"):
        model("pix2pix", {}).translate(TRUTH[:2, :1, :16, :16], style=style)
    gaugan = model("gaugan", {})
    with pytest.raises(ValueError, match="has 2 rows; give 3, or one for all"):
        gaugan.translate(maps, style=TRUTH[:3])
    assert torch.equal(gaugan.translate(maps, seed=3), gaugan.translate(maps, seed=3, batch_size=2))
    assert not torch.equal(gaugan.translate(maps, seed=3), gaugan.translate(maps, seed=4))
    one, another = (gaugan.translate(maps, style=TRUTH[k : k + 1], batch_size=1) for k in (0, 1))
    assert one.shape == (2, 3, 16, 16)
    assert not torch.equal(one, another)
