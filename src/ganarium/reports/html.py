"""HTML pages that need nothing else: style, script and pictures are in them, and nothing is fetched.

Whatever comes from a run is text: the templates escape it, the script never reads it as HTML, and a policy
in the page lets the browser take this style and this script only.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ganarium.common.files import write_text
from ganarium.common.text import value_text
from ganarium.reports import curves
from ganarium.reports.curves import Chart

HERE = Path(__file__).parent
GROUPS = ("Learning", "Measured in training", "Machine")
"""Headings of charts, in this order."""


def write_page(
    place: Path,
    template: str,
    charts: Sequence[Chart],
    *,
    moments: Sequence[int],
    stages: Sequence[Mapping[str, Any]] = (),
    **context: Any,
) -> Path:
    """Write a page, whole or not at all.

    Args:
        place: where it goes.
        template: the page's.
        charts: the page's.
        moments: images shown at each stop of the slider.
        stages: a campaign's: `name`, and the `images` shown before.
        context: what else the template speaks of.

    Returns:
        `place`.

    Raises:
        ValueError: `place` is not named as a page is: it may be a file of another kind.
    """
    if place.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"the page is to go to {place}: give a name that ends in .html")
    charts = sorted(charts, key=lambda chart: GROUPS.index(chart.group))
    length = max([*moments, *(curve.images[-1] for chart in charts for curve in chart.curves)], default=0)
    drawn = [
        {"title": chart.title, "curves": [curves.drawn(curve, length) for curve in chart.curves]}
        for chart in charts
    ]
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    page = _templates().get_template(template)
    text = page.render(
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
        style=style,
        script=script,
        data={"length": length, "moments": moments, "stages": stages, "charts": drawn},
        groups={name: [chart for chart in charts if chart.group == name] for name in GROUPS},
        moments=moments,
        **context,
    )
    write_text(place, text.encode(errors="backslashreplace").decode())  # a path may be no text
    return place


def _hash(text: str) -> str:
    """What a browser compares a style or script with before it takes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"value_text": value_text, "breakable": _breakable}
    return templates


def _breakable(text: str) -> Markup:
    """Keys and paths that may go on in the next line after a dot, a slash or an underscore."""
    return Markup("<wbr>").join(re.split(r"(?<=[/._])(?=[^\d/._])", text))
