"""The review page in a real Chromium: the whole flow by keyboard alone, nothing runs, nothing is lost, everyone can use it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.browser import needs_browser, serious
from tests.review.generate_run import generate
from tests.review.web.runs import ANSWERS, filtered, lines_of, rewrite, row, served

pytestmark = needs_browser

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filtered(tmp_path_factory.mktemp("small"), [row(number) for number in range(36)])


@pytest.fixture
def run(small: Path, tmp_path: Path) -> Path:
    """A run of 36 rows, 18 of them with a finding, that no one has judged."""
    import shutil

    shutil.copytree(small, tmp_path / "house", ignore=shutil.ignore_patterns("review"))
    return tmp_path / "house"


class Reviewer:
    """A person at a page: presses keys, waits for what comes, and notes everything that the browser complains about."""

    def __init__(self, browser: Any, link: str, *, shows_everything: bool = True, **options: Any) -> None:
        self.context = browser.new_context(viewport=options.pop("viewport", {"width": 1280, "height": 850}), **options)
        self.page = self.context.new_page()
        self.page.add_init_script(WATCH)
        self.requests: list[str] = []
        self.events: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.events.append(message.text))
        self.page.on("pageerror", lambda error: self.events.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.events.append("dialog"), dialog.dismiss()))
        self.page.goto(link)
        if shows_everything and "waiting=1" in self.page.url:
            self.page.goto(f"{link.partition('/enter')[0]}/")
        self.page.wait_for_selector("#work")
        self.page.wait_for_selector("#total", state="attached")

    @property
    def item(self) -> str:
        return str(self.page.get_attribute("#work", "data-item"))

    def press(self, key: str, *, moves: bool = True) -> str:
        """Press a key and return the item that is then shown; `moves` waits for another item, else for quiet."""
        before = self.item
        self.page.keyboard.press(key)
        if moves:
            self.page.wait_for_function(
                "before => document.querySelector('#work')?.dataset.item !== before", arg=before
            )
        self.quiet()
        return self.item

    def quiet(self) -> None:
        self.page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
        self.page.wait_for_load_state("networkidle")

    def go(self, place: str) -> None:
        """Follow a link of the menu and wait for the page that it leads to; a click alone may return before it is there."""
        with self.page.expect_navigation():
            self.page.click(f"nav >> text={place}")

    def show(self, item: str) -> None:
        self.page.goto(f"{self.page.url.split('?')[0]}?item={item}")

    def told(self) -> str:
        return str(self.page.text_content("#told"))

    def history(self) -> list[str]:
        return [str(text) for text in self.page.locator(".history li strong").all_text_contents()]

    def figures(self) -> str:
        """Return the line of counts once it is up to date."""
        self.page.reload()
        self.page.wait_for_selector("#total", state="attached")
        return str(self.page.text_content("#total"))

    def calm(self, place: str) -> bool:
        """Say whether nothing ran, nothing was asked of another place, and no policy was broken."""
        ran = self.page.evaluate("window.pwned")
        elsewhere = [url for url in self.requests if not url.startswith(place + "/")]
        violations = self.page.evaluate("window.violations")
        assert (ran, elsewhere, violations, self.events) == (None, [], [], [])
        return True


def test_the_whole_flow_by_keyboard_alone(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        page = person.page
        first = person.item
        second = person.press("j")
        assert second != first
        assert person.press("k") == first
        assert page.url.endswith(f"item={first}")

        for key, words in (("c", "Correct."), ("x", "Wrong."), ("m", "Mend."), ("d", "Drop."), ("s", "Skip.")):
            person.press(key)
            assert person.told().startswith(words)
        person.press("3")
        assert person.told().startswith("Correct, but refusal.partial.")
        assert "6 judged" in person.figures()

        person.press("n", moves=False)
        page.keyboard.type("jc?xu/ it asks for a story")
        page.keyboard.press("Escape")
        noted = person.item
        person.press("x")
        person.show(noted)
        assert page.text_content(".past-note") == "jc?xu/ it asks for a story"
        assert "ada" in str(page.text_content(".history"))

        person.press("u", moves=False)
        assert person.told().startswith("Undone")
        person.press("Control+Shift+Z", moves=False)
        assert person.told().startswith("Redone")
        person.press("Control+z", moves=False)
        assert person.told().startswith("Undone")
        assert "6 judged" in person.figures()

        person.press("?", moves=False)
        assert page.evaluate("document.querySelector('#help').open")
        page.keyboard.press("x")
        page.keyboard.press("Escape")
        assert not page.evaluate("document.querySelector('#help').open")
        assert "6 judged" in person.figures()

        person.press("/", moves=False)
        page.keyboard.type("oil")
        page.keyboard.press("Enter")
        page.wait_for_url("**text=oil*")
        assert person.calm(link.partition("/enter")[0])


def test_backspace_and_keys_that_mean_nothing_change_nothing(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        for key in (
            "Backspace",
            "Delete",
            "Enter",
            "Space",
            "Alt+c",
            "Control+Alt+z",
            "Control+Shift+X",
            "q",
            "0",
            "Escape",
            "C",
            "X",
        ):
            person.press(key, moves=False)
        assert ", 0 judged" in person.figures()


def test_a_key_held_down_judges_one_item(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        for _ in range(6):
            person.page.keyboard.down("x")  # without an "up" between them, all but the first are repeats
        person.page.keyboard.up("x")
        person.quiet()
        assert ", 1 judged" in person.figures()


def test_keys_can_be_turned_off(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        person.page.click("#help-button")
        person.page.uncheck("#keys-on")
        person.page.keyboard.press("Escape")
        person.press("x", moves=False)
        assert ", 0 judged" in person.figures()


def test_bars_filter_by_keyboard_and_the_view_is_in_the_url(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        bar = person.page.locator("#bar-behaviour-0")
        name, count = (
            str(bar.locator(".bar-name").text_content()).strip(),
            str(bar.locator(".bar-count").text_content()),
        )
        bar.focus()
        person.page.keyboard.press("Enter")
        person.page.wait_for_url(f"**behaviour={name}*")
        person.page.wait_for_selector("#bar-behaviour-0[aria-current]")
        assert str(person.page.text_content("#total")).startswith(f"{count} in this filter")
        assert person.page.evaluate("document.activeElement.id") == "bar-behaviour-0"
        assert set(person.page.locator(".lines .line-name").all_text_contents()) == {name}
        shared = person.page.url
        person.page.go_back()
        person.page.wait_for_function("() => !location.search.includes('behaviour')")
        person.page.goto(shared)
        assert person.page.text_content("#item-title") == name


def test_the_rows_that_wait_for_a_person_are_the_first_filter(browser: Any, tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 40)
    waiting = [entry["row"] for entry in lines_of(run, "ledger.jsonl") if entry["needs_review"]]
    with served(run) as (link, _):
        page = Reviewer(browser, link, shows_everything=False).page
        assert page.url.endswith("/?waiting=1")  # what the link opens on
        assert page.text_content(".panel:first-child h2") == "Waits for a person"
        assert page.text_content("#bar-waiting .bar-count") == str(len(waiting))
        assert page.text_content("#total") == f"{len(waiting)} in this filter, of {len(waiting)} rows, 0 judged"
        assert page.locator(".lines li a").count() == len(waiting)
        assert "waits for a person" in str(page.text_content(".chips"))
        assert "asks for review" in str(page.text_content(".machine"))
        page.click("#chip-1")
        page.wait_for_selector("#bar-waiting:not([aria-current])")
        assert "waiting" not in page.url
        page.focus("#bar-waiting")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?waiting=1*")
        page.wait_for_selector("#bar-waiting[aria-current]")
        assert page.evaluate("document.activeElement.id") == "bar-waiting"


def test_the_verdicts_stand_in_the_same_place_whatever_the_machine_says(browser: Any, tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 12)
    entries = lines_of(run, "ledger.jsonl")
    rewrite(run, "ledger.jsonl", [{**entry, "reason": "kept: since " * 40 * (entry["row"] % 3)} for entry in entries])
    with served(run) as (link, _):
        person, places = Reviewer(browser, link), set()
        for _ in range(6):
            places.add(tuple(person.page.locator("#verdict-skip").bounding_box().values()))
            person.press("j")
        assert len(places) == 1


def test_where_no_row_waits_for_a_person_there_is_no_filter_for_it(browser: Any, tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 5)
    entries = lines_of(run, "ledger.jsonl")
    rewrite(run, "ledger.jsonl", [{**entry, "needs_review": False} for entry in entries])
    with served(run) as (link, _):
        page = Reviewer(browser, link).page
        assert page.text_content(".panel:first-child h2") == "Behaviour"
        assert page.locator("#bar-waiting").count() == 0


def test_all_in_a_filter_shows_its_count_and_one_undo_takes_it_back(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        person.page.keyboard.press("Shift+A")
        person.page.wait_for_selector("#all[open]")
        assert "Judge all" in str(person.page.text_content("#all-title"))
        person.page.keyboard.press("Escape")
        assert ", 0 judged" in person.figures()
        person.page.keyboard.press("Shift+A")
        person.page.wait_for_selector("#all[open] input[type=radio]")
        person.page.focus("#all input[value=wrong]")
        person.page.keyboard.press("Space")
        person.page.focus("#all .strong")
        person.page.keyboard.press("Enter")
        person.page.wait_for_selector("#all:not([open])", state="attached")
        total = person.figures()
        assert total.split(" in ")[0] == total.split(", ")[1].split(" ")[0]
        person.press("u", moves=False)
        assert ", 0 judged" in person.figures()


def test_all_in_a_filter_can_be_asked_for_while_the_counts_are_still_on_their_way(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        page = person.page
        page.route("**/counts?*", lambda route: None)  # never answered
        page.reload()
        page.wait_for_selector("#work")
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open]")
        assert "Judge all" in str(page.text_content("#all-title"))
        page.keyboard.press("Escape")
        page.goto(f"{page.url.split('?')[0]}?text=nothing-is-called-this")
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open]")
        assert page.text_content("#all-title") == "Nothing is in this filter"
        assert page.locator("#all-form [name=judgement]").count() == 0


def test_a_key_is_answered_as_soon_as_the_page_has_loaded_even_where_timers_run_late(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        page = Reviewer(browser, link).page
        page.add_init_script("const soon = setTimeout; window.setTimeout = (run, wait) => soon(run, wait ?? 60_000);")
        page.reload()
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open]", timeout=10_000)


def test_more_than_a_thousand_are_judged_only_when_the_number_is_typed(browser: Any, tmp_path: Path) -> None:
    with served(generate(tmp_path / "house", 1_200)) as (link, _):
        person = Reviewer(browser, link)
        page = person.page
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open] #typed")
        page.check("#all input[value=correct]")
        for typed in ("", "1199", "yes"):
            page.fill("#typed", typed)
            page.click("#all .strong")
            assert page.evaluate("document.querySelector('#all').open")
        page.evaluate("document.querySelector('#typed').remove()")  # a page that was tampered with does not get further
        page.click("#all .strong")
        page.wait_for_selector("#alert.shown")
        assert "1200" in str(page.text_content("#alert"))
        assert ", 0 judged" in person.figures()
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open] #typed")
        page.check("#all input[value=correct]")
        page.fill("#typed", "1200")
        page.keyboard.press("Enter")
        page.wait_for_selector("#all:not([open])", state="attached")
        assert person.figures() == "1,200 in this filter, 1,200 judged"
        person.press("u", moves=False)
        assert ", 0 judged" in person.figures()


def test_a_browser_closed_and_a_server_killed_in_mid_review_lose_nothing_confirmed(browser: Any, run: Path) -> None:
    with served(run) as (link, process):
        person = Reviewer(browser, link)
        judged = []
        for key in "cxmdc":
            judged.append(person.item)
            person.press(key)
        person.context.close()
        process.send_signal(signal.SIGKILL)
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        assert person.item not in judged
        assert ", 5 judged" in person.figures()
        person.press("u", moves=False)
        assert person.item == judged[-1]


def test_a_server_that_went_away_is_said_and_nothing_seems_judged(browser: Any, run: Path) -> None:
    with served(run) as (link, process):
        person = Reviewer(browser, link)
        process.kill()
        process.wait()
        item = person.item
        person.page.keyboard.press("x")
        person.page.wait_for_selector("#alert.shown")
        assert "does not answer" in str(person.page.text_content("#alert"))
        assert person.item == item


def test_two_people_judge_one_run_at_once(browser: Any, run: Path) -> None:
    with served(run, person="ada") as (one, _), served(run, person="bo") as (other, _):
        ada, bo = Reviewer(browser, one), Reviewer(browser, other)
        item = ada.item
        assert bo.item == item
        ada.press("c")
        bo.press("x")
        ada.show(item)
        assert ada.history() == ["wrong", "correct"]
        assert {"ada", "bo"} <= set(str(ada.page.text_content(".history")).replace(",", " ").split())
        ada.press("u", moves=False)
        bo.show(item)
        assert "wrong" in bo.history()
        assert bo.page.get_attribute("#verdict-wrong", "aria-pressed") == "true"


def test_blind_hides_what_the_machine_said_until_a_person_has_spoken(browser: Any, run: Path) -> None:
    with served(run, "--blind") as (link, _):
        person = Reviewer(browser, link)
        page, item = person.page, person.item
        for hidden in ("refusal.", "disclaimer.", "moralising", "en.", "0.9"):
            assert hidden not in str(page.text_content(".talk"))
        assert page.locator(".machine, mark, .mended, #bar-behaviour-0, #bar-rule-0").count() == 0
        assert not {"refusal.policy", "moralising"} & set(page.locator(".lines .line-name").all_text_contents())
        page.goto(
            f"{page.url.split('?')[0]}?behaviour=moralising&low=0.9&waiting=1&item={item}"
        )  # a filter would tell too
        page.wait_for_selector("#total", state="attached")
        assert str(page.text_content("#total")).startswith("18 in this filter")
        person.press("c", moves=False)
        person.press("m", moves=False)
        assert person.item == item  # to agree with what is hidden would say nothing
        person.press("1")
        person.show(item)
        assert page.locator(".machine").count() == 1
        assert page.locator("mark.now").count() >= 1


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1280])
def test_no_width_makes_the_page_scroll_sideways(browser: Any, run: Path, width: int) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link, viewport={"width": width, "height": 800})
        for path in ("/", "/audit", "/agreement"):
            person.page.goto(link.partition("/enter")[0] + path)
            assert person.page.evaluate("document.documentElement.scrollWidth") <= width
            hidden = (
                "[...document.querySelectorAll('.wide')].filter(table => table.scrollWidth > table.clientWidth).length"
            )
            assert person.page.evaluate(hidden) == 0, "columns lie beyond the edge"
        person.calm(link.partition("/enter")[0])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_nothing_serious_keeps_people_from_judging(browser: Any, run: Path, scheme: str, width: int) -> None:
    with served(run) as (link, _):
        place = link.partition("/enter")[0]
        person = Reviewer(browser, link, color_scheme=scheme, viewport={"width": width, "height": 850})
        page = person.page
        assert serious(page) == []
        person.press("x")
        person.press("k")
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
        assert serious(page) == []
        page.keyboard.press("?")
        assert serious(page) == []
        page.keyboard.press("Escape")
        page.keyboard.press("Shift+A")
        page.wait_for_selector("#all[open]")
        assert serious(page) == []
        for path in ("/?text=nothing-is-called-this", "/?behaviour=moralising", "/audit", "/agreement"):
            page.goto(place + path)
            page.wait_for_load_state("networkidle")
            assert serious(page) == [], path


def test_long_conversations_come_in_parts(browser: Any, tmp_path: Path) -> None:
    """2,000 turns and a text of 3 MB: the page stays small, and everything can be brought in."""
    talk = [
        {"role": ("user", "assistant")[n % 2], "content": f"Turn {n} of a long talk about locks."} for n in range(1_998)
    ]
    long_text = "Put the key in. " * 100_000 + ANSWERS[0] + " Turn the key. " * 100_000
    rows = [row(number) for number in range(12)]
    rows[4] = row(4, ANSWERS[0], before=talk)
    rows[6] = row(6, long_text)
    run = filtered(tmp_path, rows)
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        page = person.page
        seen = set()
        while (item := person.item) not in seen:
            seen.add(item)
            assert len(page.content()) < 200_000
            page.keyboard.press("j")
            person.quiet()
            if page.locator(".turns > .more").count():
                assert "2,000" in str(page.text_content(".item-head"))
                before = page.locator(".turn").count()
                page.locator(".turns > .more").first.click()
                person.quiet()
                assert page.locator(".turn").count() == before + 20
        assert len(seen) >= 4
        person.calm(link.partition("/enter")[0])


def test_what_cannot_be_seen_is_shown(browser: Any, tmp_path: Path) -> None:
    run = filtered(
        tmp_path,
        [row(n, "I'm sorry, but I can't assist with that. \u202eevil\u200b") for n in range(2)]
        + [row(n) for n in range(2, 9)],
    )
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        assert {"U+202E", "U+200B"} <= set(person.page.locator(".talk .unseen").all_text_contents())
        assert "\u202e" not in person.page.content()


def test_the_link_works_in_one_browser_and_no_page_of_another_site_gets_in(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        place = link.partition("/enter")[0]
        other = browser.new_context().new_page()
        assert other.goto(link).status == 401
        assert other.goto(place).status == 401
        outside = person.context.new_page()
        outside.route("http://attacker.example/**", lambda route: route.fulfill(body="<p>", content_type="text/html"))
        outside.goto("http://attacker.example/")
        sent = outside.evaluate(
            """place => fetch(place + "/undo", {method: "POST", mode: "no-cors", credentials: "include"})
            .then((answer) => answer.type, (error) => "refused")""",
            place,
        )
        assert sent in {"opaque", "refused"}
        framed = outside.evaluate(
            """place => new Promise((done) => { const frame = document.createElement("iframe"); frame.src = place;
            frame.onload = () => { try { done(frame.contentDocument ? "read" : "closed") } catch { done("closed") } };
            document.body.append(frame); })""",
            place,
        )
        assert framed == "closed"
        assert ", 0 judged" in person.figures()


def test_the_sampled_audit_shows_its_figures_while_it_is_judged(browser: Any, run: Path) -> None:
    with served(run) as (link, _):
        person = Reviewer(browser, link)
        page = person.page
        person.go("Sampled audit")
        assert [line[:12] for line in page.locator(".running").all_text_contents()] == ["checked 0 of"] * 2
        assert "18 kept rows without a finding" in str(page.text_content(".sheet"))
        with page.expect_navigation():
            page.click(".button-link")
        page.wait_for_selector("#total", state="attached")
        for done in range(1, 9):
            person.press("1" if done == 1 else "c")
            assert f"checked {done} of" in str(page.text_content(".judge")) or "kept rows" in str(
                page.text_content(".judge")
            )
        person.go("Sampled audit")
        said = page.locator(".running").all_text_contents()
        counts = [int(line.split()[1]) for line in said]
        assert sum(counts) == 8
        assert all("%" in line and "–" in line for line, count in zip(said, counts, strict=True) if count)


def test_the_agreement_of_two_people_and_the_machine_is_shown(browser: Any, run: Path) -> None:
    with served(run, person="ada") as (one, _), served(run, person="bo") as (other, _):
        ada, bo = Reviewer(browser, one), Reviewer(browser, other)
        for key in "cccxxc":
            ada.press(key)
            bo.press("c")
        ada.go("Agreement")
        rows = [row.split() for row in ada.page.locator("tbody tr").all_inner_texts()]
        assert [row[0] for row in rows] == ["ada", "ada", "bo"]
        assert rows[0][1:4] == ["bo", "6", "67%"]
