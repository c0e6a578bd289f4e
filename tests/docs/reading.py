"""Pages read as a reader would: their blocks of code, and the commands in them."""

import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

import generate

ROOT = Path(__file__).parents[2]
GUIDE = sorted(
    path.relative_to(ROOT / "docs" / "en").as_posix() for path in (ROOT / "docs" / "en").rglob("*.md")
)
"""The pages that are written by hand; each there is in both languages."""
BLOCK = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    code: str


def text_of(page: str, language: str = "en") -> str:
    """A README, a page of the guide, or a generated page; experiments are filled in."""
    if page.startswith("README"):
        return (ROOT / page).read_text(encoding="utf-8")
    path = ROOT / "docs" / language / page
    words = generate.WORDS[language]
    if path.is_file():
        return generate.with_experiments(path.read_text(encoding="utf-8"), words)
    return generate.pages(language)[page]


def blocks(text: str) -> list[Block]:
    """All blocks of code."""
    found = BLOCK.findall(text)
    return [Block(language, title, textwrap.dedent(code)) for _, language, title, code in found]


def scripts(text: str) -> dict[str, str]:
    """The blocks that are files of shell, by their titles."""
    return {b.title: b.code for b in blocks(text) if b.language == "bash" and b.title}


def commands(text: str) -> list[list[str]]:
    """The lines that are to be typed, as words, comments left out."""
    typed = [b.code.replace("\\\n", " ") for b in blocks(text) if b.language == "bash" and not b.title]
    lines = [shlex.split(line, comments=True) for code in typed for line in code.splitlines()]
    return [words for words in lines if words]
