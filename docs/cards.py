"""Parser of method cards (module docstrings), and their conversion to Markdown."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

import formulas

SECTIONS = {
    "Not to be confused with:": "confused",
    "Deviations from the paper:": "deviations",
    "Tested by:": "tested",
}
COMMANDS = ("ganarium ", "torchrun ", "python ")
ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")


@dataclass
class Card:
    """Parts of a card in the order of the page."""

    title: str
    body: list[str] = field(default_factory=list)
    """Paragraphs and blocks of formulas, in order."""
    sections: dict[str, list[str]] = field(default_factory=dict)
    """Paragraphs of `confused`, `deviations` and `tested`."""


def parse(text: str) -> Card:
    """Parse a card; a section ends where the next begins."""
    head, _, rest = text.partition("\n\n")
    card = Card(head.partition(":")[0].strip())
    into = card.body
    for block in re.split(r"\n\s*\n", rest):
        for mark, name in SECTIONS.items():
            if block.startswith(mark):
                into = card.sections.setdefault(name, [])
                block = block.removeprefix(mark).strip("\n ")
        if block.strip():
            into.append(block)
    return card


def markdown(blocks: list[str], links: Mapping[str, str]) -> str:
    """Convert blocks of a card to Markdown.

    Code in `links` becomes a link, an indented block becomes formulas, a table or commands.
    """
    return "\n\n".join(part for block in blocks for part in _parts(block, links))


def _parts(block: str, links: Mapping[str, str]) -> Iterator[str]:
    """Yield the paragraphs and indented parts of a block; no blank line need separate them."""
    for indented, group in groupby(block.splitlines(), lambda line: line.startswith("    ")):
        text = "\n".join(group)
        yield display(text) if indented else add_links(_lists(text), links)


def _lists(text: str) -> str:
    """Insert a blank line before a list, as Markdown requires."""
    return re.sub(r"(?m)(^(?!\d+\. |- | ).+\n)(?=1\. |- )", r"\1\n", text)


def add_links(text: str, links: Mapping[str, str]) -> str:
    """Link the names of methods and the numbers of papers.

    Outside of code, `*` is escaped and `x^` becomes x with a circumflex.
    """
    code = re.split(r"(`[^`]+`)", text)
    for i, part in enumerate(code):
        if i % 2:
            code[i] = f"[{part}]({links[part[1:-1]]})" if part[1:-1] in links else part
        else:
            part = re.sub(
                r"\b(\w)\^(?=[\s),|]|$)", "\\1\u0302", part.replace("*", r"\*").replace("|grad ", "|∇")
            )
            code[i] = ARXIV.sub(r"[\g<0>](https://arxiv.org/abs/\1)", part)
    return "".join(code)


def display(block: str) -> str:
    """Convert an indented block: commands, formulas by player, or a table with two spaces between columns."""
    if block.lstrip().startswith(COMMANDS):
        return f"```bash\n{textwrap.dedent(block)}\n```"
    rows = formulas.lines(block)
    table = [re.split(r"\s{2,}", line.strip()) for line in block.splitlines()]
    if not any(row.goal or "=" in row.formula for row in rows):
        return _aligned(table) if len({len(row) for row in table}) == 1 < len(table[0]) else _verbatim(block)
    out, before = [], None
    for row in rows:
        player = escape(row.player) if row.player != before else ""
        before = row.player
        goal = f'<span class="goal">{row.goal}</span>' if row.goal else ""
        remarks = "".join(f'<span class="remark">{_cell(remark)}</span>' for remark in row.remarks)
        formula = f'<div class="formula">{goal}{formulas.mathml(row.formula)}{remarks}</div>'
        out.append(f'<div class="player">{player}</div>{formula}')
    return f'<div class="formulas">{"".join(out)}</div>'


def _aligned(table: list[list[str]]) -> str:
    cells = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in table)
    return f'<div class="aligned"><table>{cells}</table></div>'


def _verbatim(block: str) -> str:
    return f"```text\n{textwrap.dedent(block)}\n```"


def _cell(text: str) -> str:
    """Return MathML if the text looks like a formula, else escaped text."""
    is_formula = "`" not in text and re.search(r"[=^_/|]|\w\(|\d [+*-] ", text)
    return formulas.mathml(text) if is_formula else re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
