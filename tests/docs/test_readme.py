"""Tests of the READMEs: their tables come from the cards, and their links exist."""

import re

import generate
import pytest
from reading import ROOT, commands, text_of

PAGES = sorted(generate.PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_the_table_of_methods_is_the_cards(page):
    text = text_of(page)
    assert generate.generated(text, generate.PAGES[page]) == text, "run python docs/generate.py"
    assert "`wgan-gp`" in text


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_exists(page):
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text_of(page)) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_both_languages_have_the_same_commands():
    english, chinese = map(commands, map(text_of, PAGES))
    assert english == chinese
    assert len(english) > 8
