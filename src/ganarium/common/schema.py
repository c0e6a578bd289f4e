"""Typed tables: what recipes are made of, and how a fault in one is told."""

import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from ganarium.common.text import nearest

T = TypeVar("T", bound=BaseModel)


class Strict(BaseModel):
    """A frozen table that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def schema(function: Callable) -> type[BaseModel]:
    """A table with one key for each keyword-only argument of a constructor or function.

    House rule: collaborators (networks, data) are positional, hyperparameters keyword-only. So the
    constructor is the schema, and nothing is written twice. A constructor with `**others` also takes what
    its base class does, and what the classes do that its own class lists as `takes`.
    """
    fields: dict[str, Any] = _keys(function)
    return create_model(getattr(function, "__name__", "Table"), __base__=Strict, **fields)


def _keys(function: Callable) -> dict[str, tuple[Any, Any]]:
    """Name, type and default of each keyword-only argument; a class' own come before its base's."""
    if not inspect.isclass(function):
        return dict(_keyword_only(function))
    keys: dict[str, tuple[Any, Any]] = {}
    for cls in function.__mro__:
        if constructor := vars(cls).get("__init__"):
            keys = keys | {k: v for k, v in _keyword_only(constructor) if k not in keys}
            for lender in vars(cls).get("settings_from", ()):
                keys = keys | {k: v for k, v in _keys(lender).items() if k not in keys}
            if not any(p.kind is p.VAR_KEYWORD for p in inspect.signature(constructor).parameters.values()):
                break
    return keys


def _keyword_only(function: Callable) -> Iterator[tuple[str, tuple[Any, Any]]]:
    hints = typing.get_type_hints(function)
    for name, p in inspect.signature(function).parameters.items():
        if p.kind is p.KEYWORD_ONLY:
            yield name, (hints.get(name, Any), ... if p.default is p.empty else p.default)


def split(settings: Mapping[str, Any], taker: Callable) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings that `taker` has a key for, and the others."""
    known = _keys(taker)
    its = {key: value for key, value in settings.items() if key in known}
    return its, {key: value for key, value in settings.items() if key not in known}


def build(table: Mapping[str, Callable], spec: Mapping[str, Any], *collaborators: Any) -> Any:
    """`{kind: dcgan, width: 32}` -> `table["dcgan"](*collaborators, width=32)`."""
    settings = {key: value for key, value in spec.items() if key != "kind"}
    return table[spec["kind"]](*collaborators, **settings)


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `change`; tables are merged, and another kind keeps no old settings."""
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
    """`{kind: dcgan, width: 32}` with every default of that kind's constructor written out."""
    settings = {key: value for key, value in spec.items() if key != "kind"}
    return {"kind": spec.get("kind"), **plain(schema(chosen(table, spec, path)), settings, path)}


def chosen(table: Mapping[str, Any], spec: Mapping[str, Any], path: str) -> Any:
    """The entry of `table` that `spec["kind"]` names.

    Raises:
        ValueError: it names none; the message lists the kinds.
    """
    kind = str(spec.get("kind"))
    if kind not in table:
        raise ValueError(
            f"{path}.kind is {kind!r}; choose from {', '.join(sorted(table))}{nearest(kind, table)}"
        )
    return table[kind]


def refuse_unknown(given: Iterable[str], known: Iterable[str], path: str) -> None:
    """Raise ValueError naming the first key that is not known here, and the nearest that is."""
    known = list(known)
    for key in given:
        if key not in known:
            raise ValueError(f"unknown key {path}.{key}; known here: {', '.join(known)}{nearest(key, known)}")


def plain(table: type[BaseModel], spec: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`spec` checked against `table`, as a plain tree with every default written out."""
    return checked(table, spec, path).model_dump(mode="json")


def checked(table: type[T], spec: Mapping[str, Any], path: str) -> T:
    """`spec` as a value of `table`.

    Raises:
        ValueError: a line for each fault, which names the key, what was given and what is allowed.
    """
    try:
        return table.model_validate(spec)
    except ValidationError as error:
        raise ValueError("\n".join(_complaints(table, error, path))) from None


def _complaints(table: type[BaseModel], error: ValidationError, path: str) -> Iterator[str]:
    """Each fault in the user's words: the key, what was given, what is allowed."""
    seen = set()
    for fault in error.errors():
        where = [str(part) for part in fault["loc"]]
        keys = _known(table, where[:-1])
        if fault["type"] == "extra_forbidden":
            key = ".".join(filter(None, [path, *where]))
            yield f"unknown key {key}; known here: {', '.join(keys)}{nearest(where[-1], keys)}"
            continue
        # A union reports once a member, under the member's name: say it once, under the key's.
        key = ".".join(filter(None, [path, *_keys_only(table, where)]))
        if fault["type"] == "missing":
            yield f"{key} is missing"
        elif key not in seen:
            yield f"{key}: {fault['msg']}; given was {fault['input']!r}"
        seen.add(key)


def _keys_only(table: type[BaseModel], where: list[str]) -> list[str]:
    """The part of a fault's place that the user wrote."""
    for depth in range(len(where)):
        if _inside(table, where[: depth + 1]) is None:
            return where[:depth] or where
    return where


def _known(table: type[BaseModel], where: list[str]) -> list[str]:
    """The keys of the table that stands at `where`."""
    inner = _inside(table, where)
    return list(inner.model_fields) if _is_table(inner) else []


def _inside(annotation: Any, where: list[str]) -> Any:
    """The type of what stands at `where`; None where no key leads on."""
    for key in where:
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
