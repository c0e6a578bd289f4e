"""Tables of official networks, and the import of tensors by them."""

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
"""Our names of a module's tensors, and the official ones, where spectral norm is a hook."""

COUNTER = "num_batches_tracked"
STATISTICS = ("running_mean", "running_var", COUNTER)
"""Running statistics.

Instance norms of PyTorch before 0.4 saved them, too, without the counter; nothing used them.
"""


@dataclass(frozen=True)
class Family:
    """Official network, recognised by the names and shapes of its tensors, with the table of our names."""

    name: str
    """Name in words, with that of the official class."""
    role: str
    """`translator`, `discriminator` or `encoder`."""
    kind: str
    """Our network: a key of `NETWORKS[role]`."""
    origin: Origin
    """Repository and licence."""
    official_defaults: Settings
    """Settings of the official defaults."""
    settings: Callable[[Shapes], Settings]
    """Arguments of our constructor, read from the shapes; LookupError if they are not of this network."""
    rows: Callable[[Settings], Rows]
    """Table: our module, the official one."""
    undetermined: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Possible values of the settings that a file does not determine; the first is the default."""

    def build(self, settings: Settings) -> nn.Module:
        """Build the network with undefined weights; raise TypeError or ValueError for wrong settings."""
        # The meta device needs no memory, but spectral norm's power iterations take seconds on it.
        with torch.device("cpu" if settings.get("spectral_norm") else "meta"):
            return NETWORKS[self.role][self.kind](**settings)

    def names(self, settings: Settings, network: nn.Module) -> dict[str, str]:
        """Return the official name of each of the network's tensors, with ours."""
        ours = network.state_dict()
        return {
            f"{official}.{official_leaf}": f"{own}.{own_leaf}"
            for own, official in self.rows(settings)
            for own_leaf, official_leaf in LEAVES.items()
            if f"{own}.{own_leaf}" in ours
        }

    def fit(self, shapes: Shapes, **changes: Any) -> "Fit | None":
        """Compare tensors of these names and shapes with the network; None if they determine no settings.

        `changes` are settings that the tensors do not determine.
        """
        try:
            settings = self._complete(self.settings(shapes) | changes)
            network = self.build(settings)
        except (LookupError, TypeError, ValueError):
            return None
        return self._compare(shapes, settings, network)

    def default_fit(self, shapes: Shapes) -> "Fit":
        """Compare tensors of these names and shapes with the network of the official defaults."""
        settings, network = self._default
        return self._compare(shapes, settings, network)

    @cached_property
    def _default(self) -> tuple[Settings, nn.Module]:
        settings = self._complete(self.official_defaults)
        return settings, self.build(settings)

    def _complete(self, settings: Settings) -> Settings:
        return defaults(NETWORKS[self.role][self.kind]) | settings

    def _compare(self, found: Shapes, settings: Settings, network: nn.Module) -> "Fit":
        ours = network.state_dict()
        wanted = {official: tuple(ours[own].shape) for official, own in self.names(settings, network).items()}
        unused = self._unused_statistics(settings) if settings.get("norm") == "instance" else set()
        shared = found.keys() & wanted.keys()
        return Fit(
            self,
            settings,
            network,
            missing={k: v for k, v in wanted.items() if k not in shared and not k.endswith(COUNTER)},
            unexpected={k: v for k, v in found.items() if k not in shared and k not in unused},
            misshapen={k: (found[k], wanted[k]) for k in sorted(shared) if found[k] != wanted[k]},
            shared=len(shared),
        )

    def _unused_statistics(self, settings: Settings) -> set[str]:
        """Return the names under which old instance norms saved running statistics."""
        rows = self.rows(settings)
        return {f"{official}.{leaf}" for own, official in rows if "norm" in own for leaf in STATISTICS}


class Fit(NamedTuple):
    """Comparison of a file's tensors with a network; all names are official."""

    family: Family
    settings: Settings
    network: nn.Module
    """Network with undefined weights."""
    missing: Shapes
    unexpected: Shapes
    misshapen: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    """Shape in the file, and shape in the network."""
    shared: int
    """Number of names that both the file and the network have."""

    @property
    def exact(self) -> bool:
        """True if all tensors fit."""
        return not self.faults

    @property
    def similarity(self) -> float:
        """Share of the names of file or network that both have."""
        others = len(self.missing) + len(self.unexpected)
        return self.shared / (self.shared + others) if self.shared else 0.0

    @property
    def faults(self) -> int:
        """Number of tensors that do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.misshapen)

    def filled(self, state: State) -> nn.Module:
        """Load the tensors into the network and return it: float32, eval mode, without gradients."""
        own = {
            ours: state[official] if official in state else torch.zeros((), dtype=torch.int64)
            for official, ours in self.family.names(self.settings, self.network).items()
        }
        self.network.load_state_dict(own, assign=True)
        return self.network.float().eval().requires_grad_(False)
