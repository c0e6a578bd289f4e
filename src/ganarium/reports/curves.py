"""A run's numbers over the images shown, as few points as an eye can tell apart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ganarium.common.text import leaves

POINTS = 600
"""So many points of a curve are on a page at most."""
HALF_LIFE = 0.02
"""The smooth curve's memory, as a share of the length that is shown."""

LARGEST = 1e300
"""Beyond it a value is no number any more, and a scale would overflow."""
COLORS = 8
"""So many colours and dashes there are; after them they begin again."""

TITLES = {
    "terms": "Loss terms",
    "rates": "Learning rates",
    "gradient_norm": "Gradient norms",
    "relative_update": "Steps, as a share of the weights",
}
MACHINE = {
    "images_per_second": "Images a second",
    "data_wait_share": "Share of the time spent waiting for data",
    "peak_memory_mib": "Peak memory, MiB",
}
SIGNS = {
    "samples/distance": ("Samples' distance from the data", "0 alike, 1 nothing in common"),
    "samples/told_apart": ("How often the discriminator tells samples from data", "0.5 guesses, 1 always"),
    "samples/different": ("Different ones among those compared", "drawn"),
    "data/different": ("Different ones among those compared", "real"),
}
"""Vital signs: their chart, and what they are called there."""
NO_CURVES = {"round", "images", "seconds", "samples/images", "data/samples", "data/copies"}
"""What tells where a line stands, or does not change."""


@dataclass
class Curve:
    """Values over images."""

    name: str
    """What a legend says."""
    images: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    color: int = 0


@dataclass
class Chart:
    """Curves that share their axes."""

    title: str
    group: str
    """The heading that it stands under."""
    curves: list[Curve] = field(default_factory=list)


def numbers(lines: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """Every finite number in a log's lines, under its path: `terms/generator/adversarial`."""
    curves: dict[str, Curve] = {}
    for line in lines:
        for path, value in leaves(line, "/"):
            if is_number(value) and path not in NO_CURVES:
                curve = curves.setdefault(path, Curve(path))
                curve.images.append(line["images"])
                curve.values.append(float(value))
    return curves


def is_number(value: Any) -> bool:
    """Whether it is a number that can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def label(path: str) -> str:
    """What a number is called in a table: as in the log."""
    return path.removeprefix("terms/")


def placed(path: str) -> tuple[str, str]:
    """The chart that a number belongs in, and what it is called there.

    Loss terms share their player's chart; learning rates, gradient norms and steps of all players one each.
    Others, whose scales may be anything, stand alone.
    """
    if path in SIGNS:
        return SIGNS[path]
    kind, _, rest = path.partition("/")
    player, _, name = rest.rpartition("/")
    if kind == "players" and player:
        return TITLES.get(name, name.replace("_", " ").capitalize()), player
    title = (TITLES | MACHINE).get(kind, kind.replace("_", " ").capitalize())
    if kind == "terms" and player:
        return f"{title}: {player}", name
    if kind in ("terms", "rates"):
        return title, rest
    return (f"{title}: {rest}", rest) if rest else (title, title)


def group(path: str) -> str:
    """The heading under which a number's chart stands."""
    kind = path.partition("/")[0]
    return "Machine" if kind in MACHINE else "Measured in training" if kind == "metrics" else "Learning"


def charts(found: Mapping[str, Curve]) -> list[Chart]:
    """A run's numbers by chart."""
    by_title: dict[str, Chart] = {}
    for path in paths([found]):
        title, name = placed(path)
        chart = by_title.setdefault(title, Chart(title, group(path)))
        chart.curves.append(replace(found[path], name=name, color=len(chart.curves)))
    return list(by_title.values())


def paths(found: Iterable[Mapping[str, Curve]]) -> list[str]:
    """All numbers of several runs; those of one table, and of one player in it, stand together."""
    every = list(dict.fromkeys(path for curves in found for path in curves))
    tables = list(dict.fromkeys(path.partition("/")[0] for path in every))
    players = list(dict.fromkeys(path.rpartition("/")[0] for path in every))
    return sorted(
        every, key=lambda path: (tables.index(path.partition("/")[0]), players.index(path.rpartition("/")[0]))
    )


def overlaid(found: Mapping[str, Mapping[str, Curve]]) -> list[Chart]:
    """A chart for each number of several runs, given by name; a run has one colour everywhere."""
    charts = []
    for path in paths(found.values()):
        title, name = placed(path)
        chart = Chart(title if title.endswith(name) else f"{title}, {name}", group(path))
        for color, (run, curves) in enumerate(found.items()):
            if path in curves:
                chart.curves.append(replace(curves[path], name=run, color=color))
        charts.append(chart)
    return charts


def smoothed(images: Sequence[float], values: Sequence[float], half_life: float) -> list[float]:
    """Running means in which what lies `half_life` images back counts half; equal values stay as they are."""
    total = weight = 0.0
    means = []
    for i, value in enumerate(values):
        decay = 0.5 ** ((images[i] - images[i - 1]) / half_life) if i and half_life > 0 else 0.0
        total, weight = total * decay + value, weight * decay + 1.0
        means.append(total / weight)
    return means


def thinned(values: Sequence[float], most: int = POINTS) -> list[int]:
    """Numbers of at most so many values, ascending: of each stretch its lowest and highest, and both ends.

    So no spike is lost, however many lines a log has.
    """
    if len(values) <= most:
        return list(range(len(values)))
    stretches = most // 2 - 1
    kept = {0, len(values) - 1}
    for i in range(stretches):
        stretch = range(i * len(values) // stretches, (i + 1) * len(values) // stretches)
        kept |= {min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
    return sorted(kept)


def drawn(curve: Curve, length: int) -> dict[str, Any]:
    """What the page's script draws: name, images, raw and smooth values, six digits each."""
    smooth = smoothed(curve.images, curve.values, HALF_LIFE * length)
    kept = thinned(curve.values)
    return {
        "name": curve.name,
        "colour": curve.color % COLORS,
        "images": [curve.images[i] for i in kept],
        "raw": [float(f"{curve.values[i]:.6g}") for i in kept],
        "smooth": [float(f"{smooth[i]:.6g}") for i in kept],
    }
