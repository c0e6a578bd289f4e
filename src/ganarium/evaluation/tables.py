"""Tables: results of an evaluation for people."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ganarium.common.text import value_text
from ganarium.metrics.table import METRICS, known_values

Row = tuple[str, ...]


class Table(NamedTuple):
    """Values that were measured in one way.

    Attributes:
        network: name of the network on whose features they were measured; empty without one.
        heading: what was compared.
        rows: rows under `HEAD`.
    """

    network: str
    heading: str
    rows: list[Row]


HEAD = ("measure", "value", "95 % interval", "better", "real ones", "to know")
_NOT_MEASURED = ("judged", "data", "seed", "shape", "samples", "real", "dimension", "channels")
_SPLITS = {
    "test": "of what is held back from training",
    "train": "of what it was trained on: the data hold nothing back",
}
_BESIDE = ("_real", "_expected", "_real_floor")
"""Endings of the keys of values that another value is compared with."""


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """Yield the tables of a result: values without a network, and on each network; of each direction."""
    directions = result.get("directions", {"": {}})
    for name, values in directions.items():
        yield from _tables(result | values, name, f"{name}/" if len(directions) > 1 else "")


def _tables(result: Mapping[str, Any], direction: str, group: str) -> Iterator[Table]:
    kind = f"translations {direction}" if direction else "samples"
    held = f", {_SPLITS[result['split']]}" if "split" in result else ""
    beside = f" beside {result['real']:,} real ones" if result["real"] else ""
    compared = (
        f"{result['samples']:,} {kind} of {value_text(result['shape'])}{beside} of {result['data']}{held}"
    )
    own = list(rows(result, group))
    for name in dict.fromkeys(metric.group for metric in METRICS.values() if metric.group):
        own += rows(result.get(name, {}), f"{group}{name}/")
    yield Table("", f"{result['judged']}: {compared}", own)
    for name, entry in result.get("features", {}).items():
        resized = "" if entry["resizing"] == "none" else f", resized ({entry['resizing']})"
        of = f"{entry['layer']}; {entry['dimension']} features{resized}"
        yield Table(name, f"on {name} ({entry['sha256']}): {of}", list(rows(entry, group)))


def rows(entry: Mapping[str, Any], group: str = "") -> Iterator[Row]:
    """Yield a row under `HEAD` for each value; the share of each class has a row of its own."""
    values = known_values()
    for key, value in entry.items():
        if key.endswith("_by_class") and not key.endswith("_real_by_class"):
            yield from _rows_by_class(entry, key.removesuffix("_by_class"), group)
        if isinstance(value, bool | str | list | Mapping) or key in _NOT_MEASURED or key.endswith(_BESIDE):
            continue
        ends = " to ".join(map(value_text, entry.get(f"{key}_interval", ())))
        beside = [value_text(entry[key + end]) for end in _BESIDE if key + end in entry]
        known = values.get(key)
        arrow = {"lower": "↓", "higher": "↑"}[known.better] if known else ""
        yield f"{group}{key}", value_text(value), ends, arrow, "".join(beside), known.note if known else ""


def _rows_by_class(entry: Mapping[str, Any], name: str, group: str) -> Iterator[Row]:
    real = entry.get(f"{name}_real_by_class", {})
    for label, share in entry[f"{name}_by_class"].items():
        yield f"{group}{name}/{label}", value_text(share), "", "", value_text(real.get(label, "")), ""
