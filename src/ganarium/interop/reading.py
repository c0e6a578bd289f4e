"""Import of a network from a checkpoint file, which is read as tensors only, never as code."""

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
"""Maximum number of names that an error lists."""


def import_network(path: str | Path, *, part: str | None = None, **settings: Any) -> NetworkModel:
    """Import the network of an official checkpoint; `FAMILIES` lists the networks that are recognised.

    Names and shapes of the tensors determine the network and its settings. Files are read as tensors only: a
    pickle that holds anything else is refused without running it.

    Args:
        path: `.safetensors` file, or a file that `torch.save` wrote.
        part: name of the network, if the file holds several.
        settings: settings that the file does not determine (`Family.undetermined`), such as
            `padding="replicate"`.

    Raises:
        FileNotFoundError: `path` is no file.
        ValueError: the file is damaged, is a pickle with code, holds several networks or none that is
            recognised (the message names the nearest one and the tensors that do not fit), or determines a
            setting that is given.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; give a checkpoint file, .pth or .safetensors")
    parts = states_in(read_tensors(path))
    if part is not None and part not in parts:
        names = ", ".join(name or "'' (the whole file)" for name in parts) or "none"
        raise ValueError(f"{path} holds no part {part!r}; its parts are: {names}")
    candidates = parts if part is None else {part: parts[part]}
    fits = {name: fit for name, state in candidates.items() if (fit := recognize(state)) is not None}
    averaged = [name for name in fits if name.endswith("ema")]
    chosen = averaged if len(averaged) == 1 else list(fits)
    if not chosen:
        raise ValueError(f"{path} holds no network that is recognised.\n{_nearest(candidates)}")
    if len(chosen) > 1:
        raise ValueError(f"{path} holds several networks: {', '.join(chosen)}; choose one with part=...")
    state, fit = candidates[chosen[0]], fits[chosen[0]]
    if settings:
        fit = _with_settings(fit, state, settings)
    origin = dataclasses.replace(
        fit.family.origin,
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        network=fit.family.name,
    )
    return NetworkModel(fit.family.role, fit.family.kind, fit.settings, fit.filled(state), origin)


def recognize(state: State) -> Fit | None:
    """Return the network that all of these tensors fit, with its settings; None if there is none."""
    fits = (family.fit(shapes_of(state)) for family in FAMILIES)
    return next((fit for fit in fits if fit is not None and fit.exact), None)


def shapes_of(state: State) -> Shapes:
    """Return the tensors' shapes by name."""
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def _with_settings(fit: Fit, state: State, settings: Mapping[str, Any]) -> Fit:
    """Return the fit with the user's settings, which must be among those that the file does not determine."""
    undetermined = fit.family.undetermined
    for key, value in settings.items():
        if value not in undetermined.get(key, ()):
            allowed = "; ".join(f"{name} (one of {list(values)})" for name, values in undetermined.items())
            raise ValueError(
                f"{key}={value!r} cannot be set for a {fit.family.name}; "
                + (f"allowed: {allowed}" if allowed else "its file determines all settings")
            )
    changed = fit.family.fit(shapes_of(state), **settings)
    if changed is None or not changed.exact:
        raise ValueError(f"{settings} contradicts the file of this {fit.family.name}; omit it")
    return changed


def read_tensors(path: Path) -> Mapping[str, Any]:
    """Return the content of a file: tensors and mappings of tensors.

    Raises:
        ValueError: the file is damaged, or a pickle that holds more than plain values and could run code.
    """
    try:
        content = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        )
    except Exception as error:  # errors of unpicklers have no common class
        raise ValueError(
            f"{path} was refused: it is damaged, or a pickle that holds more than tensors and could run "
            "code; save only the state dict, preferably as .safetensors"
        ) from error
    return content if isinstance(content, Mapping) else {}


def states_in(content: Mapping[str, Any], name: str = "") -> dict[str, dict[str, Tensor]]:
    """Return the state dicts in a file, by their keys (`state_dict`, `params` ...) or by name prefix.

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
    """Yield the tensors grouped by the part of their names before the first dot."""
    for head, names in itertools.groupby(sorted(tensors), key=lambda name: name.partition(".")[0]):
        yield head, {name.partition(".")[2].removeprefix("module."): tensors[name] for name in names}


def _nearest(candidates: Mapping[str, State]) -> str:
    """Return text with the nearest network, the tensors that do not fit, and all recognised networks."""
    lines = []
    if candidates:
        name, state = max(candidates.items(), key=lambda item: len(item[1]))
        shapes = shapes_of(state)
        fits = [family.fit(shapes) or family.default_fit(shapes) for family in FAMILIES]
        nearest = max(fits, key=lambda fit: fit.similarity)
        where = f" (part {name!r})" if name else ""
        lines.append(f"nearest: {nearest.family.name} of {nearest.family.origin.repository}{where}")
        lines += _mismatches(nearest)
    else:
        lines.append("it holds no tensors")
    lines.append("recognised:")
    lines += [f"  {family.name}, {family.origin.repository}" for family in FAMILIES]
    return "\n".join(lines)


def _mismatches(fit: Fit) -> Iterator[str]:
    """Yield lines with the first tensors that do not fit."""
    wrong = {name: f"{list(found)}, not {list(wanted)}" for name, (found, wanted) in fit.misshapen.items()}
    for problem, tensors in (
        ("missing", {name: str(list(shape)) for name, shape in fit.missing.items()}),
        ("unexpected", {name: str(list(shape)) for name, shape in fit.unexpected.items()}),
        ("wrong shape", wrong),
    ):
        if tensors:
            first = ", ".join(f"{name} {shape}" for name, shape in list(tensors.items())[:SHOWN])
            yield f"{problem} ({len(tensors)}): {first}" + (" ..." if len(tensors) > SHOWN else "")
