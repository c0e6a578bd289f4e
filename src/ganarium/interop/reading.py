"""From a checkpoint file to a network: as tensors alone, never as code."""

import dataclasses
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from ganarium.interop.layout import Fit, Shapes, State
from ganarium.interop.layouts import FAMILIES
from ganarium.models.network import NetworkModel

SHOWN = 5
"""How many names an error lists."""


def import_network(path: str | Path, *, part: str | None = None, **settings: Any) -> NetworkModel:
    """The network in an official checkpoint; `FAMILIES` says which are recognised.

    Names and shapes of the tensors tell the network and its settings. Files are read as tensors alone: a
    pickle that holds anything else is refused unread.

    Args:
        path: `.safetensors`, or anything that `torch.save` wrote.
        part: of a file with several networks, the name of the one that is meant.
        settings: what the file does not tell (`Family.unseen`), such as `padding="replicate"`.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: damaged, a pickle with code, several networks, a setting that the file does tell, or no
            network that is recognised; then the message names the nearest one and what does not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; a checkpoint is one file, .pth or .safetensors")
    parts = states_in(read_tensors(path))
    if part is not None and part not in parts:
        names = ", ".join(name or "the whole" for name in parts) or "none"
        raise ValueError(f"{path} holds no part {part!r}; its parts are: {names}")
    candidates = parts if part is None else {part: parts[part]}
    fits = {name: fit for name, state in candidates.items() if (fit := recognize(state)) is not None}
    averaged = [name for name in fits if name.endswith("ema")]
    chosen = averaged if len(averaged) == 1 else list(fits)
    if not chosen:
        raise ValueError(f"{path} holds no network that is recognised.\n{_unlike(candidates)}")
    if len(chosen) > 1:
        raise ValueError(f"{path} holds several networks: {', '.join(chosen)}; say which one as part=...")
    state, fit = candidates[chosen[0]], fits[chosen[0]]
    if settings:
        fit = _changed(fit, state, settings)
    origin = dataclasses.replace(
        fit.family.origin,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        network=fit.family.name,
    )
    return NetworkModel(fit.family.role, fit.family.kind, fit.settings, fit.filled(state), origin)


def recognize(state: State) -> Fit | None:
    """The network that all of these tensors are, and its settings; None where they are none that is known."""
    fits = (family.fit(shapes_of(state)) for family in FAMILIES)
    return next((fit for fit in fits if fit is not None and fit.whole), None)


def shapes_of(state: State) -> Shapes:
    """The tensors' shapes by name."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _changed(fit: Fit, state: State, settings: Mapping[str, Any]) -> Fit:
    """The fit with settings that the user said."""
    unseen = fit.family.unseen
    for key, value in settings.items():
        if value not in unseen.get(key, ()):
            known = "; ".join(f"{name} is one of {list(values)}" for name, values in unseen.items())
            raise ValueError(
                f"{key}={value!r} cannot be said of a {fit.family.name}: "
                + (f"only {known}" if known else "its file tells everything")
            )
    changed = fit.family.fit(shapes_of(state), **settings)
    if changed is None or not changed.whole:
        raise ValueError(f"{settings} does not go with this {fit.family.name}; its file tells otherwise")
    return changed


def read_tensors(path: Path) -> Mapping[str, Any]:
    """What a file holds, as tensors and tables of tensors.

    Raises:
        ValueError: damaged, or a pickle that holds more than plain values, which could run code.
    """
    try:
        content = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    except Exception as error:  # what an unpickler raises has no common class
        raise ValueError(
            f"{path} was refused: it is damaged, or a pickle that holds more than tensors, which could run "
            "code. Save the state dict alone, best as .safetensors"
        ) from error
    return content if isinstance(content, Mapping) else {}


def states_in(content: Mapping[str, Any], name: str = "") -> dict[str, dict[str, Tensor]]:
    """The state dicts in a file, by where they are: nested (`state_dict`, `params` ...) or under a prefix.

    The prefix of data parallelism, `module.`, is dropped.
    """
    found: dict[str, dict[str, Tensor]] = {}
    tensors = {str(key).removeprefix("module."): x for key, x in content.items() if isinstance(x, Tensor)}
    if tensors:
        found[name] = tensors
        if recognize(tensors) is None:
            found |= {f"{name}.{head}".lstrip("."): part for head, part in _split(tensors)}
    for key, value in content.items():
        if isinstance(key, str) and isinstance(value, Mapping):
            found |= states_in(value, f"{name}.{key}".lstrip("."))
    return found


def _split(tensors: State) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """The tensors under each first word of their names."""
    for head, names in itertools.groupby(sorted(tensors), key=lambda name: name.partition(".")[0]):
        yield head, {name.partition(".")[2].removeprefix("module."): tensors[name] for name in names}


def _unlike(candidates: Mapping[str, State]) -> str:
    """What is nearest, what does not fit, and what would be recognised."""
    lines = []
    if candidates:
        name, state = max(candidates.items(), key=lambda item: len(item[1]))
        shapes = shapes_of(state)
        fits = [family.fit(shapes) or family.usual_fit(shapes) for family in FAMILIES]
        nearest = max(fits, key=lambda fit: fit.likeness)
        where = f" (of the part {name!r})" if name else ""
        lines.append(f"nearest: {nearest.family.name} of {nearest.family.origin.repository}{where}")
        lines += _listed(nearest)
    else:
        lines.append("it holds no tensors")
    lines.append("recognised:")
    lines += [f"  {family.name}, {family.origin.repository}" for family in FAMILIES]
    return "\n".join(lines)


def _listed(fit: Fit) -> Iterator[str]:
    """The first few tensors that do not fit."""
    misshapen = {name: f"{list(found)} for {list(wanted)}" for name, (found, wanted) in fit.misshapen.items()}
    for what, told in (
        ("missing", {name: str(list(shape)) for name, shape in fit.missing.items()}),
        ("unexpected", {name: str(list(shape)) for name, shape in fit.unexpected.items()}),
        ("of another shape", misshapen),
    ):
        if told:
            first = ", ".join(f"{name} {shape}" for name, shape in list(told.items())[:SHOWN])
            yield f"{what} ({len(told)}): {first}" + (" ..." if len(told) > SHOWN else "")
