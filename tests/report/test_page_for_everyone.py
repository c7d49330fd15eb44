"""The report can be used by everyone: axe-core finds nothing serious, in light and dark, on a desk and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser import needs_browser, serious
from tests.report import made_up
from unmoor.report import render_report

pytestmark = needs_browser


@pytest.mark.parametrize("kind", ["demo", "filter"])
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_nothing_serious_keeps_people_from_reading_the_report(
    browser: Any, tmp_path: Path, kind: str, scheme: str, width: int
) -> None:
    path = tmp_path / "report.html"
    path.write_bytes(render_report(made_up.facts(kind))[0])
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_the_check_would_notice_a_page_that_some_cannot_use(browser: Any) -> None:
    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'><button></button></body></html>")
    found = serious(page)
    assert any(line.startswith("image-alt") for line in found)
    assert any(line.startswith("button-name") for line in found)
