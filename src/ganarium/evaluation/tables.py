"""The judge's result as people read it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ganarium.common.text import value_text
from ganarium.metrics.base import VALUES

Row = tuple[str, ...]


class Table(NamedTuple):
    """What was measured in one way."""

    network: str
    """On whose features; empty where on none."""
    heading: str
    """What was compared."""
    rows: list[Row]
    """Each under `HEAD`."""


HEAD = ("measure", "value", "95 % interval", "better", "real ones", "to know")
_NOT_MEASURED = ("judged", "data", "seed", "shape", "samples", "real", "dimension", "channels")
_SPLITS = {
    "test": "of what is held back from training",
    "train": "of what it was trained on: the data hold nothing back",
}
_BESIDE = ("_real", "_expected", "_real_floor")
"""How the keys end of what a value is to be held against."""


def tables(result: Mapping[str, Any]) -> Iterator[Table]:
    """What was measured without a network, and on each network; of a translating model, each way it goes."""
    directions = result.get("directions", {"": {}})
    for name, way in directions.items():
        yield from _tables(result | way, name, f"{name}/" if len(directions) > 1 else "")


def _tables(result: Mapping[str, Any], way: str, group: str) -> Iterator[Table]:
    kind = f"translations {way}" if way else "samples"
    held = f", {_SPLITS[result['split']]}" if way else ""
    beside = f" beside {result['real']:,} real ones" if result["real"] else ""
    compared = (
        f"{result['samples']:,} {kind} of {value_text(result['shape'])}{beside} of {result['data']}{held}"
    )
    own = [*rows(result, group), *rows(result.get("world", {}), f"{group}world/")]
    yield Table("", f"{result['judged']}: {compared}", own)
    for name, entry in result.get("features", {}).items():
        resized = "" if entry["resizing"] == "none" else f", resized ({entry['resizing']})"
        of = f"{entry['layer']}; {entry['dimension']} features{resized}"
        yield Table(name, f"on {name} ({entry['sha256']}): {of}", list(rows(entry, group)))


def rows(entry: Mapping[str, Any], group: str = "") -> Iterator[Row]:
    """A row under `HEAD` for each value; a share of each class has a row of its own."""
    for key, value in entry.items():
        if key.endswith("_by_class") and not key.endswith("_real_by_class"):
            name = key.removesuffix("_by_class")
            of_real = entry.get(f"{name}_real_by_class", {})
            for label, share in value.items():
                yield (
                    f"{group}{name}/{label}",
                    value_text(share),
                    "",
                    "",
                    value_text(of_real.get(label, "")),
                    "",
                )
        if isinstance(value, bool | str | list | Mapping) or key in _NOT_MEASURED or key.endswith(_BESIDE):
            continue
        ends = " to ".join(map(value_text, entry.get(f"{key}_interval", ())))
        beside = [value_text(entry[key + end]) for end in _BESIDE if key + end in entry]
        known = VALUES.get(key)
        arrow = {"lower": "↓", "higher": "↑"}[known.better] if known else ""
        yield f"{group}{key}", value_text(value), ends, arrow, "".join(beside), known.note if known else ""
