"""Engine of a game, built from a recipe: device, memory format, synchronized batch norm, compilation."""

import os
from typing import Any

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
    """Return the engine of a game; put its networks on the device and compile them as the recipe says.

    Raises:
        ValueError: optimizers or averages do not match the players, or a player cannot be compiled.
    """
    if device.type == "cuda":
        _use_deterministic_kernels(recipe.deterministic)
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
        batch_size=recipe.batch_size,
    )
    if recipe.compile:
        for name, net in players.items():
            _compile(name, net)
    return engine


def unused_compiled(engine: Engine) -> list[str]:
    """Return the names of players of which no compiled module has been called."""
    unused = []
    for name, net in engine.players.items():
        calls = [m.__dict__["_compiled_calls"] for m in net.modules() if "_compiled_calls" in m.__dict__]
        if calls and not any(map(sum, calls)):
            unused.append(name)
    return unused


def _use_deterministic_kernels(deterministic: bool) -> None:
    """Use deterministic kernels on a GPU, or the fastest; torch warns if only the fastest exist."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic, warn_only=True)
    # By default torch then fills new memory with NaN, to show uses of uninitialized memory; this takes time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _compile(name: str, net: nn.Module) -> None:
    """Compile a player: its `forward`, or the submodules that it lists in `compiled_parts`."""
    for part in getattr(net, "compiled_parts", ("",)):
        module = net.get_submodule(part)
        if type(module).forward.__module__.startswith("torch."):  # torch skips its own code without a message
            raise ValueError(
                f"compile=true cannot compile {name}: torch skips a plain {type(module).__name__}; "
                "give it a class with its own forward"
            )
        module.compile(dynamic=False)
        _count_calls(module)


def _count_calls(module: nn.Module) -> None:
    """Count the calls of a compiled module in its `_compiled_calls`, for `unused_compiled`."""
    compiled, calls = module._compiled_call_impl, [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        return compiled(*args, **kwargs)  # type: ignore[misc]

    module._compiled_call_impl = counted
    module.__dict__["_compiled_calls"] = calls
