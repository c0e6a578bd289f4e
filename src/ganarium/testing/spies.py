"""Wrappers of a game's script, and states that they observe."""

import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ganarium.core.game import Clock, Game

Play = Callable[[Iterator, Clock], Iterator]


def wrap_script(game: Game, around: Callable[[Play], Play]) -> None:
    """Replace a game's script by `around(script)`."""
    game.play = around(game.play)  # type: ignore[assignment,method-assign]


def equal_runs(play: Play, game: Game) -> Play:
    """Return a script in which the micro-batches of a round have equal batches, noise and networks."""
    batches: list[Any] = []
    forward_states: list[dict[str, Any]] = []

    def script(data: Iterator, clock: Clock) -> Iterator:
        if clock.first_micro_batch:
            batches.clear()
            forward_states.clear()
        turns = play(_shared(data, batches), clock)
        inside = _random_state()
        for step in itertools.count():
            if clock.first_micro_batch:
                forward_states.append(_forward_state(game))
            else:
                _restore(game, forward_states[step])
            outside = _random_state()
            _set_random_state(inside)
            yielded = next(turns, None)
            inside = _random_state()
            _set_random_state(outside)
            if yielded is None:
                return
            yield yielded

    return script


def _shared(data: Iterator, batches: list[Any]) -> Iterator:
    """Yield the stored batches from the first one; read and store further ones."""
    for position in itertools.count():
        if position == len(batches):
            batches.append(next(data))
        yield batches[position]


def _forward_state(game: Game) -> dict[str, Any]:
    """Return the state that a forward pass may change: buffers of players, and pools."""
    buffers = {
        f"{player}.{name}" for player, net in game.players().items() for name, _ in net.named_buffers()
    }
    return {
        key: value.clone()
        for key, value in game.state_dict().items()
        if key in buffers or key.endswith("_extra_state")
    }


def _restore(game: Game, state: Mapping[str, Any]) -> None:
    pools = {key: value for key, value in state.items() if key.endswith("_extra_state")}
    game.load_state_dict(pools, strict=False)
    for key in state.keys() - pools.keys():
        game.get_buffer(key).data.copy_(state[key])  # `data`: a graph may have saved the buffer


def _random_state() -> tuple[Tensor, list[Tensor], Any]:
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return torch.get_rng_state(), on_gpus, random.getstate()


def _set_random_state(state: tuple[Tensor, list[Tensor], Any]) -> None:
    torch.set_rng_state(state[0])
    torch.cuda.set_rng_state_all(state[1])
    random.setstate(state[2])


def turns_of(yielded: Any) -> tuple:
    """Return the turns of one yield as a tuple."""
    return yielded if isinstance(yielded, tuple) else (yielded,)


def gradients_of(game: Game) -> dict[str, tuple[int, int] | None]:
    """Return identity and version of each parameter's gradient, by name; None without a gradient."""
    return {
        name: None if p.grad is None else (id(p.grad), p.grad._version) for name, p in game.named_parameters()
    }


def modes_of(game: Game) -> dict[str, Any]:
    """Return grad mode, autocast, default dtype, training modes and `requires_grad`, by name."""
    return {
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"),
        "default dtype": torch.get_default_dtype(),
        **{f"training mode of {name or 'the game'}": net.training for name, net in game.named_modules()},
        **{f"requires_grad of {name}": p.requires_grad for name, p in game.named_parameters()},
    }
