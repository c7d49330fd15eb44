"""The page in a real Chromium: nothing runs, nothing is requested, nothing is wider than the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import needs_browser
from tests.report import made_up
from tests.report.hostile import payloads, poisoned
from unmoor.report import render_report

pytestmark = needs_browser


class Watched:
    """A page that notes every request, dialogue and message of the console."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.requests: list[str] = []
        self.events: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.events.append(message.text))
        self.page.on("pageerror", lambda error: self.events.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.events.append("dialog"), dialog.dismiss()))

    def visit(self, path: Path) -> None:
        self.requests.clear()
        self.page.goto(path.as_uri())


def test_two_hundred_payloads_execute_nothing_and_request_nothing(browser: Any, tmp_path: Path) -> None:
    built = {**made_up.facts("filter", rows=90), "evaluation": None, "training": None}
    watched = Watched(browser)
    path = tmp_path / "report.html"
    for number, payload in enumerate(payloads()):
        path.write_bytes(render_report(poisoned(built, payload))[0])
        watched.visit(path)
        watched.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        assert watched.page.evaluate("window.pwned") is None, payload
        assert watched.requests == [path.as_uri()], payload
        assert watched.events == [], (number, payload)


def test_the_watch_would_notice_a_script_that_runs(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "unsafe.html"
    path.write_text("<img src=x onerror=window.pwned=1>")
    watched = Watched(browser)
    watched.visit(path)
    watched.page.wait_for_function("window.pwned === 1")
    assert len(watched.requests) == 2


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_width_makes_the_page_scroll_sideways(browser: Any, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render_report(made_up.facts("demo"))[0])
    watched = Watched(browser, viewport={"width": width, "height": 900})
    watched.visit(path)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.events == []


@pytest.mark.parametrize("width", [390, 1280])
def test_no_label_of_a_plot_is_cut_off(browser: Any, tmp_path: Path, width: int) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render_report(made_up.facts("demo"))[0])
    watched = Watched(browser, viewport={"width": width, "height": 900})
    watched.visit(path)
    cut = watched.page.evaluate(
        """() => [...document.querySelectorAll("svg.plot")].flatMap((plot) => {
            const { left, right } = plot.getBoundingClientRect();
            return [...plot.querySelectorAll("text")].filter((label) => {
                const place = label.getBoundingClientRect();
                return place.left < left - 8 || place.right > right + 8;
            }).map((label) => label.textContent);
        })"""
    )
    assert watched.page.locator("svg.plot text").count() > 20
    assert cut == []
    assert watched.page.evaluate("getComputedStyle(document.querySelector('svg.plot')).overflow") == "visible"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_against_its_ground(browser: Any, tmp_path: Path, scheme: str) -> None:
    """At least 4.5 to 1, the WCAG 2.2 level AA minimum, for each colour that text is set in."""
    path = tmp_path / "report.html"
    path.write_bytes(render_report(made_up.facts("demo"))[0])
    watched = Watched(browser, color_scheme=scheme)
    watched.visit(path)
    colours = {
        name: watched.page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
        for name in ("paper", "raised", "tint", "ink", "soft", "accent")
    }
    pairs = [(text, ground) for text in ("ink", "soft") for ground in ("paper", "raised")]
    for text, ground in [*pairs, ("ink", "tint"), ("accent", "paper"), ("accent", "raised"), ("accent", "tint")]:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


def _contrast(first: str, second: str) -> float:
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_printed_page_shows_what_was_folded(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render_report(made_up.facts("demo"))[0])
    watched = Watched(browser)
    watched.visit(path)
    watched.page.emulate_media(media="print")
    assert watched.page.locator("#examples details").last.locator(".card").first.bounding_box() is not None
