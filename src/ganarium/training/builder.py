"""From a recipe to an engine: the device, and the networks laid out, synchronised and compiled on it."""

import os

import torch
from torch import nn

from ganarium.core import optimizers
from ganarium.core.averages import HalfLife
from ganarium.core.devices import PRECISIONS
from ganarium.core.engine import Engine
from ganarium.core.game import Game
from ganarium.networks.layers.memory_format import apply_memory_format
from ganarium.networks.layers.sync_batch_norm import synchronize
from ganarium.recipes.recipe import Recipe


def engine_for(game: Game, recipe: Recipe, device: torch.device, *, images: int | None = None) -> Engine:
    """The game's engine; its networks on the device, laid out and compiled as the recipe says.

    Raises:
        ValueError: the recipe's optimizers or averages are not for this game's players.
    """
    if device.type == "cuda":
        _let_sums_have_an_order(recipe.deterministic)
    if recipe.sync_batch_norm:
        synchronize(game)
    apply_memory_format(game.to(device).train())
    players = game.players()
    if differing := players.keys() ^ recipe.optimizers.keys():
        raise ValueError(
            f"optimizers and players differ in {', '.join(sorted(differing))}; "
            f"the players of {recipe.method} are {', '.join(players)}"
        )
    engine = Engine(
        game,
        {
            name: optimizers.make(recipe.optimizers[name], net.parameters(), fused=device.type != "mps")
            for name, net in players.items()
        },
        schedules={name: optimizers.schedule(recipe.optimizers[name]) for name in players},
        clip_norms={
            name: entry["clip_norm"] for name, entry in recipe.optimizers.items() if entry["clip_norm"]
        },
        averages={
            name: HalfLife(entry.half_life_kimg * 1000, entry.ramp_up)
            for name, entry in recipe.averages.items()
        },
        precision=PRECISIONS[recipe.precision],
        accumulate=recipe.accumulate,
        seed=recipe.seed,
        length=images or recipe.images,
    )
    if recipe.compile:
        for name, net in players.items():
            _compile(name, net)
    return engine


def _let_sums_have_an_order(wanted: bool) -> None:
    """A GPU's fastest kernels add in an order of chance; torch warns of the few that have no other."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(wanted, warn_only=True)
    # Else torch fills all new memory with NaN, which shows a fault that is not this one and takes time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _compile(name: str, net: nn.Module) -> None:
    if type(net).forward.__module__.startswith("torch."):  # torch skips its own code in silence
        raise ValueError(
            f"compile=true cannot compile {name}: torch passes over a plain {type(net).__name__}; "
            "give it a class with a forward of its own"
        )
    net.compile(dynamic=False)
