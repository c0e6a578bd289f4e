"""A network without the game that it was trained in: what is left of an official checkpoint."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ganarium.models.storage import FORMAT, save_folder
from ganarium.networks import IMAGE_ENCODERS, PATCH_DISCRIMINATORS, TRANSLATORS
from ganarium.networks.layers.memory_format import apply_memory_format
from ganarium.networks.layers.padding import padded_forward

NETWORKS: Mapping[str, Mapping[str, Callable[..., nn.Module]]] = {
    "translator": TRANSLATORS,
    "discriminator": PATCH_DISCRIMINATORS,
    "encoder": IMAGE_ENCODERS,
}
"""By role, the networks that may stand alone."""


@dataclass(frozen=True)
class Origin:
    """Where weights come from, as far as that is known."""

    repository: str
    """On GitHub, `owner/name`: whose networks have these tensors."""
    licence: str
    """Of that repository."""
    file: str = ""
    """The checkpoint's name."""
    sha256: str = ""
    """Of the checkpoint, in hexadecimal digits."""
    network: str = ""
    """What the network is called there."""


class NetworkModel:
    """A network that came by itself, ready to use.

    Attributes:
        role: `translator`, `discriminator` or `encoder`.
        kind: which network of that role.
        settings: what its constructor was told.
        network: the network itself, in eval mode, its weights fixed.
        origin: where its weights come from.
    """

    def __init__(self, role: str, kind: str, settings: Mapping[str, Any], network: nn.Module, origin: Origin):
        self.role, self.kind, self.settings, self.origin = role, kind, dict(settings), origin
        self.network = apply_memory_format(network.eval().requires_grad_(False))

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device) -> Self:
        """Move it to a device, in place."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def translate(
        self, images: Tensor, *, styles: Tensor | None = None, seed: int = 0, batch_size: int = 8
    ) -> Tensor:
        """Pictures of one kind into another.

        Height and width may be any: the pictures' edges are repeated up to what the network needs, and that
        much is cut away again.

        Args:
            images: `[N, C, H, W]` in [-1, 1]; for a SPADE generator one-hot label maps.
            styles: `[N, style_dim]` for a network that takes styles; drawn where they are not given.
            seed: of the styles that are drawn.
            batch_size: how many at a time; changes memory, not pictures.

        Returns:
            `[N, C', H, W]` in [-1, 1], float32 on the CPU.

        Raises:
            ValueError: it is no translator, or takes pictures of other channels or size, or no styles.
        """
        if self.role != "translator":
            raise ValueError(f"this is a {self.role} ({self.kind}), not a translator; use its .network")
        wanted = self.settings.get("inputs", self.settings.get("labels"))
        if images.ndim != 4 or images.shape[1] != wanted:
            raise ValueError(f"images are {list(images.shape)}, but this network takes [N, {wanted}, H, W]")
        beside = self._styles(len(images), styles, seed)
        made = []
        for start in range(0, len(images), batch_size):
            part = slice(start, start + batch_size)
            told = () if beside is None else (beside[part].to(self.device),)
            made.append(padded_forward(self.network, images[part].to(self.device), *told).float().cpu())
        return torch.cat(made)

    def _styles(self, count: int, styles: Tensor | None, seed: int) -> Tensor | None:
        size = self.settings.get("style_dim", 0)
        if not size:
            if styles is not None:
                raise ValueError(f"styles are given, but a {self.kind} network without style_dim takes none")
            return None
        if styles is None:
            return torch.randn(count, size, generator=torch.Generator().manual_seed(seed))
        if styles.shape != (count, size):
            raise ValueError(f"styles are {list(styles.shape)}, but must be [{count}, {size}]")
        return styles

    def save(self, folder: str | Path) -> Path:
        """Write the network as a model folder; each file is whole or not there."""
        return save_folder(folder, self.tensors(), self.config(), self._card())

    def config(self) -> dict[str, Any]:
        """All but the weights, as a plain tree."""
        return {
            "format": FORMAT,
            "network": {"role": self.role, "kind": self.kind, "settings": self.settings},
            "origin": dataclasses.asdict(self.origin),
        }

    def tensors(self) -> dict[str, Tensor]:
        """The weights by name; copies on the CPU."""
        return {k: x.detach().cpu().contiguous().clone() for k, x in self.network.state_dict().items()}

    def _card(self) -> str:
        origin = self.origin
        settings = "\n".join(f"- {name}: {value}" for name, value in self.settings.items())
        use = _USES[self.role if self.kind != "spade" else "spade"].format(
            channels=self.settings.get("inputs", self.settings.get("labels"))
        )
        return f"""# {origin.network or f"{self.kind} {self.role}"}

A {self.role} alone, without the game that it was trained in.

- weights: `{origin.file}`, SHA-256 `{origin.sha256}`
- architecture: that of [{origin.repository}](https://github.com/{origin.repository})
- licence of that repository: {origin.licence}

Its releases of weights are under that licence unless they say otherwise. Who trained these weights, and on
what, the file does not tell: their licence is for you to find out before you pass them on.

{settings}

```python
import ganarium as gan

model = gan.load("path/to/this/folder")
{use}
```
"""


_USES = {
    "translator": "images = model.translate(images)  # float [N, {channels}, H, W] in [-1, 1], any H and W",
    "spade": "images = model.translate(maps)  # one-hot label maps, float [N, {channels}, H, W]",
    "discriminator": "scores = model.network(images)  # float [N, {channels}, H, W] in [-1, 1]",
    "encoder": "codes = model.network(images)  # float [N, {channels}, H, W]; `help(model.network)` has more",
}


def defaults(constructor: Callable[..., nn.Module]) -> dict[str, Any]:
    """The settings that a network has where nothing is said."""
    parameters = inspect.signature(constructor).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "size"}


def revived(config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> NetworkModel:
    """The network that `save` wrote.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: the two do not describe one.
    """
    told = config["network"]
    role, kind, settings = (told[key] for key in ("role", "kind", "settings"))
    # As in `interop.family`: spectral norm's power iterations take seconds on meta.
    with torch.device("cpu" if settings.get("spectral_norm") else "meta"):
        network = NETWORKS[role][kind](**settings)
    network.load_state_dict(tensors, assign=True)
    return NetworkModel(role, kind, settings, network, Origin(**config["origin"]))
