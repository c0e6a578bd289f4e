"""Parser of pages: their blocks of code, and the commands in them."""

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
"""Handwritten pages; each exists in both languages."""
BLOCK = re.compile(r'^( *)```(\w+)(?: title="([^"]+)")?\n(.*?)^\1```', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    language: str
    title: str
    code: str


def text_of(page: str, language: str = "en") -> str:
    """Return a README, a page of the guide with its experiments, or a generated page."""
    if page.startswith("README"):
        return (ROOT / page).read_text(encoding="utf-8")
    path = ROOT / "docs" / language / page
    words = generate.WORDS[language]
    if path.is_file():
        return generate.with_experiments(path.read_text(encoding="utf-8"), words)
    return generate.pages(language)[page]


def blocks(text: str) -> list[Block]:
    """Return all blocks of code."""
    found = BLOCK.findall(text)
    return [Block(language, title, textwrap.dedent(code)) for _, language, title, code in found]


def scripts(text: str) -> dict[str, str]:
    """Return the blocks that are shell scripts, by their titles."""
    return {b.title: b.code for b in blocks(text) if b.language == "bash" and b.title}


def commands(text: str) -> list[list[str]]:
    """Return the command lines as words, without comments."""
    typed = [b.code.replace("\\\n", " ") for b in blocks(text) if b.language == "bash" and not b.title]
    lines = [shlex.split(line, comments=True) for code in typed for line in code.splitlines()]
    return [words for words in lines if words]
