"""Hooks of mkdocs: generated pages, their place in the navigation, and links between the languages."""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

import generate
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).parent
ELSEWHERE = "#elsewhere"
NAMES = {"en": "English", "zh": "中文"}
SHARED = ("assets/site.css", "assets/iframe-worker.js", "images/demo.png")
TERMS = sorted(generate.WORDS["zh"]["search terms"].split(), key=len, reverse=True)
AFTER, BEFORE = "，。；：、！？）”》", "“（《"
LINE_END = re.compile(rf"(?<=[一-鿿])\n *(?=[一-鿿{BEFORE}])|(?<=[{AFTER}])\n *(?=[\w{BEFORE}`\[])")
HAN = re.compile("|".join([*TERMS, "[一-鿿]"]))


def language_of(config: MkDocsConfig) -> str:
    """Return `en` or `zh`."""
    return str(config.theme["language"])


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the methods to the navigation, by folder."""
    language = language_of(config)
    folders: list[Any] = ["methods/index.md"]
    for group, methods in generate.groups().items():
        rows = [{generate.title(method): f"methods/{method.name}.md"} for method in methods]
        folders.append({generate.group_title(group, language): rows})
    for entry in config.nav or []:
        for title, content in entry.items():
            if content == ["methods/index.md"]:
                entry[title] = folders
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and the files that both languages share."""
    language = language_of(config)
    for uri, text in generate.pages(language).items():
        files.append(File.generated(config, uri, content=text))
    images = sorted(path for path in (DOCS / "pictures").rglob("*.*") if path.suffix in (".jpg", ".png"))
    for path in [*(DOCS / name for name in SHARED), *images]:
        files.append(File.generated(config, path.relative_to(DOCS).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Insert the experiments of the laboratory; join Chinese lines, whose ends would be shown as spaces."""
    text = generate.with_experiments(markdown, generate.WORDS[language_of(config)])
    return LINE_END.sub("", text) if language_of(config) == "zh" else text


def on_page_context(context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Any) -> dict[str, Any]:
    """Add links to both languages; `on_post_page` fills in the address, which the theme cannot know."""
    language = language_of(config)
    config.extra["alternate"] = [
        {"name": name, "lang": each, "link": page.url if each == language else ELSEWHERE}
        for each, name in NAMES.items()
    ]
    return context


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Link each page to the same page in the other language."""
    here, there = ("", "zh/") if language_of(config) == "en" else ("zh/", "")
    link = posixpath.relpath(there + page.url, posixpath.dirname(here + page.url))
    return output.replace(f'"{ELSEWHERE}"', f'"{link}"')


def on_post_build(config: MkDocsConfig) -> None:
    """Separate Chinese words in the search index by zero-width spaces."""
    if language_of(config) != "zh":
        return
    path = Path(config.site_dir) / "search" / "search_index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    for entry in index["docs"]:
        for part in ("title", "text"):
            entry[part] = HAN.sub("\u200b\\g<0>\u200b", entry[part]).replace("\u200b\u200b", "\u200b")
    path.write_text(json.dumps(index, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
