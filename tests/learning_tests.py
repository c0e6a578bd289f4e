"""Shared parts of learning tests on the built-in world: methods trained by their preset, held-out scenes."""

import torch

from ganarium import methods
from ganarium.common.schema import merge
from ganarium.data.world import World
from ganarium.metrics.world_translation import STYLES, world_translations
from ganarium.recipes.presets import presets
from ganarium.recipes.yaml import from_yaml
from ganarium.testing import MethodUnderTest

SIZE, COUNT = 16, 240
UNSEEN = 2**40
"""Number of the first scene that is not shown in training."""


def trained(name, *, seed=0, images=None, lr=None, game=None):
    """Return the engine after training with the method's preset for the world."""
    method = methods.find(name)
    preset = from_yaml(presets(method)["world"].read_text())
    changes = {"seed": seed, "images": images or preset["images"], "game": game or {}}
    if lr:
        changes["optimizers"] = {player: {"lr": lr} for player in preset["optimizers"]}
    trial = MethodUnderTest(method, merge(preset, changes))
    engine, feed = trial.engine(), trial.feed()
    while engine.clock.images < trial.recipe.images:
        engine.round(feed)
    return engine


def scenes(count=COUNT):
    return World(SIZE).scenes(range(UNSEEN, UNSEEN + count))


def drawn(some, style):
    """Return images `[N, C, H, W]` of scenes in one of the world's styles."""
    return torch.from_numpy(STYLES[style](some)).permute(0, 3, 1, 2) / 127.5 - 1


def score(game, name):
    """Return a score of translations of held-out scenes, the mean over the game's directions."""
    scores, styles = [], list(STYLES)
    for source, target in game.directions:
        with torch.no_grad():
            made = game.translate(drawn(scenes(), styles[source]), (source, target))
        scores.append(world_translations(made, scenes(), styles[target]).summary()[name])
    return sum(scores) / len(scores)
