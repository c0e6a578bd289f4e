"""Contrast of the colors with their background in the light and the dark scheme (WCAG 2.2, AA)."""

import itertools
import re

import pytest

from ganarium.reports.curves import COLORS
from ganarium.reports.html import HERE

STYLE = (HERE / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))
    for part in STYLE.split("@media (prefers-color-scheme: dark)")
)
CURVES = [f"color-{i}" for i in range(COLORS)]


def luminance(color):
    """Return the relative luminance of an sRGB color."""
    levels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_schemes_have_the_same_colors():
    assert LIGHT.keys() == DARK.keys()
    assert set(re.findall(r"var\(--([\w-]+)\)", STYLE)) <= LIGHT.keys()
    assert not re.search(r"#[0-9a-f]{3,8}\b", STYLE.split("* {", 1)[1]), "all others are named"


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_text_can_be_read_and_curves_can_be_seen(scheme):
    for ground, name in itertools.product(
        ("page", "panel"), ("text", "muted", "accent", "good", "warning", "bad")
    ):
        assert contrast(scheme[name], scheme[ground]) >= 4.5, (name, ground)
    assert contrast(scheme["text"], scheme["marked"]) >= 4.5
    for name in CURVES:
        assert contrast(scheme[name], scheme["panel"]) >= 4.5, name


def test_curves_differ_in_more_than_color():
    dashes = dict(re.findall(r"\.smooth\.(color-\d) \{ stroke-dasharray: ([\d ]+);", STYLE))
    assert len({dashes.get(name) for name in CURVES}) == COLORS
