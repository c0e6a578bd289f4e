"""Self-contained HTML pages: style, script and images are in the file, and nothing is fetched.

Values of a run are inserted as text only: the templates escape them, the script never parses them as HTML,
and the page's Content-Security-Policy allows only this style and this script.
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
"""Headings of charts, in the order of the page."""


def write_page(
    path: Path,
    template: str,
    charts: Sequence[Chart],
    *,
    moments: Sequence[int],
    stages: Sequence[Mapping[str, Any]] = (),
    **context: Any,
) -> Path:
    """Write a page atomically.

    Args:
        path: file of the page.
        template: file name of the template.
        charts: charts of the page.
        moments: images shown at each stop of the slider.
        stages: stages of a campaign: `name`, and the `images` shown before.
        context: further variables of the template.

    Returns:
        `path`.

    Raises:
        ValueError: `path` does not end in .html or .htm, so it may be a file of another kind.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"a page cannot be written to {path}: give a name that ends in .html")
    charts = sorted(charts, key=lambda chart: GROUPS.index(chart.group))
    length = max([*moments, *(curve.images[-1] for chart in charts for curve in chart.curves)], default=0)
    plotted = [
        {"title": chart.title, "curves": [curves.plotted(curve, length) for curve in chart.curves]}
        for chart in charts
    ]
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    page = _templates().get_template(template)
    text = page.render(
        policy=f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}",
        style=style,
        script=script,
        data={"length": length, "moments": moments, "stages": stages, "charts": plotted},
        groups={name: [chart for chart in charts if chart.group == name] for name in GROUPS},
        moments=moments,
        **context,
    )
    write_text(path, text.encode(errors="backslashreplace").decode())  # paths may not be valid UTF-8
    return path


def _hash(text: str) -> str:
    """Return the hash of a style or script, as a source of a Content-Security-Policy."""
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
    """Allow line breaks in keys and paths after a dot, a slash or an underscore."""
    return Markup("<wbr>").join(re.split(r"(?<=[/._])(?=[^\d/._])", text))
