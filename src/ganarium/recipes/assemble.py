"""Build the game, or campaign, that a recipe describes."""

from typing import Any

import torch
from torch import nn

from ganarium.common.schema import build
from ganarium.core.campaign import Campaign, as_campaign, untrained_stage
from ganarium.core.game import Game
from ganarium.data.spec import DataSpec
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def build_campaign(method: Method, recipe: Recipe, spec: DataSpec) -> Campaign:
    """Return the campaign of a recipe for these data; a game becomes a campaign of one stage.

    Weights depend on the recipe's seed only; the caller's random state does not change.
    """

    def network(role: str, *collaborators: Any) -> nn.Module:
        return build(method.game.roles[role], recipe.networks[role], *collaborators)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return as_campaign(method.game.assemble(network, spec, **recipe.game))


def build_game(method: Method, recipe: Recipe, spec: DataSpec, *, stage: str | None = None) -> Game:
    """Return the untrained game of a stage of a recipe's campaign; of the last stage if None.

    Raises:
        ValueError: the campaign has no such stage.
    """
    campaign = build_campaign(method, recipe, spec)
    return untrained_stage(campaign, stage, images=recipe.images, seed=recipe.seed).game
