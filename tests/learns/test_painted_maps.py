"""Does it paint maps? A map tells class, place and form; the colour is told by a style, or drawn."""

from typing import Any

import numpy as np
import pytest
import torch

from ganarium import methods
from ganarium.common.schema import merge
from ganarium.data.world import World
from ganarium.models.model import Model
from ganarium.recipes.assemble import assemble
from ganarium.testing import MethodUnderTest
from ganarium.training.run import Run, prepare

SIZE, COUNT = 32, 120
WORLD = World(SIZE)
SCENES = WORLD.scenes(range(10_000, 10_000 + COUNT))
"""None of these is among those of training."""
MAPS = torch.from_numpy(np.stack([SCENES.semantic(), SCENES.masks()], 1).astype(np.int64))
TRUTH = torch.from_numpy(SCENES.images()).permute(0, 3, 1, 2) / 127.5 - 1
COLORS = torch.from_numpy(SCENES.colors)
OTHERS = torch.arange(COUNT).roll(7)
"""Scenes of which most have another colour, class and place."""

DATA = {"size": SIZE, "count": 5_000}
LESSONS: dict[str, dict[str, Any]] = {
    # With instance norm, which divides out how strong a colour or a feature is, two colours share one code
    # for most of a run, or for all of it; so batch norm, an option of the official program.
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
    # Without a norm the encoder's maps are so faint that codes stay noise for long; instance norm would take
    # from them how strong a colour is. At the default weight of the divergence codes tell two colours apart.
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


def taught(name: str, *, seed: int = 0, lr: float | None = None) -> Model:
    lesson = merge(LESSONS[name], {"seed": seed})
    if lr:
        slow = {"generator": {"lr": lr}, "discriminator": {"lr": lr}}
        lesson = merge(lesson, {"images": 32, "optimizers": slow})
    trial = MethodUnderTest(methods.find(name), lesson)
    engine, feed = trial.engine(), trial.feed()
    while engine.clock.images < trial.recipe.images:
        engine.round(feed)
    return Model(trial.method, trial.recipe, trial.dataset.spec, engine.game)


def shares(model: Model, **how: Any) -> dict[str, float]:
    """What the world's judge finds in painted maps: class, form, own and others' colour."""
    seen = WORLD.judge(model.translate(MAPS, **how))
    found = {
        "class": seen.labels == torch.from_numpy(SCENES.labels),
        "well formed": seen.well_formed,
        "own colour": seen.colors == COLORS,
        "others' colour": seen.colors == COLORS[OTHERS],
    }
    return {name: value.float().mean().item() for name, value in found.items()}


def check(model: Model) -> None:
    bounds = BOUNDS[model.method.name]
    drawn, own, others = shares(model), shares(model, style=TRUTH), shares(model, style=TRUTH[OTHERS])
    assert drawn["class"] >= 0.9, drawn
    assert own["class"] >= 0.9, own
    assert own["well formed"] >= bounds["well formed"], own
    assert own["own colour"] >= bounds["colour"], own
    assert others["others' colour"] >= bounds["others' colour"], others
    assert others["own colour"] < 0.4, others
    assert drawn["own colour"] < 0.45, drawn


BOUNDS = {
    # Seeds 0, 1, 2 (settings were chosen with 10 and 11): 1.00, 1.00, 0.82; 1.00 each; 0.98, 0.95, 0.95.
    # With instance norm a change of the first weights by a millionth took seed 10's colour from 1.00 to 0.51.
    "pix2pixhd": {"well formed": 0.6, "colour": 0.9, "others' colour": 0.85},
    # Seeds 0, 1, 2: 1.00 of each; the length was found with seed 0, the rest with seed 11. Colours come late:
    # after 6,000 images seeds 11, 0, 1 had 0.76, 0.49, 0.75 of them, after 12,000 seed 10 0.74.
    "gaugan": {"well formed": 0.9, "colour": 0.9, "others' colour": 0.9},
}
"""A class comes by chance in one of six, a colour in one of four; nothing is well formed before training."""


def test_who_does_not_move_does_not_pass():
    for name in LESSONS:
        model = taught(name, lr=1e-12)
        with pytest.raises(AssertionError):
            check(model)
        own = shares(model, style=TRUTH)
        assert own["class"] < 0.4, own
        assert own["own colour"] < 0.5, own
        assert own["well formed"] == 0, own


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), [("pix2pixhd", 0), ("pix2pixhd", 1), ("gaugan", 0), ("gaugan", 1)])
def test_maps_are_painted_in_the_style_of_a_picture(name, seed):
    check(taught(name, seed=seed))


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> Run:
    """A tiny run of three stages: 16, 32 and 64 pixels."""
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


def test_what_a_stage_learns_the_next_ones_know():
    method = methods.find("pix2pixhd")
    changes = {"networks": {"generator": {"enhancers": 2}}, "data": {"size": 64}}
    trial = MethodUnderTest(method, merge(changes, {"game": {"encoder_features": 2}}))
    script = assemble(method, trial.recipe, trial.dataset.spec).stages(1_000)
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


def test_a_coarse_network_paints_half_the_size():
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
def test_what_cannot_be_is_said(name, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        MethodUnderTest(methods.find(name), changes).game()


def test_styles_are_refused_where_none_were_learned():
    def model(name: str, changes: dict[str, Any]) -> Model:
        trial = MethodUnderTest(methods.find(name), changes)
        return Model(trial.method, trial.recipe, trial.dataset.spec, trial.game())

    maps, style = MAPS[:2, :, :16, :16], TRUTH[:1]
    with pytest.raises(ValueError, match="trained without an encoder"):
        model("pix2pixhd", {}).translate(maps, style=style)
    with pytest.raises(ValueError, match="a pix2pix model takes no style; gaugan"):
        model("pix2pix", {}).translate(TRUTH[:2, :1, :16, :16], style=style)
    painter = model("gaugan", {})
    with pytest.raises(ValueError, match=r"style is \[3, 3, 32, 32\].*\[2 or 1, 3, h, w\]"):
        painter.translate(maps, style=TRUTH[:3])
    assert torch.equal(painter.translate(maps, seed=3), painter.translate(maps, seed=3, batch_size=2))
    assert not torch.equal(painter.translate(maps, seed=3), painter.translate(maps, seed=4))
    one, another = (painter.translate(maps, style=TRUTH[k : k + 1], batch_size=1) for k in (0, 1))
    assert one.shape == (2, 3, 16, 16)
    assert not torch.equal(one, another)
