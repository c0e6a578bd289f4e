"""Curves of a run's numbers over the images shown, reduced to the points that are visible."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ganarium.common.text import leaves

MAX_POINTS = 600
"""Largest number of points of a curve on a page."""
HALF_LIFE = 0.02
"""Half-life of the smooth curve's average, as a share of the length of the chart."""
MAX_VALUE = 1e300
"""Magnitude from which a value is left out, since the scale would overflow."""
COLORS = 8
"""Number of colors and dash patterns; further curves use them again."""

TITLES = {
    "terms": "Loss terms",
    "rates": "Learning rates",
    "gradient_norm": "Gradient norm",
    "relative_update": "Relative update per round",
}
MACHINE = {
    "images_per_second": "Images per second",
    "data_wait_share": "Share of time spent waiting for data",
    "peak_memory_mib": "Peak memory, MiB",
}
STATISTICS = {
    "samples/energy_distance": ("Energy distance to the data", "0 equal, 1 nothing in common"),
    "samples/discriminator_auc": ("Discriminator AUC", "0.5 guessing, 1 always right"),
    "samples/effective_samples": ("Effective number of samples", "generated"),
    "data/effective_samples": ("Effective number of samples", "real"),
}
"""Chart and legend of each statistic of samples and data."""
NO_CURVES = {"round", "images", "seconds", "samples/images", "data/samples", "data/duplicates_per_sample"}
"""Keys that number a line or do not change."""


@dataclass
class Curve:
    """Values over images shown."""

    name: str
    """Label in the legend."""
    images: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    color: int = 0


@dataclass
class Chart:
    """Curves with common axes."""

    title: str
    group: str
    """Heading above the chart."""
    curves: list[Curve] = field(default_factory=list)


def numbers(lines: Iterable[Mapping[str, Any]]) -> dict[str, Curve]:
    """Return every finite number in a log's lines under its path, such as `terms/generator/adversarial`."""
    curves: dict[str, Curve] = {}
    for line in lines:
        for path, value in leaves(line, "/"):
            if is_number(value) and path not in NO_CURVES:
                curve = curves.setdefault(path, Curve(path))
                curve.images.append(line["images"])
                curve.values.append(float(value))
    return curves


def is_number(value: Any) -> bool:
    """Return True if the value is a number that can be plotted."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MAX_VALUE


def label(path: str) -> str:
    """Return the name of a number in tables: its path in the log."""
    return path.removeprefix("terms/")


def chart_and_name(path: str) -> tuple[str, str]:
    """Return the title of a number's chart, and the number's name in that chart.

    There is one chart for the loss terms of each player, and one each for the learning rates, the gradient
    norms and the relative updates of all players. Other numbers, whose scales differ, have their own charts.
    """
    if path in STATISTICS:
        return STATISTICS[path]
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
    """Return the heading above a number's chart."""
    kind = path.partition("/")[0]
    return "Machine" if kind in MACHINE else "Measured in training" if kind == "metrics" else "Learning"


def charts(curves: Mapping[str, Curve]) -> list[Chart]:
    """Return the charts of one run, given its curves by path."""
    by_title: dict[str, Chart] = {}
    for path in paths([curves]):
        title, name = chart_and_name(path)
        chart = by_title.setdefault(title, Chart(title, group(path)))
        chart.curves.append(replace(curves[path], name=name, color=len(chart.curves)))
    return list(by_title.values())


def paths(runs: Iterable[Mapping[str, Curve]]) -> list[str]:
    """Return the paths of all numbers of several runs; those of one table and of one player are adjacent."""
    all_paths = list(dict.fromkeys(path for curves in runs for path in curves))
    tables = list(dict.fromkeys(path.partition("/")[0] for path in all_paths))
    players = list(dict.fromkeys(path.rpartition("/")[0] for path in all_paths))
    return sorted(
        all_paths,
        key=lambda path: (tables.index(path.partition("/")[0]), players.index(path.rpartition("/")[0])),
    )


def overlaid(runs: Mapping[str, Mapping[str, Curve]]) -> list[Chart]:
    """Return a chart for each number of several runs, given by name; a run has one color in all charts."""
    charts = []
    for path in paths(runs.values()):
        title, name = chart_and_name(path)
        chart = Chart(title if title.endswith(name) else f"{title}, {name}", group(path))
        for color, (run, curves) in enumerate(runs.items()):
            if path in curves:
                chart.curves.append(replace(curves[path], name=run, color=color))
        charts.append(chart)
    return charts


def smoothed(images: Sequence[float], values: Sequence[float], half_life: float) -> list[float]:
    """Return exponentially weighted running means: the weight of a value halves every `half_life` images."""
    total = weight = 0.0
    means = []
    for i, value in enumerate(values):
        decay = 0.5 ** ((images[i] - images[i - 1]) / half_life) if i and half_life > 0 else 0.0
        total, weight = total * decay + value, weight * decay + 1.0
        means.append(total / weight)
    return means


def thinned(values: Sequence[float], count: int = MAX_POINTS) -> list[int]:
    """Return the indices of at most `count` values, ascending.

    They are both ends, and the lowest and the highest value of each stretch, so every spike stays visible.
    """
    if len(values) <= count:
        return list(range(len(values)))
    stretches = count // 2 - 1
    kept = {0, len(values) - 1}
    for i in range(stretches):
        stretch = range(i * len(values) // stretches, (i + 1) * len(values) // stretches)
        kept |= {min(stretch, key=values.__getitem__), max(stretch, key=values.__getitem__)}
    return sorted(kept)


def plotted(curve: Curve, length: int) -> dict[str, Any]:
    """Return a curve for the page's script: name, color, images, raw and smooth values of six digits."""
    smooth = smoothed(curve.images, curve.values, HALF_LIFE * length)
    kept = thinned(curve.values)
    return {
        "name": curve.name,
        "color": curve.color % COLORS,
        "images": [curve.images[i] for i in kept],
        "raw": [float(f"{curve.values[i]:.6g}") for i in kept],
        "smooth": [float(f"{smooth[i]:.6g}") for i in kept],
    }
