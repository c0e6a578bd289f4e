"""Pages of runs in a browser: phone and desktop, light and dark scheme, mouse and keyboard."""

import json
import shutil

import pytest

import ganarium as gan
from html_pages import EVIL, SMALL

PHONE, DESKTOP = {"width": 375, "height": 740}, {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return gan.train("dcgan", out=tmp_path_factory.mktemp("runs") / "dcgan", **SMALL).folder


@pytest.fixture(scope="module")
def pages(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    other = shutil.copytree(run, folder / "a_run_with_a_name_that_is_so_long_that_it_fills_more_than_a_line")
    return {
        "report": gan.report(run, folder / "report.html"),
        "compare": gan.compare([run, other], folder / "compare.html"),
    }


@pytest.fixture
def opened(browser):
    """Return a function that opens a page; at the end, assert that no page logged or fetched anything."""
    messages, contexts = [], []

    def open_page(place, **settings):
        context = browser.new_context(**{"viewport": DESKTOP, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("dialog", lambda dialog: (messages.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on(
            "request", lambda request: messages.append(request.url) if _outside(request.url, place) else None
        )
        page.goto(place.as_uri())
        page.wait_for_selector(".plot svg path", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert messages == []


def _outside(url, place):
    return not url.startswith("data:image/") and url != place.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("name", ["report", "compare"])
def test_a_page_is_as_wide_as_the_screen_and_as_bright_as_requested(opened, pages, name, screen, scheme):
    page = opened(pages[name], viewport=screen, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == screen["width"]
    wide = page.evaluate(
        """[...document.querySelectorAll("main *")]
             .filter((each) => !each.closest(".scroll, pre, code, svg"))
             .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
             .map((each) => each.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    level = int(ground.removeprefix("rgb(").partition(",")[0])
    assert level > 200 if scheme == "light" else level < 50
    assert page.locator("#samples img:visible").count() == 2
    assert page.locator(".plot svg").first.bounding_box()["width"] > 250


def shown(page):
    """Return the images shown before the visible sample grid, and its caption."""
    grid = page.locator("#samples .stack").first.locator("img:visible")
    return int(grid.get_attribute("data-images")), page.locator("#samples .moment").first.inner_text()


def test_the_slider_by_keys(opened, pages):
    page = opened(pages["report"])
    slider = page.get_by_label("Images shown", exact=True)
    slider.focus()
    assert shown(page) == (320, "320")
    for key, images in (
        ("ArrowLeft", 240),
        ("ArrowLeft", 160),
        ("Home", 0),
        ("ArrowRight", 80),
        ("End", 320),
    ):
        slider.press(key)
        assert shown(page) == (images, str(images))
        assert slider.get_attribute("aria-valuetext") == str(images)
    slider.press("ArrowLeft")
    assert {line.get_attribute("visibility") for line in page.locator(".cursor").all()} == {"visible"}


def test_one_slider_moves_both_runs(opened, pages):
    page = opened(pages["compare"])
    slider = page.get_by_label("Images shown", exact=True)
    slider.focus()
    slider.press("Home")
    assert [each.get_attribute("data-images") for each in page.locator("#samples img:visible").all()] == [
        "0",
        "0",
    ]


def test_a_cursor_moves_in_all_charts_and_shows_values(opened, pages, run):
    page = opened(pages["report"])
    chart = page.locator(".plot svg").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 56 + (box["width"] - 56 - 12) / 2, box["y"] + 50)
    places = {line.get_attribute("x1") for line in page.locator(".cursor").all()}
    assert len(places) == 1, "linked"
    (value,) = (r["terms"]["discriminator/adversarial"] for r in gan.Run(run).records if r["images"] == 160)
    text = page.locator(".legend output").first.inner_text()
    assert float(text.partition(" ")[0]) == pytest.approx(value, rel=1e-3)
    assert "smooth" in text
    page.mouse.click(box["x"] + 60, box["y"] + 50)
    assert shown(page)[0] == 0, "a click shows the sample grids of that moment"
    page.mouse.move(5, 5)
    assert {line.get_attribute("visibility") for line in page.locator(".cursor").all()} == {"hidden"}


def test_the_cursor_by_keys(opened, pages):
    page = opened(pages["report"])
    chart = page.locator(".plot svg").first
    chart.focus()
    chart.press("Home")
    assert chart.get_attribute("aria-valuetext").startswith("0 images: adversarial ")
    chart.press("Shift+ArrowRight")
    assert chart.get_attribute("aria-valuenow") == "32"
    chart.press("End")
    assert chart.get_attribute("aria-valuenow") == "320"
    chart.press("Escape")
    assert page.locator(".cursor").first.get_attribute("visibility") == "hidden"


def heights(page, kind):
    """Return the vertical positions of the points of the first chart's curve."""
    path = page.locator(f".chart path.{kind}").first.get_attribute("d")
    return [float(point.split(" ")[1]) for point in path.removeprefix("M").split("L")]


def test_logarithmic_scales_and_values_that_they_cannot_show(opened, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    values = [10.0**-i for i in range(5)] + [0.0, -1.0, 1.0]
    lines = [{"images": 10 * i, "terms": {"a/b": value}, "below": -1.0} for i, value in enumerate(values)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = opened(gan.report(folder))
    assert heights(page, "raw")[3] - heights(page, "raw")[4] == pytest.approx(0, abs=0.2), (
        "too small to be visible"
    )
    page.get_by_label("logarithmic scale").check()
    first, *others, last = (
        b - a for a, b in zip(heights(page, "raw"), heights(page, "raw")[1:], strict=False)
    )
    assert first > 20
    assert [*others, last] == pytest.approx([first] * 3, abs=0.2), "a tenth is a step"
    assert page.locator(".chart").first.locator("path.raw").count() == 2, (
        "interrupted where it cannot be shown"
    )
    notes = page.locator(".chart .note:visible").all_inner_texts()
    assert notes[:2] == [
        "Values at or below zero are left out.",
        "No value is above zero: the scale is linear.",
    ]
    page.get_by_label("logarithmic scale").uncheck()
    assert page.locator(".chart .note:visible").count() == 0


def test_a_curve_can_be_hidden(opened, pages):
    page = opened(pages["compare"])
    chart = page.locator(".chart").first
    assert chart.locator("path.smooth").count() == 2
    button = chart.get_by_role("button").first
    button.focus()
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert [each.get_attribute("class") for each in chart.locator("path.smooth").all()] == ["smooth color-1"]
    button.press("Space")
    assert chart.locator("path.smooth").count() == 2


def test_evil_names_do_nothing(opened, run, tmp_path):
    folder = shutil.copytree(run, tmp_path / EVIL.replace("/", "∕"))
    line = {"images": 10, "terms": {f"a/{EVIL}": 1.0}, "stage": EVIL}
    (folder / "log.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line | {"images": 20}) + "\n")
    (folder / "data.json").write_text(json.dumps({"source": EVIL}))
    page = opened(gan.report(folder), viewport=PHONE)
    assert page.locator("script").count() == 2
    assert page.locator("img[src=x]").count() == 0
    assert page.locator(".plot text", has_text="alert").first.text_content() == EVIL
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_without_scripts_the_newest_grid_and_the_numbers_are_there(browser, pages):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["report"].as_uri())
    assert page.locator("#samples img:visible").count() == 2
    assert "need JavaScript" in page.locator("body").inner_text()
    context.close()
