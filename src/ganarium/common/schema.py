"""Typed tables of settings: schemas, defaults and error messages of a recipe."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from ganarium.common.text import nearest

T = TypeVar("T", bound=BaseModel)


class Strict(BaseModel):
    """Frozen table that rejects unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def schema(function: Callable) -> type[BaseModel]:
    """Return a table with one key for each keyword-only argument of a constructor or function.

    House rule: collaborators (networks, data) are positional, hyperparameters keyword-only. The
    constructor is therefore the schema, and no setting is declared twice. A constructor with `**others`
    also accepts the settings of its base class and of the classes that its class lists in `settings_from`.
    """
    fields: dict[str, Any] = _keys(function)
    return create_model(getattr(function, "__name__", "Table"), __base__=Strict, **fields)


def _keys(function: Callable) -> dict[str, tuple[Any, Any]]:
    """Return type and default of each keyword-only argument by name; those of a class precede its base's."""
    if not inspect.isclass(function):
        return dict(_keyword_only(function))
    keys: dict[str, tuple[Any, Any]] = {}
    for cls in function.__mro__:
        if constructor := vars(cls).get("__init__"):
            keys = keys | {k: v for k, v in _keyword_only(constructor) if k not in keys}
            for other in vars(cls).get("settings_from", ()):
                keys = keys | {k: v for k, v in _keys(other).items() if k not in keys}
            if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(constructor).parameters.values()):
                break
    return keys


def _keyword_only(function: Callable) -> Iterator[tuple[str, tuple[Any, Any]]]:
    hints = typing.get_type_hints(function)
    for name, p in inspect.signature(function).parameters.items():
        if p.kind is p.KEYWORD_ONLY:
            yield name, (hints.get(name, Any), ... if p.default is p.empty else p.default)


def split(settings: Mapping[str, Any], function: Callable) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split settings into those that `function` has a key for and the others."""
    known = _keys(function)
    accepted = {key: value for key, value in settings.items() if key in known}
    return accepted, {key: value for key, value in settings.items() if key not in known}


def build(table: Mapping[str, Callable], spec: Mapping[str, Any], *collaborators: Any) -> Any:
    """Build what `spec` names: `{kind: dcgan, width: 32}` -> `table["dcgan"](*collaborators, width=32)`."""
    settings = {key: value for key, value in spec.items() if key != "kind"}
    return table[spec["kind"]](*collaborators, **settings)


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` updated with `change`: tables are merged, but a table of another kind is replaced."""
    out = dict(base)
    for key, value in change.items():
        old = out.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            same_kind = value.get("kind", old.get("kind")) == old.get("kind")
            out[key] = merge(old, value) if same_kind else dict(value)
        else:
            out[key] = value
    return out


def completed_kind(table: Mapping[str, Callable], spec: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return `{kind: dcgan, width: 32}` with every default of that kind's constructor filled in."""
    settings = {key: value for key, value in spec.items() if key != "kind"}
    return {"kind": spec.get("kind"), **plain(schema(chosen(table, spec, path)), settings, path)}


def chosen(table: Mapping[str, Any], spec: Mapping[str, Any], path: str) -> Any:
    """Return the entry of `table` that `spec["kind"]` names.

    Raises:
        ValueError: `table` has no such entry; the message lists the kinds.
    """
    kind = str(spec.get("kind"))
    if kind not in table:
        raise ValueError(
            f"{path}.kind is {kind!r}; choose from {', '.join(sorted(table))}{nearest(kind, table)}"
        )
    return table[kind]


def refuse_unknown(given: Iterable[str], known: Iterable[str], path: str) -> None:
    """Raise ValueError naming the first unknown key and the most similar known key."""
    known = list(known)
    for key in given:
        if key not in known:
            raise ValueError(f"unknown key {path}.{key}; known here: {', '.join(known)}{nearest(key, known)}")


def plain(table: type[BaseModel], spec: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return `spec`, checked against `table`, as a plain tree with every default filled in."""
    return checked(table, spec, path).model_dump(mode="json")


def checked(table: type[T], spec: Mapping[str, Any], path: str) -> T:
    """Return `spec` as an instance of `table`.

    Raises:
        ValueError: `spec` is invalid; the message has a line for each fault: key, given and allowed value.
    """
    try:
        return table.model_validate(spec)
    except ValidationError as error:
        raise ValueError("\n".join(_fault_messages(table, error, path))) from None


def _fault_messages(table: type[BaseModel], error: ValidationError, path: str) -> Iterator[str]:
    """Yield a message for each fault: the key, what was given, what is allowed."""
    seen = set()
    for fault in error.errors():
        location = [str(part) for part in fault["loc"]]
        keys = _known(table, location[:-1])
        if fault["type"] == "extra_forbidden":
            key = ".".join(filter(None, [path, *location]))
            yield f"unknown key {key}; known here: {', '.join(keys)}{nearest(location[-1], keys)}"
            continue
        # pydantic reports each member of a union under its own name; report the key once.
        key = ".".join(filter(None, [path, *_keys_only(table, location)]))
        if fault["type"] == "missing":
            yield f"{key} is missing"
        elif key not in seen:
            yield f"{key}: {fault['msg']}; given was {fault['input']!r}"
        seen.add(key)


def _keys_only(table: type[BaseModel], location: list[str]) -> list[str]:
    """Return the part of a fault's location that consists of the user's keys."""
    for depth in range(len(location)):
        if _inside(table, location[: depth + 1]) is None:
            return location[:depth] or location
    return location


def _known(table: type[BaseModel], location: list[str]) -> list[str]:
    """Return the keys of the table at `location`."""
    inner = _inside(table, location)
    return list(inner.model_fields) if _is_table(inner) else []


def _inside(annotation: Any, location: list[str]) -> Any:
    """Return the type of the entry at `location`; None if a key does not exist."""
    for key in location:
        if _is_table(annotation):
            annotation = annotation.model_fields[key].annotation if key in annotation.model_fields else None
        elif typing.get_origin(annotation) is dict:
            annotation = typing.get_args(annotation)[1]
        else:
            return None
    return annotation


def _is_table(annotation: Any) -> bool:
    return (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    )
