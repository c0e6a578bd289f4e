"""Tests of the page "Write a method": its names of hooks and entry points are those of the code."""

import re

import pytest
from reading import ROOT, text_of

SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
NO_HOOKS = {"folder", "source", "detach", "gi_frame", "shape", "version"}
"""Attributes that are looked up on other objects than games, networks and kinds of values."""


def hooks(language):
    """Return the names in the first column of the table of hooks."""
    (table,) = re.findall(
        r"^\| `play\(.*?(?=\n\n)", text_of("guide/write-a-method.md", language), re.M | re.S
    )
    cells = [row.split(" | ")[0] for row in table.splitlines()]
    return [name for cell in cells for name in re.findall(r"`(\w+)", cell)]


def test_every_hook_is_looked_up_in_the_code():
    assert len(hooks("en")) > 30
    assert [name for name in hooks("en") if not re.search(rf"[.\"]{name}\b|\bdef {name}\b", SOURCE)] == []


def test_every_lookup_by_name_is_in_the_table():
    looked_up = set(re.findall(r"(?:getattr|hasattr)\([\w.]+, \"([a-z]\w*)\"", SOURCE))
    assert {"multiple", "memory_format", "directions"} <= looked_up
    assert looked_up - NO_HOOKS <= set(hooks("en"))


def test_both_languages_have_the_same_hooks():
    assert hooks("en") == hooks("zh")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_group_of_entry_points_is_on_the_page(language):
    groups = set(re.findall(r"entry_points\(group=\"([\w.]+)\"", SOURCE))
    groups |= set(re.findall(r"Registry\(\s*\"\w+\",\s*\"([\w.]+)\"", SOURCE))
    assert len(groups) > 5
    page = text_of("guide/write-a-method.md", language)
    assert groups == set(re.findall(r"^\[project\.entry-points\.\"([\w.]+)\"\]", page, re.M))
