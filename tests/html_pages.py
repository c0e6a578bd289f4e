"""Pages as a strict reader of HTML sees them."""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

SMALL: dict[str, Any] = {
    "images": 320,
    "batch_size": 8,
    "device": "cpu",
    "data": {"size": 16, "count": 48, "workers": 0},
    "networks": {"generator": {"width": 4}, "discriminator": {"width": 4}},
    "every": {"log": 16, "samples": 80, "checkpoint": 160},
}
"""A run of a second."""
EVIL = """</script><script>alert("1")</script><img src=x onerror='alert(2)'>{{ 7*7 }}"""
"""A name that would break out of a page that believed it."""
ADDRESSES = {"src", "href", "srcset", "action", "data", "poster", "background", "xlink:href"}
TAGS = """
    html head meta title style body main header h1 h2 h3 p strong a progress dl div dt dd nav section label
    input output figure figcaption img ul li button svg line span details summary table thead tbody tr th td
    wbr pre mark code script noscript
"""
VOID = {"meta", "img", "input", "line", "br", "wbr", "link"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parent: "Element | None" = None
    parts: list["Element | str"] = field(default_factory=list)

    @property
    def raw(self) -> str:
        """All text in it."""
        return "".join(part if isinstance(part, str) else part.raw for part in self.parts)

    @property
    def text(self) -> str:
        """All text in it, white space as one blank."""
        return re.sub(r"\s+", " ", self.raw)

    def all(self, tag: str | None = None, **attributes: str) -> list["Element"]:
        """The elements in it of that kind, with these attributes; `class_` is one of its classes."""
        found = []
        for part in self.parts:
            if isinstance(part, Element):
                if tag in (None, part.tag) and part.has(**attributes):
                    found.append(part)
                found += part.all(tag, **attributes)
        return found

    def one(self, tag: str | None = None, **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, (tag, attributes, len(found))
        return found[0]

    def has(self, **wanted: str) -> bool:
        for name, value in wanted.items():
            held = self.attributes.get(name.rstrip("_").replace("_", "-"))
            if value not in (held or "").split() if name == "class_" else held != value:
                return False
        return True

    def rows(self) -> list[list[str]]:
        """A table's cells."""
        return [
            [cell.text.strip() for cell in row.all() if cell.tag in ("th", "td")] for row in self.all("tr")
        ]


class Reader(HTMLParser):
    """Builds a tree, and refuses what is not closed where it should be."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("page", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        element = Element(tag, dict(attrs), self.at)
        self.at.parts.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.parts.append(Element(tag, dict(attrs), self.at))

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>, line {self.getpos()[0]}"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.parts.append(data)


def read(page: Path) -> Element:
    """The page as a tree."""
    reader = Reader()
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>\n")
    reader.feed(text)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is not closed"
    return reader.root


def data(page: Element) -> dict[str, Any]:
    """What the page's script is given."""
    return json.loads(page.one("script", id="data").raw)


def assert_alone(page: Element) -> None:
    """Nothing is fetched: only the paper's link leads out, and no style or script from elsewhere counts."""
    for element in page.all():
        for name, value in element.attributes.items():
            assert not name.startswith("on"), f"<{element.tag} {name}>"
            assert name != "style"
            if name in ADDRESSES:
                outside = element.tag == "a" and value.startswith("https://arxiv.org/abs/")
                assert outside or value.startswith(("#", "data:image/png;base64,", "data:image/webp;base64,"))
    assert {each.tag for each in page.all()} <= set(TAGS.split())
    style, script, told = page.one("style").text, page.all("script")[1], page.all("script")[0]
    assert told.attributes == {"type": "application/json", "id": "data"}
    assert script.attributes == {}
    policy = dict(
        part.split(" ", 1)
        for part in page.one("meta", http_equiv="Content-Security-Policy").attributes["content"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["img-src"] == "data:"
    for name, element in (("style-src", page.one("style")), ("script-src", script)):
        digest = hashlib.sha256(element.raw.encode()).digest()
        assert policy[name] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert "@import" not in style
    assert "url(" not in style
