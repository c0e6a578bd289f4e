"""Build the game that a recipe describes."""

from typing import Any

import torch
from torch import nn

from ganarium.common.schema import build
from ganarium.core.campaign import Campaign
from ganarium.core.game import Game
from ganarium.data.spec import DataSpec
from ganarium.recipes.method import Method
from ganarium.recipes.recipe import Recipe


def assemble(method: Method, recipe: Recipe, spec: DataSpec) -> Game | Campaign:
    """The game, or campaign, that a recipe describes, for data with these facts; weights follow the seed."""

    def network(role: str, *collaborators: Any) -> nn.Module:
        return build(method.game.roles[role], recipe.networks[role], *collaborators)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return method.game.assemble(network, spec, **recipe.game)
