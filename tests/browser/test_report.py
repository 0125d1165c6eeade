"""The page of a run, as a browser shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

EVERY = pytest.mark.parametrize("name", ["four", "hundred", "streams", "index"])
REPORTS = pytest.mark.parametrize("name", ["four", "hundred"])
FOCUSABLE = "summary, a[href], button, input, [tabindex='0']"


@contextmanager
def opened(browser: Browser, file: Path, **options: Any) -> Iterator[Page]:  # noqa: ANN401 - playwright's own
    """Open a page in a context of its own."""
    context = browser.new_context(**options)
    try:
        page = context.new_page()
        page.goto(file.as_uri())
        yield page
    finally:
        context.close()


@EVERY
def test_a_page_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    context = browser.new_context()
    try:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(pages[name].as_uri())
        page.wait_for_load_state("networkidle")
        assert said == [pages[name].as_uri()]
        assert "failed" in page.title()
    finally:
        context.close()


@EVERY
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_a_page_never_scrolls_sideways(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    with opened(browser, pages[name], viewport={"width": width, "height": 740}) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") == width


LINES_OF_WORDS = """cells => cells.flatMap(cell => {
  const lines = [];
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (texts.nextNode())
    for (const found of texts.currentNode.data.matchAll(/[^\\s\\/]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, found.index);
      range.setEnd(texts.currentNode, found.index + found[0].length);
      lines.push(new Set(Array.from(range.getClientRects(), box => box.top)).size);
    }
  return lines;
})"""


@pytest.mark.parametrize("width", [360, 1280])
def test_the_table_scrolls_in_its_box_and_breaks_no_word(
    browser: Browser, pages: dict[str, Path], width: int
) -> None:
    with opened(browser, pages["four"], viewport={"width": width, "height": 740}) as page:
        page.get_by_text("The same as a table").click()
        table = page.get_by_role("region", name="The sequence diagram as a table")
        cells = table.locator("td")
        assert set(cells.evaluate_all(LINES_OF_WORDS)) == {1}
        scrolls = table.evaluate("box => box.scrollWidth > box.clientWidth")
        assert scrolls is (width == 360)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_index_breaks_no_word(browser: Browser, pages: dict[str, Path], width: int) -> None:
    with opened(browser, pages["index"], viewport={"width": width, "height": 740}) as page:
        words = page.locator("th, td:not(:has(a))")
        assert set(words.evaluate_all(LINES_OF_WORDS)) == {1}


def test_a_lifeline_is_hidden_behind_the_words_before_it(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["four"]) as page:
        look = page.locator(".diagram .what").first.evaluate(
            "one => { const look = getComputedStyle(one);"
            " return [look.paintOrder, look.strokeWidth]; }"
        )
        assert look == ["stroke", "8px"]


@REPORTS
def test_without_scripts_all_is_there(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name], java_script_enabled=False) as page:
        assert page.locator(".player").is_hidden()
        assert page.locator(".screen").nth(1).get_by_text("* u").first.is_visible()
        assert page.locator(".diagram text.name").count() > 3
        assert page.get_by_text("u2 never showed 'Are you there?'").is_visible()


def test_the_terminals_can_be_shown_as_they_were_at_a_time(
    browser: Browser, pages: dict[str, Path]
) -> None:
    with opened(browser, pages["four"]) as page:
        lines = page.locator(".screen [data-at]")
        every = lines.count()
        shown = page.locator(".screen [data-at]:not([hidden])")
        assert shown.count() == every
        slider = page.get_by_role("slider")
        slider.focus()
        slider.press("Home")
        assert shown.count() == 0
        slider.fill("1.2")
        times = shown.evaluate_all("lines => lines.map(line => Number(line.dataset.at))")
        assert 0 < len(times) < every
        assert max(times) <= 1.2
        slider.press("End")
        assert shown.count() == every


def test_the_terminals_play_by_themselves(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["four"]) as page:
        page.evaluate(
            """() => {
                const button = document.querySelector('.player button');
                window.shown = [];
                const note = () => shown.push(button.textContent);
                new MutationObserver(note).observe(button, {childList: true});
            }"""
        )
        page.get_by_role("button", name="Play").click()
        page.get_by_role("button", name="Play").wait_for()
        assert page.evaluate("shown") == ["Stop", "Play"]
        assert page.locator(".screen [data-at][hidden]").count() == 0


def test_no_other_script_runs(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    html = pages["four"].read_text(encoding="utf-8")
    hacked = tmp_path / "report.html"
    html = html.replace(
        "<h1>", "<script>window.hacked = true</script><h1 onclick='hacked=true'>", 1
    )
    hacked.write_text(html, encoding="utf-8")
    with opened(browser, hacked) as page:
        page.locator("h1").click()
        assert page.evaluate("typeof window.hacked") == "undefined"
        assert page.locator(".player").is_visible()


@EVERY
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(
    browser: Browser, pages: dict[str, Path], name: str, scheme: Literal["light", "dark"]
) -> None:
    with opened(browser, pages[name], color_scheme=scheme) as page:
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa"]}}
        results = Axe().run(page, options=rules)
        assert results.violations_count == 0, results.generate_report()
        assert len(results.response["passes"]) > 5


def test_it_is_dark_where_people_want_it_dark(browser: Browser, pages: dict[str, Path]) -> None:
    shade = "getComputedStyle(document.body).backgroundColor"
    seen = []
    for scheme in ("light", "dark"):
        with opened(browser, pages["four"], color_scheme=scheme) as page:
            seen.append(sum(map(int, page.evaluate(shade)[4:-1].split(","))))
    assert seen[0] > 600
    assert seen[1] < 150


@REPORTS
def test_everything_can_be_reached_with_the_keyboard(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    with opened(browser, pages[name]) as page:
        wanted = page.locator(FOCUSABLE).evaluate_all(
            "all => all.filter(one => one.checkVisibility()).map((one, at) => one.dataset.key = at)"
        )
        reached = set()
        for _ in range(len(wanted) + 5):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.dataset.key ?? null"))
        assert {str(key) for key in wanted} <= reached


def test_a_details_opens_with_the_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    with opened(browser, pages["four"]) as page:
        table = page.get_by_role("region", name="The sequence diagram as a table")
        assert table.is_hidden()
        page.get_by_text("The same as a table").focus()
        page.keyboard.press("Enter")
        assert table.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_line_of_a_stream_looks_in_the_key_as_in_the_plots(
    browser: Browser, pages: dict[str, Path], scheme: Literal["light", "dark"]
) -> None:
    look = """all => all.map(one => {
      const style = getComputedStyle(one);
      return [style.stroke, style.strokeDasharray, style.fill];
    })"""
    with opened(browser, pages["streams"], color_scheme=scheme) as page:
        looks = [
            page.get_by_role("region", name=name, exact=True).locator(".curve").evaluate_all(look)
            for name in ("Streams", "Plot of jitter", "Plot of the loss of streams")
        ]
    assert len(looks[0]) == 2
    assert looks[0][0] != looks[0][1]
    assert looks[1] == looks[2] == looks[0]


@REPORTS
def test_the_names_stay_in_sight(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name], viewport={"width": 600, "height": 700}) as page:
        box = page.get_by_role("region", name="Sequence diagram", exact=True)
        before = page.locator(".names").bounding_box()
        box.evaluate("box => box.scrollTo(0, 500)")
        after = page.locator(".names").bounding_box()
        assert before is not None
        assert after is not None
        assert box.evaluate("box => box.scrollTop") == 500
        assert after["y"] == before["y"]


@REPORTS
def test_no_two_labels_of_the_diagram_cover_each_other(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    with opened(browser, pages[name], viewport={"width": 1280, "height": 900}) as page:
        boxes = page.locator(".names text, .sequence > div:last-child text").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect())"
            ".map(box => [box.left, box.right, box.top + 1, box.bottom - 1])"
        )
        boxes.sort(key=lambda box: box[2])
        for place, (left, right, _, bottom) in enumerate(boxes):
            for other in boxes[place + 1 :]:
                if other[2] >= bottom:
                    break
                assert other[0] >= right or other[1] <= left


@REPORTS
def test_it_can_be_printed(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with opened(browser, pages[name], viewport={"width": 700, "height": 900}) as page:
        page.emulate_media(media="print")
        assert page.locator(".player").is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= 705
        cut = page.locator(".sequence").evaluate("one => one.getBoundingClientRect().right")
        assert cut <= 705
        assert page.pdf()[:5] == b"%PDF-"
