"""Tests of the parser of cards and of the conversion of formulas."""

import xml.etree.ElementTree as ElementTree

import cards
import formulas
import pytest

from ganarium.methods.table import BUILT_IN


def shape(element):
    """Return a formula as nested words, which are easier to compare than tags."""
    inside = [shape(child) for child in element]
    name = element.tag.removeprefix("m")
    if name in ("i", "o", "n", "text"):
        return element.text
    if name == "space":
        return " "
    return (name, *inside) if name in ("sub", "sup", "subsup", "frac", "over") else "".join(map(str, inside))


def read(text):
    return shape(ElementTree.fromstring(formulas.mathml(text)))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("D(x) - 1", "D(x)−1"),
        ("-E[log D]", "−𝔼[log D]"),
        ("E D(G) + E(x)", "𝔼 D(G)+E(x)"),
        ("x_i", "('sub', 'x', 'i')"),
        ("(a - b)^2", "('sup', '(a−b)', '2')"),
        ("S_i^2", "('subsup', 'S', 'i', '2')"),
        ("sum_{i != j} w", "('sub', '∑', 'i≠j') w"),
        ("D(x^)", "D(('over', 'x', '^'))"),
        ("f*(t) + a*b", "('sup', 'f', '∗')(t)+a⋅b"),
        ("c' - 1/2", "('sup', 'c', '′')−('frac', '1', '2')"),
        ("10 |grad D|", "10 |∇ D|"),
        ("lambda L -> inf", "λ L→inf"),
        ("a <= b < c", "a≤b<c"),
        ("mean of cos(s) over pairs", "mean of cos(s) over pairs"),
        ("theta1", "('sub', 'θ', '1')"),
    ],
)
def test_plain_text_becomes_a_formula(text, meant):
    assert read(text) == meant


@pytest.mark.parametrize("text", ["f(x", "f)x", "x_", "a @ b", "{1]"])
def test_what_is_no_formula_stays_text(text):
    assert formulas.mathml(text) == f"<code>{text}</code>"


def test_a_line_has_player_goal_formula_and_remarks():
    block = """\
    discriminator   min  E[D(G)] - E[D(x)]      |weights| <= 0.01      five a round
                         + w R
    generator       min -E[D(G)]
                    max  E[Q]                   (eq. 2)
    R = |x|^2                                   (eq. 3)"""
    lines = formulas.lines(block)
    assert [(line.player, line.goal, line.formula, line.remarks) for line in lines] == [
        ("discriminator", "min", "E[D(G)] - E[D(x)] + w R", ["|weights| <= 0.01", "five a round"]),
        ("generator", "min", "-E[D(G)]", []),
        ("generator", "max", "E[Q]", ["(eq. 2)"]),
        ("", "", "R = |x|^2", ["(eq. 3)"]),
    ]


CARD = """XGAN: a card (Somebody 2020, arXiv:2001.00001).

It does `wgan` one better (arXiv:1701.07875).
As follows:

    generator   min  E[D]

    ganarium traverse RUN

Not to be confused with: `ygan`,
which is another.

Deviations from the paper:
1. One,
   in two lines.
2. Two.

Tested by: nothing.
"""


def test_a_card_is_taken_apart():
    card = cards.parse(CARD)
    assert card.title == "XGAN"
    assert list(card.sections) == ["confused", "deviations", "tested"]
    body = cards.markdown(card.body, {"wgan": "wgan.md"})
    assert "[`wgan`](wgan.md)" in body
    assert "[arXiv:1701.07875](https://arxiv.org/abs/1701.07875)" in body
    assert '<div class="player">generator</div>' in body
    assert "```bash\nganarium traverse RUN\n```" in body
    assert cards.markdown(card.sections["deviations"], {}) == "1. One,\n   in two lines.\n2. Two."
    assert cards.markdown(card.sections["confused"], {}).startswith("`ygan`,")


@pytest.mark.parametrize("method", BUILT_IN, ids=lambda method: method.name)
def test_every_card_has_its_parts_and_formulas_that_can_be_typeset(method):
    card = cards.parse(method.card)
    assert card.title
    assert " " not in card.title
    assert {"confused", "deviations", "tested"} <= set(card.sections)
    body = cards.markdown(card.body, {})
    assert "<math" in body, "the card has no formula"
    assert '<div class="formula"><code>' not in body
    assert "</span><code>" not in body.replace('class="remark"><code>', "")
    assert all(what for what in method.headline)
