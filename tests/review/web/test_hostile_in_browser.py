"""200 script-injection payloads in every field of a run, in the names of folder, file and policy, in person and note."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.browser import needs_browser
from tests.report.hostile import payloads
from tests.review.generate_run import generate
from tests.review.web.runs import lines_of, rewrite, served
from tests.review.web.test_page_in_browser import Reviewer

pytestmark = needs_browser
STEERING = {"outcome", "field", "action"}
"""Words of the ledger that say what a row is; a run in which they are anything else was altered, and only here."""


def poisoned(value: Any, payload: str) -> Any:
    """Return the entry with the payload in front of every text but the few that steer."""
    if isinstance(value, str):
        return payload + value
    if isinstance(value, list):
        return [poisoned(each, payload) for each in value]
    if isinstance(value, dict):
        return {name: each if name in STEERING else poisoned(each, payload) for name, each in value.items()}
    return value


def moved(entry: dict[str, Any], payload: str) -> dict[str, Any]:
    """Return the entry with its offsets behind the payload that now stands before the answer."""
    shift = len(payload)
    for finding in entry["findings"]:
        finding["end_char"] += shift
    for edit in entry["edits"]:
        edit["spans"] = [[start, end + shift] for start, end in edit["spans"]]
    entry.pop("before", None)
    return entry


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every entry of the ledger holds another payload in every text: ids, roles, behaviours, rules, languages, reasons."""
    folder = tmp_path_factory.mktemp("hostile")
    run = generate(folder / "plain", 200)
    every = list(payloads())
    assert len(every) == 200
    entries = [
        poisoned(moved(entry, payload), payload)
        for entry, payload in zip(lines_of(run, "ledger.jsonl"), every, strict=True)
    ]
    rewrite(run, "ledger.jsonl", entries)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["input"]["name"] = f"{every[0]}.jsonl"
    manifest["policy"] = {"name": every[1]}
    (run / "MANIFEST.json").write_text(json.dumps(manifest))
    return run.rename(folder / "<img src=x onerror=window.pwned=1>")


def test_two_hundred_payloads_in_every_field_run_nothing_and_ask_for_nothing(browser: Any, hostile_run: Path) -> None:
    who = "<svg onload=window.pwned=1>"
    with served(hostile_run, person=who) as (link, _):
        place = link.partition("/enter")[0]
        person = Reviewer(browser, link)
        page, seen = person.page, set()
        for number, payload in enumerate(payloads()):
            seen.add(person.item)
            page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
            if number % 10 == 0:
                page.fill("#note", payload.replace("\x00", ""))
                item = person.item
                page.keyboard.press("Escape")
                person.press("x")
                person.press("u", moves=False)
                person.press("Control+Shift+Z", moves=False)
                person.show(item)
                page.wait_for_selector(".history")
                person.calm(place)
            if number < 199:
                person.press("j")
        assert len(seen) == 200
        person.calm(place)


def test_payloads_in_the_address_are_text_too(browser: Any, hostile_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "house"
    shutil.copytree(hostile_run, run)
    with served(run, "--blind") as (link, _):
        place = link.partition("/enter")[0]
        person = Reviewer(browser, link)
        for index, payload in enumerate(list(payloads())[::8]):
            word = quote(payload.encode("utf-8", "replace"))
            names = ("text", "behaviour", "rule", "language", "order", "verdict", "item", "low", word)
            for name in names[index % 3 :: 3]:
                answer = person.page.goto(f"{place}/?{name}={word}")
                assert answer.status in {200, 409}
                if answer.status == 409:
                    assert answer.headers["content-type"].startswith("text/plain")
            person.events = [event for event in person.events if "409" not in event]
            person.calm(place)
        for path in (
            "/../../etc/passwd",
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/htmx-LICENSE.txt",
            "/house/ledger.jsonl",
        ):
            assert person.page.goto(place + path).status == 404


def test_the_watch_would_notice_a_script_that_runs(browser: Any, hostile_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "house"
    shutil.copytree(hostile_run, run)
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        person.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/none onerror=window.pwned=1>')")
        person.page.wait_for_function("() => window.violations.length")
        with pytest.raises(AssertionError):
            person.calm(link.partition("/enter")[0])
