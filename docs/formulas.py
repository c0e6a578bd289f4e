"""Formulas as a card has them, plain text, typeset as MathML: browsers draw that without any script.

Nothing is written twice: `E[softplus(-D(x))] + 10 E[(|grad D(x^)| - 1)^2]` in a docstring is what a terminal
shows and what becomes the page. What is no formula is left as text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.entities import html5

SIGNS = {"grad": "∇", "sum": "∑", "prod": "∏", "infinity": "∞", "in": "∈"}
"""Words that stand for a sign."""
OPERATORS = {"-": "−", "*": "⋅", "->": "→", "<=": "≤", ">=": "≥", "!=": "≠", "~": "∼", "||": "∥", "...": "…"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+/\d+|\d+(?:[.,]\d+)*(?:e-?\d+)?)"
    r"|(?P<name>[^\W\d_]+\d*)(?P<star>\*(?=[\s(),\]]|$))?(?P<prime>'*)(?P<hat>\^(?=[\s),|\]]|$))?"
    r"|(?P<sign>->|<=|>=|!=|\|\||\.\.\.|[^\w\s]|_))"
)


class NoFormulaError(ValueError):
    """The text does not read as a formula."""


@dataclass
class Line:
    """One line of a card's formulas."""

    player: str
    goal: str
    """`min`, `max`, or nothing."""
    formula: str
    remarks: list[str] = field(default_factory=list)


@dataclass
class _Tokens:
    items: list[re.Match[str]] = field(default_factory=list)
    at: int = 0

    def peek(self) -> str:
        return self.items[self.at][0].strip() if self.at < len(self.items) else ""

    def take(self) -> re.Match[str]:
        if self.at == len(self.items):
            raise NoFormulaError("it ends too early")
        self.at += 1
        return self.items[self.at - 1]


def lines(block: str) -> list[Line]:
    """The lines of an indented block: a player, what it minimises, remarks, two spaces between them.

    A line that begins further right goes on with the player, or with the formula, of the one above.
    """
    written = [line.rstrip() for line in block.splitlines() if line.strip()]
    margin = min(len(line) - len(line.lstrip()) for line in written)
    out: list[Line] = []
    for text in (line[margin:] for line in written):
        continues = bool(out) and text.startswith("  ")
        columns = re.split(r"\s{2,}", text.strip())
        player = out[-1].player if continues else ""
        if not continues and len(columns) > 1 and re.fullmatch(r"[a-z][\w, -]+", columns[0]):
            player = columns.pop(0)
        # "min  E[...]" stands in two columns, "min -E[...]" in one.
        goal = _goal(columns[0])
        formula, *remarks = filter(None, [columns[0][len(goal) :].strip(), *columns[1:]])
        if continues and not goal and re.match(r"[-+*/=]\s", formula):
            out[-1].formula += f" {formula}"
            out[-1].remarks += remarks
        else:
            out.append(Line(player, goal, formula.removesuffix(","), remarks))
    return out


def _goal(text: str) -> str:
    found = re.match(r"(min|max)(?=\s|$)", text)
    return found[0] if found else ""


def mathml(text: str) -> str:
    """The formula as a `<math>` element; as code where it does not read as one."""
    try:
        inner = "".join(_sequence(_Tokens(list(_tokens(text))), ""))
    except NoFormulaError:
        return f"<code>{escape(text)}</code>"
    return f'<math alttext="{escape(text)}"><mrow>{inner}</mrow></math>'


def _tokens(text: str) -> Iterator[re.Match[str]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        token = TOKEN.match(text, position)
        if token is None:
            raise NoFormulaError(f"{text[position:]!r} is no sign")
        yield token
        position = token.end()


def _sequence(tokens: _Tokens, closing: str) -> Iterator[str]:
    """Everything up to the closing bracket; a space that parts two factors, or words, is kept."""
    after_operand = False
    while (next_one := tokens.peek()) != closing or not closing:
        if not next_one:
            if closing:
                raise NoFormulaError(f"{closing} is missing")
            return
        if next_one in CLOSING.values():
            raise NoFormulaError(f"{next_one} closes nothing")
        token = tokens.items[tokens.at]
        operand = bool(token["number"] or token["name"]) or next_one in (*CLOSING, "|")
        if after_operand and operand and token[0][0].isspace():
            yield '<mspace width="0.22em"/>'
        if next_one in ("+", "-") and not after_operand:
            tokens.take()
            yield f'<mo form="prefix">{OPERATORS.get(next_one, next_one)}</mo>'
        else:
            yield _scripted(tokens)
        after_operand = operand
    tokens.take()


def _scripted(tokens: _Tokens) -> str:
    """An atom with what stands below and above it."""
    base = _atom(tokens)
    below = above = ""
    while tokens.peek() in ("_", "^"):
        if tokens.take()["sign"] == "_":
            below = _script(tokens)
        else:
            above = _script(tokens)
    match bool(below), bool(above):
        case True, True:
            return f"<msubsup>{base}{below}{above}</msubsup>"
        case True, False:
            return f"<msub>{base}{below}</msub>"
        case False, True:
            return f"<msup>{base}{above}</msup>"
    return base


def _script(tokens: _Tokens) -> str:
    """What is raised or lowered: an atom, with its sign; braces around it are not shown."""
    if tokens.peek() == "{":
        tokens.take()
        return f"<mrow>{''.join(_sequence(tokens, '}'))}</mrow>"
    sign = _atom(tokens) if tokens.peek() == "-" else ""
    return f"<mrow>{sign}{_atom(tokens)}</mrow>"


def _atom(tokens: _Tokens) -> str:
    token = tokens.take()
    if token["number"]:
        parts = [f"<mn>{part}</mn>" for part in token["number"].split("/")]
        return f"<mfrac>{''.join(parts)}</mfrac>" if len(parts) > 1 else parts[0]
    if token["name"]:
        after = tokens.items[tokens.at] if tokens.peek() else None
        return _name(token, tokens.peek(), applied=bool(after and after["name"] and after[0][0].isspace()))
    sign = token["sign"]
    if sign in CLOSING:
        inner = "".join(_sequence(tokens, CLOSING[sign]))
        return f"<mrow>{_fence(sign)}{inner}{_fence(CLOSING[sign])}</mrow>"
    if sign in "_^`\\$@#%&":
        raise NoFormulaError(f"{sign} has no meaning here")
    if sign == "|":
        return _fence(sign)
    return f"<mo>{escape(OPERATORS.get(sign, sign))}</mo>"


def _fence(sign: str) -> str:
    bars = ' lspace="0" rspace="0"' if sign == "|" else ""
    return f'<mo stretchy="false"{bars}>{escape(sign)}</mo>'


def _name(token: re.Match[str], following: str, *, applied: bool) -> str:
    """`applied` where another name follows after a space, as in `E D(x)`."""
    word = token["name"]
    letters, digits = re.fullmatch(r"(\D+)(\d*)", word).groups()  # type: ignore[union-attr]
    greek = html5.get(f"{letters};", "")
    letter = greek if "\u0370" <= greek <= "\u03ff" else letters
    if word in ("E", "P") and (following in ("[", "_") or applied):
        name = f'<mi mathvariant="normal">{"𝔼" if word == "E" else "ℙ"}</mi>'
    elif word in SIGNS:
        name = f"<mo>{SIGNS[word]}</mo>"
    elif digits and len(letter) == 1:
        name = f"<msub><mi>{letter}</mi><mn>{digits}</mn></msub>"
    elif len(letter) == 1 or following == "(":
        name = f"<mi>{letter}{digits}</mi>"
    else:
        name = f"<mtext>{word}</mtext>"
    if token["hat"]:
        name = f'<mover accent="true">{name}<mo stretchy="false">^</mo></mover>'
    raised = ("<mo>∗</mo>" if token["star"] else "") + "<mo>′</mo>" * len(token["prime"])
    return f"<msup>{name}<mrow>{raised}</mrow></msup>" if raised else name
