"""Engine that plays rounds: it handles optimizers, precision and processes, independent of the method."""

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganarium.core import processes
from ganarium.core.averages import Averages, HalfLife
from ganarium.core.game import Clock, Game, Means, Turn, check_terms
from ganarium.core.schedules import Schedule


class Engine:
    """Training engine: plays a game round by round.

    Args:
        game: the game.
        optimizers: one for each player.
        schedules: player -> factor on its learning rate over the run.
        clip_norms: player -> largest norm of its gradient; a longer one is scaled down.
        averages: player -> half-life of its running average.
        precision: float32, or bfloat16 for the body of the script (autocast).
        accumulate: micro-batches a round.
        seed: seed of the noise, which is a function of (seed, process, round).
        length: images in the whole run, for `clock.progress`.
        batch_size: samples in a batch, for `clock.batch_size`.

    Raises:
        ValueError: players and optimizers differ, or a parameter belongs to two players or none.
    """

    def __init__(
        self,
        game: Game,
        optimizers: Mapping[str, Optimizer],
        *,
        schedules: Mapping[str, Schedule] | None = None,
        clip_norms: Mapping[str, float] | None = None,
        averages: Mapping[str, HalfLife] | None = None,
        precision: torch.dtype = torch.float32,
        accumulate: int = 1,
        seed: int = 0,
        length: int = 1,
        batch_size: int = 0,
    ):
        self.game = game
        self.players = game.players()
        _check_owners(game, self.players, optimizers)
        self.names = {id(net): name for name, net in self.players.items()}
        self.params = {
            name: [p for p in net.parameters() if p.requires_grad] for name, net in self.players.items()
        }
        self.optimizers = dict(optimizers)
        self.schedules = dict(schedules or {})
        self.rates = {name: [g["lr"] for g in o.param_groups] for name, o in self.optimizers.items()}
        self.clip_norms = dict(clip_norms or {})
        self.averages = Averages(self.players, averages or {})
        self.precision = precision
        self.accumulate = accumulate
        self.clock = Clock(length=length, seed=seed, batch_size=batch_size)
        self.lazy: dict[str, int] = {}
        self.device = next(game.parameters()).device.type
        processes.broadcast(game)

    def round(self, data: Iterator) -> dict[str, Tensor]:
        """Play one round; return its mean loss terms on the device (reading one synchronizes)."""
        self._reseed()
        self._set_learning_rates()
        self._report: dict[str, list[Tensor]] = {}
        images = getattr(data, "images", 0)
        means = Means(over_processes=processes.mean)
        clocks = [replace(self.clock, first_micro_batch=i == 0, means=means) for i in range(self.accumulate)]
        scripts = [self.game.play(data, clock) for clock in clocks]
        if not all(isinstance(script, Iterator) for script in scripts):
            name = type(self.game).__name__
            raise TypeError(f"{name}.play() has no `yield`; it must yield turn(player, name=loss)")
        turns_taken = 0
        while self._turn(scripts):
            turns_taken += 1
        if not turns_taken:
            raise RuntimeError(f"play() yielded no turn in round {self.clock.round}; yield at least one")
        drawn = getattr(data, "images", 0) - images
        self.clock = replace(self.clock, round=self.clock.round + 1, images=self.clock.images + drawn)
        processes.average_buffers(self.game)
        self.averages.update(drawn, self.clock.images)
        return {name: torch.stack(values).mean() for name, values in self._report.items()}

    def _turn(self, scripts: list[Iterator]) -> bool:
        """Play one turn of every micro-batch, then step its players; return False if the round is over.

        Scripts advance in lockstep. The backward pass of a micro-batch runs before the forward pass of the
        next one, so a step uses the gradient of the whole batch in the memory of one micro-batch.
        """
        expected: list[list[str]] = []
        closures: list[Callable[[], Tensor]] = []
        for i, script in enumerate(scripts):
            turns = self._advance(script)
            players = [[self._name(net) for net in t.players] for t in turns]
            self._correct_lazy(turns)
            if i and players != expected:
                raise RuntimeError(
                    f"micro-batches disagree about the players of a turn: {expected}, {players}; "
                    "turns may depend on the clock, not on data or clock.first_micro_batch"
                )
            if not i:
                expected, names = players, [name for side in players for name in side]
                if len(set(names)) < len(names):
                    raise ValueError(f"a player is twice in one turn: {names}; add its terms up")
                self._zero(names)
            if any(callable(t.terms) for t in turns):
                closures.append(lambda script=script, turns=turns: self._backward(script, turns))  # type: ignore[misc]
            else:
                self._backward(script, turns)
            del turns  # free the graph before the next forward pass
        turn_of = f"the turn of {', '.join(names)}" if names else "the end"
        processes.check_turn(f"{turn_of} in round {self.clock.round}", self.device)
        if not names:
            return False

        def evaluate() -> Tensor:
            self._zero(names)
            loss = sum(closure() for closure in closures)
            self._exchange(names)
            return loss  # type: ignore[return-value]

        if not closures:
            self._exchange(names)
        for name in names:
            self.optimizers[name].step(evaluate) if closures else self.optimizers[name].step()  # type: ignore[arg-type]
            # Fused optimizers do not increment the version; autograd would accept a stale graph.
            torch.autograd.graph.increment_version(self.params[name])
        return True

    def _correct_lazy(self, turns: tuple[Turn, ...]) -> None:
        """Correct learning rates and betas of the players of lazy turns, when such a turn is seen first."""
        for t in turns:
            for net in t.players if t.every > 1 else ():
                name = self._name(net)
                if name not in self.lazy:
                    self._set_lazy(name, t.every)
                elif self.lazy[name] != t.every:
                    raise ValueError(
                        f"turns of {name} are taken every {self.lazy[name]} and every {t.every} rounds; "
                        "a player has one lazy interval"
                    )

    def _set_lazy(self, name: str, interval: int) -> None:
        share = interval / (interval + 1)
        self.lazy[name] = interval
        self.rates[name] = [rate * share for rate in self.rates[name]]
        for group in self.optimizers[name].param_groups:
            group["lr"] *= share
            if "betas" in group:
                group["betas"] = tuple(beta**share for beta in group["betas"])
        self._set_learning_rates()

    def _advance(self, script: Iterator) -> tuple[Turn, ...]:
        """Run a script to its next `yield`; return its turns, none if the script is over."""
        with self._autocast():
            yielded = next(script, ())
        if not torch.is_grad_enabled() or torch.is_autocast_enabled(self.device):
            torch.set_grad_enabled(True)
            raise RuntimeError("a `yield` inside a `with`; end the block before the turn")
        turns = yielded if isinstance(yielded, tuple) else (yielded,)
        if not all(isinstance(t, Turn) for t in turns):
            raise TypeError(f"play() yielded {type(yielded).__name__}; yield turn(player, name=loss)")
        return turns

    def _backward(self, script: Iterator, turns: tuple[Turn, ...]) -> Tensor:
        """Add the gradients of the turns' terms to their players; return the loss."""
        total = torch.zeros((), device=self.device)
        try:
            for i, t in enumerate(turns):
                loss = self._loss(t)
                # `inputs=` freezes the other players: backward stops at these parameters, so no other
                # player gets a gradient, and the graph of a shared input is not freed.
                params = [p for net in t.players for p in self.params[self._name(net)]]
                loss.backward(inputs=params, retain_graph=i + 1 < len(turns))
                total = total + loss.detach()
        except RuntimeError as error:
            if "second time" in str(error):
                error.add_note("Two turns share one forward pass: yield them as a tuple, or repeat the pass.")
            frame = getattr(script, "gi_frame", None)
            if frame is not None:
                error.add_note(f"At the turn in {frame.f_code.co_filename}, line {frame.f_lineno}.")
            raise
        return total

    def _loss(self, t: Turn) -> Tensor:
        if callable(t.terms):
            with self._autocast():
                terms = t.terms()
            check_terms(terms)
        else:
            terms = t.terms
        player = self._name(t.players[0])
        for name, value in terms.items():
            self._report.setdefault(f"{player}/{name}", []).append(value.detach().reshape(()))
        loss = torch.stack([value.reshape(()) for value in terms.values()]).sum() / self.accumulate
        if not loss.requires_grad:
            names = ", ".join(self._name(net) for net in t.players)
            raise RuntimeError(
                f"the loss {list(terms)} of {names} has no gradient; check for no_grad() and detach()"
            )
        return loss

    def _zero(self, names: list[str]) -> None:
        for name in names:
            self.optimizers[name].zero_grad(set_to_none=True)

    def _exchange(self, names: list[str]) -> None:
        """Average the players' gradients over processes and clip them; raise if a player has none."""
        for name in names:
            params = self.params[name]
            processes.average_gradients(params)
            if all(p.grad is None for p in params):
                raise RuntimeError(f"{name} took a turn, but no loss term depends on it; check for detach()")
            if name in self.clip_norms:
                nn.utils.clip_grad_norm_(params, self.clip_norms[name])

    def _set_learning_rates(self) -> None:
        for name, schedule in self.schedules.items():
            factor = schedule(self.clock.progress)
            for group, rate in zip(self.optimizers[name].param_groups, self.rates[name], strict=True):
                group["lr"] = rate * factor

    def _reseed(self) -> None:
        """Seed the noise by (seed, process, round), so that a resumed run samples the same noise."""
        seed = (self.clock.seed * 1_000_003 + self.clock.round) * 4_099 + processes.rank()
        torch.manual_seed(seed % 2**63)
        random.seed(seed)

    def _autocast(self) -> contextlib.AbstractContextManager:
        if self.precision is torch.float32:
            return contextlib.nullcontext()
        # Older torch caches casts made under no_grad and loses gradients, so the cache is off.
        return torch.autocast(self.device, self.precision, cache_enabled=False)

    def _name(self, net: nn.Module) -> str:
        if id(net) not in self.names:
            raise ValueError(
                f"{type(net).__name__} took a turn, but the players are {', '.join(self.players)}"
            )
        return self.names[id(net)]

    def state_dict(self) -> dict[str, Any]:
        """Return all state that a resumed run needs: tensors, numbers and strings only."""
        return {
            "round": self.clock.round,
            "images": self.clock.images,
            "game": self.game.state_dict(),
            "optimizers": {name: o.state_dict()["state"] for name, o in self.optimizers.items()},
            "averages": self.averages.state_dict(),
            "lazy": dict(self.lazy),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore `state`. Length, seed and learning rates stay those of the recipe."""
        self.clock = replace(self.clock, round=state["round"], images=state["images"])
        self.game.load_state_dict(state["game"])
        for name, optimizer in self.optimizers.items():
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state["optimizers"][name], "param_groups": groups})
        self.averages.load_state_dict(state["averages"])
        for name, interval in state["lazy"].items():
            if name not in self.lazy:
                self._set_lazy(name, interval)


def _check_owners(game: Game, players: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]) -> None:
    if differing := players.keys() ^ optimizers.keys():
        raise ValueError(
            f"players and optimizers differ in {sorted(differing)}; the players are {', '.join(players)}"
        )
    owned = [id(p) for net in players.values() for p in net.parameters()]
    if len(owned) != len(set(owned)):
        raise ValueError("two players share a parameter; put the shared module in one player")
    if orphans := [n for n, p in game.named_parameters() if p.requires_grad and id(p) not in set(owned)]:
        raise ValueError(f"{', '.join(orphans)} belong to no player; put each in a child network")
