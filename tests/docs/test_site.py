"""Tests of the site in both languages: complete, self-contained, and with equal content."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import generate
import pytest
import yaml
from reading import GUIDE, ROOT, blocks, commands, text_of

from ganarium import __all__ as public_names
from ganarium.cli.app import VERBS
from ganarium.lab import EXPERIMENTS
from ganarium.methods.table import BUILT_IN
from ganarium.metrics.table import METRICS, known_values
from ganarium.training.run import train
from site_building import built_site

CHINESE = "[一-鿿]"
EVALUATED = {"every": {"log": 16, "samples": 16}, "evaluate": {"every": 32, "count": 24}}


class Page(HTMLParser):
    """Resources, links and anchors of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.places: set[str] = set()
        self.path = path
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.places |= {named[key] for key in ("id", "name") if named.get(key)}
        if tag == "a":
            self.links.append(named.get("href") or "")
        elif tag == "link" and named.get("rel") not in ("next", "prev", "alternate", "canonical"):
            self.fetched.append(named.get("href") or "")
        else:
            self.fetched += [named[key] for key in ("src", "srcset", "poster", "data") if named.get(key)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return built_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}


def test_every_method_verb_and_public_name_has_its_place(pages, site):
    for folder in (site, site / "zh"):
        assert {f"{method.name}.html" for method in BUILT_IN} < {
            p.name for p in (folder / "methods").iterdir()
        }
        assert set(VERBS) <= pages[folder / "reference" / "command-line.html"].places
        names = {f"ganarium.{name}" for name in public_names}
        assert names <= pages[folder / "reference" / "python.html"].places


def test_nothing_is_fetched_from_the_net(pages, site):
    assert len(pages) > 2 * len(GUIDE)
    for path, page in pages.items():
        assert [each for each in page.fetched if urlsplit(each).netloc] == [], path
        assert "https://unpkg.com" not in path.read_text(encoding="utf-8")
    for style in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", style.read_text(encoding="utf-8")), style


def test_every_link_exists(pages):
    for path, page in pages.items():
        for link in page.links + page.fetched:
            target, place = urldefrag(unquote(link))
            if urlsplit(target).scheme in ("https", "http", "mailto", "data"):
                continue
            there = Path(os.path.normpath(path.parent / target)) if target else path
            assert there.exists(), f"{path}: {link}"
            if place and there in pages:
                assert place in pages[there].places, f"{path}: {link}"


def test_each_page_links_to_itself_in_the_other_language(pages, site):
    for name in ("index.html", "guide/safety.html", "methods/gan.html", "reference/python.html"):
        for here, there in ((site, site / "zh"), (site / "zh", site)):
            links = {os.path.normpath((here / name).parent / link) for link in pages[here / name].links}
            assert str(there / name) in links


def test_formulas_are_drawn_without_a_script(site):
    page = (site / "methods" / "wgan-gp.html").read_text(encoding="utf-8")
    assert page.count("<math ") >= 2
    assert "<mo>∇</mo>" in page
    assert "mathjax" not in page.lower()
    assert "katex" not in page.lower()


def test_the_search_knows_chinese_words(site):
    index = (site / "zh" / "search" / "search_index.json").read_text(encoding="utf-8")
    assert "\u200b检查点\u200b" in index


@pytest.mark.parametrize("page", GUIDE)
def test_both_languages_have_the_same_content(page):
    english, chinese = text_of(page, "en"), text_of(page, "zh")
    assert commands(english) == commands(chinese)
    assert [b.language for b in blocks(english)] == [b.language for b in blocks(chinese)]
    for pattern in (r"^#+ ", r"^\|", r"^- \*\*", r"^\d\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, chinese)]
        assert counts[0] == counts[1], pattern
    targets = [set(re.findall(r"\]\(([^)]+)\)", text)) for text in (english, chinese)]
    assert targets[0] == targets[1]


@pytest.mark.parametrize("page", GUIDE)
def test_chinese_is_set_as_chinese(page):
    """Check for full-width punctuation between Chinese characters, without spaces."""
    text = (ROOT / "docs" / "zh" / page).read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```|\]\([^)]*\)|<[^>]*>", "", text, flags=re.DOTALL)
    prose = re.sub(r"`[^`]*`", "x", prose)
    assert len(re.findall(CHINESE, prose)) > 100
    wide = "[，。；：！？、]"
    for fault in (f"{CHINESE}[,;:?!(]", f"[,;?!)]{CHINESE}", f" {wide}", f"{wide} (?![|])"):
        assert not re.findall(f".{{0,10}}{fault}.{{0,10}}", prose), fault


def test_no_space_comes_between_chinese_characters(site):
    """Check that line ends within Chinese sentences were removed; they would be shown as spaces."""
    for path in (site / "zh" / "guide").glob("*.html"):
        text = re.sub(r"<pre.*?</pre>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not re.findall(rf".{{0,12}}{CHINESE}[ \n]+{CHINESE}.{{0,12}}", text), path


def test_the_page_of_the_laboratory_has_every_experiment():
    for language in ("en", "zh"):
        text = (ROOT / "docs" / language / "guide" / "laboratory.md").read_text(encoding="utf-8")
        marked = re.findall(r"<!-- experiment: (\w+) -->", text)
        assert marked.pop() == "others"
        assert set(marked) <= set(EXPERIMENTS)


def keys_in(text):
    """Return the code in the first columns of a page's tables."""
    rows = re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


@pytest.fixture(scope="module")
def log_keys(tmp_path_factory):
    """Return all keys of the logs of a small run, players by the name PLAYER."""
    folder = tmp_path_factory.mktemp("logs") / "run"
    run = train("gan", data="ring", out=folder, images=64, batch_size=16, device="cpu", **EVALUATED)
    keys = set(json.loads((folder / "speed.jsonl").read_text().splitlines()[-1]))
    for record in run.records:
        keys |= {*record}
        keys |= {f"{name}.{key}" for name in ("samples", "data") for key in record.get(name, {})}
        keys |= {f"players.PLAYER.{key}" for values in record["players"].values() for key in values}
    assert {"metrics", "samples.energy_distance", "samples.discriminator_auc"} <= keys
    return keys


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_glossary_has_every_log_key_and_metric(language, log_keys):
    text = text_of("guide/glossary.md", language)
    assert log_keys | {metric.short for metric in METRICS.values()} | set(known_values()) <= keys_in(text)
    assert all(f"`{name}`" in text for name in METRICS)


def test_the_example_is_inserted_into_its_page(site):
    for folder in (site, site / "zh"):
        assert "relativistic-ring" in (folder / "guide" / "write-a-method.html").read_text(encoding="utf-8")
        assert "8&lt;" not in (folder / "guide" / "write-a-method.html").read_text(encoding="utf-8")


def test_generated_words_are_there_in_both_languages():
    words = generate.WORDS
    assert words["en"].keys() == words["zh"].keys() - {"search terms"}
    assert words["en"]["groups"].keys() == words["zh"]["groups"].keys()
    for key in ("card note", "round intro", "round shared", "recipe intro"):
        marks = [set(re.findall(r"\{(\w+)\}", words[each][key])) for each in ("en", "zh")]
        assert key == "card note" or marks[0] == marks[1]


def test_both_navigations_have_the_same_pages():
    def uris(node):
        if isinstance(node, str):
            return [node]
        return [uri for each in (node.values() if isinstance(node, dict) else node) for uri in uris(each)]

    trees = []
    for name in ("mkdocs.yml", "mkdocs.zh.yml"):
        text = re.sub(r"!relative [^\],]+", "''", (ROOT / "docs" / name).read_text(encoding="utf-8"))
        trees.append(uris(yaml.safe_load(text)["nav"]))
    assert trees[0] == trees[1]
