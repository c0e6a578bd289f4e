"""Documentation site in a browser, from the disk: phone and desktop, dark scheme, both languages."""

import pytest

from site_building import built_site

pytestmark = pytest.mark.slow

PHONE, DESKTOP = {"width": 375, "height": 740}, {"width": 1280, "height": 800}
PAGES = (
    "index",
    "guide/read-the-losses",
    "guide/laboratory",
    "methods/index",
    "methods/cgan",
    "reference/python",
)


@pytest.fixture(scope="module")
def site(browser, tmp_path_factory):
    return built_site(tmp_path_factory.mktemp("site"))


@pytest.fixture
def opened(browser, site):
    """Return a function that opens a page; at the end, assert that all requests stay within the site."""
    requests, faults, contexts = [], [], []

    def open_page(name, **settings):
        context = browser.new_context(**{"viewport": PHONE, **settings})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto((site / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []
    assert [url for url in requests if not url.startswith((site.as_uri(), "data:", "about:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [f"{place}{page}" for place in ("", "zh/") for page in PAGES])
def test_a_page_fits_a_phone_by_light_and_in_the_dark(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    color = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(")
    brightness = sum(float(part) for part in color.removesuffix(")").split(",")[:3])
    assert (brightness < 200) == (scheme == "dark")


def test_formulas_have_a_form(opened):
    page = opened("methods/wgan-gp", viewport=DESKTOP)
    box = page.locator("math").first.bounding_box()
    assert box["width"] > 200
    assert 15 < box["height"] < 60
    raised, base = (page.locator(f"math msup > *:nth-child({i})").first.bounding_box() for i in (2, 1))
    assert raised["y"] < base["y"] + base["height"] / 2


@pytest.mark.parametrize(
    ("home", "word", "found"),
    [("index", "lipschitz", "The laboratory"), ("zh/index", "检查点", "检查点的安全性")],
)
def test_the_search_works_from_the_disk(opened, home, word, found):
    page = opened(home, viewport=DESKTOP)
    page.click("input[name=query]")
    page.keyboard.insert_text(word)
    page.keyboard.press("End")
    page.wait_for_selector(".md-search-result__item", timeout=30_000)
    assert page.inner_text(".md-search-result__item h1").replace("\u200b", "") == found


def test_the_same_page_in_the_other_language_is_one_step_away(opened, site):
    page = opened("guide/safety", viewport=DESKTOP)
    page.hover(".md-select")
    page.click(".md-select__link[hreflang=zh]")
    assert page.url.startswith((site / "zh" / "guide" / "safety.html").as_uri())
    assert page.inner_text("h1").startswith("检查点的安全性")
