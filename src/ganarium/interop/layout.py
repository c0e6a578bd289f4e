"""What a table of an official network says, and how tensors are carried over by it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ganarium.models.network import NETWORKS, Origin, defaults

State = Mapping[str, Tensor]
Shapes = Mapping[str, tuple[int, ...]]
Settings = dict[str, Any]
Rows = Iterator[tuple[str, str]]

LEAVES = {
    "weight": "weight",
    "bias": "bias",
    "running_mean": "running_mean",
    "running_var": "running_var",
    "num_batches_tracked": "num_batches_tracked",
    "parametrizations.weight.original": "weight_orig",
    "parametrizations.weight.0._u": "weight_u",
    "parametrizations.weight.0._v": "weight_v",
}
"""A module's tensors as we name them and as they are named officially: spectral norm came as hooks then."""

COUNTER = "num_batches_tracked"
STATISTICS = ("running_mean", "running_var", COUNTER)
"""Kept by the instance norms of PyTorch before 0.4, too, and used by nobody; it had no counter then."""


@dataclass(frozen=True)
class Family:
    """An official network: how to tell it by the names and shapes of its tensors, and where these belong."""

    name: str
    """In words, with the official class' name."""
    role: str
    """`translator`, `discriminator` or `encoder`."""
    kind: str
    """Our network: a row of `LONE_NETWORKS[role]`."""
    origin: Origin
    """Whose it is."""
    usual: Settings
    """The official defaults."""
    settings: Callable[[Shapes], Settings]
    """What our constructor must be told, read from the shapes; LookupError where they are none of this."""
    rows: Callable[[Settings], Rows]
    """The table: our module, the official one."""
    unseen: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Settings that leave no trace in a file: the values that such a file may mean; the first is taken."""

    def built(self, settings: Settings) -> nn.Module:
        """The network, whose weights mean nothing yet; TypeError or ValueError for wrong settings."""
        # Without memory for weights, but for spectral norm: its power iterations take seconds on meta.
        with torch.device("cpu" if settings.get("spectral_norm") else "meta"):
            return NETWORKS[self.role][self.kind](**settings)

    def names(self, settings: Settings, network: nn.Module) -> dict[str, str]:
        """Each of the network's tensors: the official name, and ours."""
        ours = network.state_dict()
        return {
            f"{official}.{leaf}": f"{own}.{kept}"
            for own, official in self.rows(settings)
            for kept, leaf in LEAVES.items()
            if f"{own}.{kept}" in ours
        }

    def fit(self, shapes: Shapes, **changes: Any) -> "Fit | None":
        """How well tensors of these names and shapes fit; None where they tell no settings.

        `changes` are settings that a file does not tell.
        """
        try:
            settings = self._complete(self.settings(shapes) | changes)
            network = self.built(settings)
        except (LookupError, TypeError, ValueError):
            return None
        return self._compared(shapes, settings, network)

    def usual_fit(self, shapes: Shapes) -> "Fit":
        """How well they fit the network of the official defaults."""
        settings, network = self._usual
        return self._compared(shapes, settings, network)

    @cached_property
    def _usual(self) -> tuple[Settings, nn.Module]:
        settings = self._complete(self.usual)
        return settings, self.built(settings)

    def _complete(self, settings: Settings) -> Settings:
        return defaults(NETWORKS[self.role][self.kind]) | settings

    def _compared(self, found: Shapes, settings: Settings, network: nn.Module) -> "Fit":
        ours = network.state_dict()
        wanted = {official: tuple(ours[own].shape) for official, own in self.names(settings, network).items()}
        idle = self._idle(settings) if settings.get("norm") == "instance" else set()
        shared = found.keys() & wanted.keys()
        return Fit(
            self,
            settings,
            network,
            missing={k: v for k, v in wanted.items() if k not in shared and not k.endswith(COUNTER)},
            unexpected={k: v for k, v in found.items() if k not in shared and k not in idle},
            misshapen={k: (found[k], wanted[k]) for k in sorted(shared) if found[k] != wanted[k]},
            shared=len(shared),
        )

    def _idle(self, settings: Settings) -> set[str]:
        """Where instance norms of old would keep their statistics."""
        rows = self.rows(settings)
        return {f"{official}.{leaf}" for own, official in rows if "norm" in own for leaf in STATISTICS}


class Fit(NamedTuple):
    """How well a file's tensors fit a network; all names are official."""

    family: Family
    settings: Settings
    network: nn.Module
    """Not filled yet."""
    missing: Shapes
    unexpected: Shapes
    misshapen: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    """The shape found, and the one wanted."""
    shared: int
    """How many names are both found and wanted."""

    @property
    def whole(self) -> bool:
        """Every tensor has its place."""
        return not self.faults

    @property
    def likeness(self) -> float:
        """The share of all names, found or wanted, that are both."""
        strange = len(self.missing) + len(self.unexpected)
        return self.shared / (self.shared + strange) if self.shared else 0.0

    @property
    def faults(self) -> int:
        """How many tensors do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)

    def filled(self, state: State) -> nn.Module:
        """The network with these tensors, float32, in eval mode."""
        own = {
            ours: state[official] if official in state else torch.zeros((), dtype=torch.int64)
            for official, ours in self.family.names(self.settings, self.network).items()
        }
        self.network.load_state_dict(own, assign=True)
        return self.network.float().eval().requires_grad_(False)
