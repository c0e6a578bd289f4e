"""Conversion of plain-text formulas in cards to MathML, which browsers render without a script.

A docstring holds `E[softplus(-D(x))] + 10 E[(|grad D(x^)| - 1)^2]`; a terminal shows this text, and the page
shows the formula. Text that is not a formula stays as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from html.entities import html5

SIGNS = {"grad": "∇", "sum": "∑", "prod": "∏", "infinity": "∞", "in": "∈"}
"""Words that are replaced by a sign."""
OPERATORS = {"-": "−", "*": "⋅", "->": "→", "<=": "≤", ">=": "≥", "!=": "≠", "~": "∼", "||": "∥", "...": "…"}
CLOSING = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+/\d+|\d+(?:[.,]\d+)*(?:e-?\d+)?)"
    r"|(?P<name>[^\W\d_]+\d*)(?P<star>\*(?=[\s(),\]]|$))?(?P<prime>'*)(?P<hat>\^(?=[\s),|\]]|$))?"
    r"|(?P<sign>->|<=|>=|!=|\|\||\.\.\.|[^\w\s]|_))"
)


class NoFormulaError(ValueError):
    """Error for text that is not a formula."""


@dataclass
class Line:
    """Line of a card's formulas."""

    player: str
    goal: str
    """`min`, `max` or empty."""
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
            raise NoFormulaError("the formula is incomplete")
        self.at += 1
        return self.items[self.at - 1]


def lines(block: str) -> list[Line]:
    """Parse the lines of an indented block: player, objective, remarks, separated by two spaces.

    A line with a larger indent continues the player, or the formula, of the line above.
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
        # "min  E[...]" has two columns, "min -E[...]" one.
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
    """Convert a formula to a `<math>` element, or to code if it cannot be parsed."""
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
            raise NoFormulaError(f"unknown sign in {text[position:]!r}")
        yield token
        position = token.end()


def _sequence(tokens: _Tokens, closing: str) -> Iterator[str]:
    """Yield everything up to the closing bracket, with spaces between factors or words."""
    after_operand = False
    while (next_one := tokens.peek()) != closing or not closing:
        if not next_one:
            if closing:
                raise NoFormulaError(f"{closing} is missing")
            return
        if next_one in CLOSING.values():
            raise NoFormulaError(f"{next_one} has no opening bracket")
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
    """Convert an atom with its subscript and superscript."""
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
    """Convert a subscript or superscript: an atom with its sign; outer braces are removed."""
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
    """Convert a name; `applied` if another name follows after a space, as in `E D(x)`."""
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
