"""How long a person waits for the next item of a million findings, in a real browser, from the key to the text on the screen.

`python bench/review.py [FINDINGS]` makes a run, serves it by `unmoor review`, and presses keys in Chromium: next item in each order
and under filters, and verdicts, which also wait for the disk. The clock runs in the page, from the keydown to the frame after the
new item stands in it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import busy, machine, write_section

import report

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FINDINGS = 1_000_000
PRESSES = 120
CHROMIUM = "/usr/bin/chromium"
VIEWS = {
    "in file order": "",
    "most uncertain": "order=uncertain",
    "random sample": "order=random",
    "one behaviour, most uncertain": "behaviour=moralising&order=uncertain",
    "waiting for a person": "waiting=1",
    "waiting for a person, most uncertain": "waiting=1&order=uncertain",
    "one language, not judged": "language=sv&verdict=none",
    "searched": "text=Brest",
    "searched, most uncertain": "text=Brest&order=uncertain",
}

_PRESS = """(key) => new Promise((done) => {
    const before = document.querySelector("#work").dataset.item;
    const began = performance.now();
    const look = new MutationObserver(() => {
        const work = document.querySelector("#work");
        if (!work || work.dataset.item === before) return;
        look.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
    });
    look.observe(document.body, { childList: true, subtree: true });
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
})"""


def _times(page: Any, key: str) -> list[float]:
    times = []
    for _ in range(PRESSES):
        times.append(float(page.evaluate(_PRESS, key)))
        page.wait_for_function("() => !document.querySelector('.htmx-request')")
    return times


def _line(name: str, times: list[float]) -> str:
    late = statistics.quantiles(times, n=20)[18]
    return f"| {name} | {statistics.median(times):.0f} | {late:.0f} | {max(times):.0f} |"


def measure(findings: int = FINDINGS) -> list[str]:
    """Return the lines of the table: what was pressed, median, 95th percentile and slowest in milliseconds."""
    from playwright.sync_api import sync_playwright
    from tests.review.generate_run import generate
    from tests.review.web.runs import served

    lines = ["| next item | median ms | 95th percentile ms | slowest ms |", "|---|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder:
        run = generate(Path(folder) / "house", findings)
        began = time.perf_counter()
        with served(run) as (link, _), sync_playwright() as driver:
            ready = time.perf_counter() - began
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            page.goto(link)
            for name, query in VIEWS.items():
                page.goto(f"{link.partition('/enter')[0]}/?{query}")
                page.wait_for_selector("#total", state="attached", timeout=120_000)
                lines.append(_line(f"j, {name}", _times(page, "j")))
            page.goto(link.partition("/enter")[0])
            page.wait_for_selector("#total", state="attached", timeout=120_000)
            lines.append(_line("c, a verdict and the next item", _times(page, "c")))
            browser.close()
        size = sum(path.stat().st_size for path in (run / "review").iterdir())
    return [
        f"{findings:,} findings; indexed and served after {ready:.0f} s; {size / 1e6:,.0f} MB beside the run.",
        "",
        *lines,
    ]


def main() -> None:
    """Measure the page, and the report where no number is given, and write bench/results/review.md."""
    findings = int(sys.argv[1]) if len(sys.argv) > 1 else FINDINGS
    lines = measure(findings)
    print("\n".join(lines))
    if findings == FINDINGS:
        head = f"{machine()}; load {busy():.1f} at the end of the run."
        found = ["", "The report of a run of half a million rows, in the same browser:", "", *report.measure()]
        write_section("review", "Report and review page", [head, "", *lines, *found])


if __name__ == "__main__":
    main()
