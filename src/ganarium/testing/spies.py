"""What is put between a game's script and whoever plays it, and what is seen there."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganarium.core.game import Clock, Game

Play = Callable[[Iterator, Clock], Iterator]


def wrap_script(game: Game, around: Callable[[Play], Play]) -> None:
    """Put something between a game's script and whoever plays it."""
    game.play = around(game.play)  # type: ignore[assignment,method-assign]


def equal_runs(play: Play, game: Game) -> Play:
    """The script such that all micro-batches of a round see equal batches, equal noise, equal networks."""
    batches: list[Any] = []
    passing: list[dict[str, Any]] = []

    def script(data: Iterator, clock: Clock) -> Iterator:
        if clock.first_micro_batch:
            batches.clear()
            passing.clear()
        turns = play(_shared(data, batches), clock)
        shared_random = _dice()
        for step in itertools.count():
            if clock.first_micro_batch:
                passing.append(_passing(game))
            else:
                _put_back(game, passing[step])
            outside = _dice()
            _throw(shared_random)
            yielded = next(turns, None)
            shared_random = _dice()
            _throw(outside)
            if yielded is None:
                return
            yield yielded

    return script


def _shared(data: Iterator, batches: list[Any]) -> Iterator:
    """The batches from their first on, drawn when nobody has had them yet."""
    for place in itertools.count():
        if place == len(batches):
            batches.append(next(data))
        yield batches[place]


def _passing(game: Game) -> dict[str, Any]:
    """What each forward pass may move: the buffers inside players, and pools."""
    buffers = {
        f"{player}.{name}" for player, net in game.players().items() for name, _ in net.named_buffers()
    }
    return {
        key: value.clone()
        for key, value in game.state_dict().items()
        if key in buffers or key.endswith("_extra_state")
    }


def _put_back(game: Game, passing: Mapping[str, Any]) -> None:
    pools = {key: value for key, value in passing.items() if key.endswith("_extra_state")}
    game.load_state_dict(pools, strict=False)
    for key in passing.keys() - pools.keys():
        game.get_buffer(key).data.copy_(passing[key])  # by `data`: graphs that wait may have saved it


def _dice() -> tuple[Tensor, list[Tensor], Any]:
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return torch.get_rng_state(), on_gpus, random.getstate()


def _throw(shared_random: tuple[Tensor, list[Tensor], Any]) -> None:
    torch.set_rng_state(shared_random[0])
    torch.cuda.set_rng_state_all(shared_random[1])
    random.setstate(shared_random[2])


def turns_of(yielded: Any) -> tuple:
    """The turns that a script yields at once."""
    return yielded if isinstance(yielded, tuple) else (yielded,)


def gradients_of(game: Game) -> dict[str, tuple[int, int] | None]:
    """For each parameter which gradient it has, and how often that was written to."""
    return {
        name: None if p.grad is None else (id(p.grad), p.grad._version) for name, p in game.named_parameters()
    }


def modes_of(game: Game) -> dict[str, Any]:
    """By name, all that a `with` or a network's mode may change."""
    return {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"),
        "default dtype": torch.get_default_dtype(),
        **{f"training mode of {name or 'the game'}": net.training for name, net in game.named_modules()},
        **{f"requires_grad of {name}": p.requires_grad for name, p in game.named_parameters()},
    }
