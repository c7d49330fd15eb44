"""The queue over a run: walked in every order without a gap, judged by several people, taken back to where it began."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.review.generate_run import generate
from tests.review.web.runs import lines_of, rewrite
from unmoor.errors import RunFolderError, UsageError
from unmoor.records import BEHAVIOURS, Conversation, Turn
from unmoor.records.verdict import JUDGEMENTS
from unmoor.review.agreement import NO_FINDING
from unmoor.review.audit import UNLIKELY, audit_lines
from unmoor.review.item import conversation_of
from unmoor.review.store import Store, View
from unmoor.review.web.desk import Desk, all_dialog, decide, home_of, item_fragment
from unmoor.review.web.filters import orders, panels
from unmoor.review.web.sheet import sheet_of


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return generate(tmp_path / "house", 60)


@pytest.fixture
def store(run: Path) -> Iterator[Store]:
    opened = Store.open(run, "ada")
    yield opened
    opened.close()


def walk(store: Store, view: View, direction: int = 1) -> list[int]:
    found: list[int] = []
    while (item := store.next(view, found[-1] if found else None, direction)) is not None:
        found.append(item)
    return found


@pytest.mark.parametrize(
    ("turn", "start", "quote", "said", "first"),
    [
        (3, 20, "no", ["And doors?", "I say no"], 2),
        (3, 90, "far away", ["And doors?", "far away"], 2),
        (1, 0, "Sorry", ["Sorry"], 1),
        (9, 20, "no", ["no"], 9),
    ],
)
def test_an_excerpt_shows_no_request_of_another_turn_and_counts_turns_as_the_ledger_does(
    turn: int, start: int, quote: str, said: list[str], first: int
) -> None:
    place = {"turn": turn, "start_char": start, "end_char": start + len(quote), "quote": quote, "field": "text"}
    finding = {"behaviour": "moralising", "rule": "r", "detector": "d", "language": "en", "probability": 0.9, **place}
    told = {"turn": 3, "request": "And doors?", "answer": "I say no", "answer_offset": 14, "answer_chars": 400}
    shown = conversation_of({"findings": [finding], "edits": [], **told}, 0, None, None)
    assert [each.text for each in shown.turns] == said and shown.missing
    assert shown.first_turn == first and shown.first_turn + shown.finding.turn == turn
    now = shown.finding
    assert shown.turns[now.turn].text[now.start_char : now.end_char] == quote


@pytest.mark.parametrize("order", ["row", "uncertain", "random"])
def test_every_order_meets_each_item_once_and_back_again(store: Store, order: str) -> None:
    view = View(order=order)
    forth = walk(store, view)
    assert sorted(forth) == list(range(1, 61))
    assert walk(store, view, -1) == forth[::-1]
    assert [line.id for line in store.page(view, None, 100)] == forth
    assert [line.id for line in store.page(view, forth[9], 5)] == forth[10:15]


def test_the_most_uncertain_come_first(store: Store) -> None:
    doubts = [abs(store.line(item).probability - 0.5) for item in walk(store, View(order="uncertain"))]
    assert doubts == sorted(doubts)


def test_filters_find_what_the_ledger_holds(store: Store, run: Path) -> None:
    entries = lines_of(run, "ledger.jsonl")
    for name in {entry["findings"][0]["behaviour"] for entry in entries}:
        rows = [entry["row"] for entry in entries if entry["findings"][0]["behaviour"] == name]
        assert [store.line(item).row for item in walk(store, View(behaviour=name))] == rows
        assert store.counts(View(behaviour=name))["items"] == len(rows)
    unsure = [entry["row"] for entry in entries if 0.8 <= entry["findings"][0]["probability"] < 0.9]
    assert [store.line(item).row for item in walk(store, View(low=0.8, high=0.9))] == unsure


@pytest.mark.parametrize("order", ["row", "uncertain", "random"])
def test_what_waits_for_a_person_are_the_findings_of_the_rows_that_wait(store: Store, run: Path, order: str) -> None:
    entries = lines_of(run, "ledger.jsonl")
    rows = [entry["row"] for entry in entries if entry["needs_review"]]
    view = View(waiting=True, order=order)
    assert sorted(store.line(item).row for item in walk(store, view)) == rows != []
    assert walk(store, view, -1) == walk(store, view)[::-1]
    assert store.counts(View())["waiting_rows"] == store.counts(view)["waiting_rows"] == len(rows)
    refusing = [entry["row"] for entry in entries if entry["findings"][0]["behaviour"] == "refusal.policy"]
    assert store.counts(View("refusal.policy"))["waiting_rows"] == len(set(rows) & set(refusing))


def test_a_row_with_two_findings_waits_once(store: Store, run: Path) -> None:
    store.close()
    entries = lines_of(run, "ledger.jsonl")
    entries = [{**entry, "findings": entry["findings"] * 2, "needs_review": entry["row"] < 4} for entry in entries]
    rewrite(run, "ledger.jsonl", entries)
    newer = Store.open(run, "ada")
    assert len(walk(newer, View(waiting=True))) == 6
    assert newer.counts(View())["waiting_rows"] == 3
    newer.close()


def test_what_waits_are_the_findings_that_a_person_is_asked_about_not_the_others_of_their_rows(
    store: Store, run: Path
) -> None:
    store.close()
    entries = [
        {**entry, "findings": entry["findings"] * 3, "needs_review": entry["row"] < 4, "waits_for": [1]}
        for entry in lines_of(run, "ledger.jsonl")
    ]
    rewrite(run, "ledger.jsonl", entries)
    newer = Store.open(run, "ada")
    waiting = walk(newer, View(waiting=True))
    assert [(newer.line(item).row, item % 3) for item in waiting] == [(1, 2), (2, 2), (3, 2)]
    assert newer.counts(View())["waiting_rows"] == newer.counts(View(waiting=True))["waiting_rows"] == 3
    newer.close()


def test_the_page_opens_on_what_waits_where_something_does(store: Store, run: Path) -> None:
    assert home_of(store, is_blind=False) == "/?waiting=1"
    assert home_of(store, is_blind=True) == "/"
    store.close()
    rewrite(run, "ledger.jsonl", [{**entry, "needs_review": False} for entry in lines_of(run, "ledger.jsonl")])
    newer = Store.open(run, "ada")
    assert home_of(newer, is_blind=False) == "/"
    newer.close()


def test_the_audit_tells_unlikely_findings_apart_from_those_that_count(store: Store, run: Path) -> None:
    store.close()
    entries = lines_of(run, "ledger.jsonl")
    for number, entry in enumerate(entries):
        entry["needs_review"], (finding,) = False, entry["findings"]
        finding["probability"] = 0.3 if number < 30 else 0.9
    entries[0] |= {"needs_review": True, "waits_for": [0]}  # a policy that asks from 0.30 on
    entries[1] |= {"acted_on": [0]}  # or acts from there
    rewrite(run, "ledger.jsonl", entries)
    newer = Store.open(run, "ada")
    unlikely = [each for each in newer.audit() if each.outcome == UNLIKELY]
    assert sum(each.size for each in unlikely) == 28
    likely = [each for each in newer.audit() if each.outcome != UNLIKELY and each.behaviour != NO_FINDING]
    assert sum(each.size for each in likely) == len(entries) - 28
    for item in walk(newer, View(sample=True)):
        line = newer.line(item)
        newer.decide(item, "correct" if line.probability > 0.5 or line.row == entries[5]["row"] else "wrong")
    assert sum(each.right for each in newer.audit() if each.outcome == UNLIKELY) == 1
    found, _, last = audit_lines(newer.audit())
    assert found.startswith(f"checked {len(entries) - 28} of {len(entries) - 28} findings: ")
    assert last.startswith("checked 28 of 28 findings held for unlikely (under 0.50): 4% right all the same")
    assert sum(one.size for one in newer.drawn() if one.behaviour != NO_FINDING) == len(entries) - 28
    newer.close()


def test_an_audit_offers_no_verdict_that_rewrites_rows(run: Path) -> None:
    manifest = json.loads((run / "MANIFEST.json").read_text(encoding="utf-8"))
    for kind, offered in (
        ("filter", ["correct", "wrong", "mend", "drop", "skip"]),
        ("audit", ["correct", "wrong", "skip"]),
    ):
        (run / "MANIFEST.json").write_text(json.dumps({**manifest, "kind": kind}), encoding="utf-8")
        store = Store.open(run, "ada")
        page = item_fragment(Desk(store, "house", "ada", is_blind=False), {"item": "1"}).body
        assert re.findall(r'name="judgement" value="(\w+)"', page) == offered
        store.close()


def test_what_is_reasoned_is_offered_no_mend(run: Path) -> None:
    first, *others = lines_of(run, "ledger.jsonl")
    (finding,) = first["findings"]
    rewrite(run, "ledger.jsonl", [{**first, "findings": [{**finding, "is_reasoning": True}]}, *others])
    store = Store.open(run, "ada")
    page = item_fragment(Desk(store, "house", "ada", is_blind=False), {"item": "1"}).body
    assert re.findall(r'name="judgement" value="(\w+)"', page) == ["correct", "wrong", "drop", "skip"]
    store.close()


def test_of_a_row_with_several_findings_the_page_says_what_followed_from_this_one(run: Path) -> None:
    first, second, *others = lines_of(run, "ledger.jsonl")
    first |= {"findings": first["findings"] * 3, "acted_on": [1], "left_alone": {"threshold": [0], "floor": [2]}}
    second |= {"acted_on": [], "left_alone": {"threshold": [0]}}
    rewrite(run, "ledger.jsonl", [first, second, *others])
    store = Store.open(run, "ada")
    desk = Desk(store, "house", "ada", is_blind=False)
    pages = [item_fragment(desk, {"item": str(number)}).body for number in (1, 2, 3, 4)]
    said = [re.findall(r"<dt>This finding</dt><dd>([^<]+)</dd>", page) for page in pages]
    assert said == [["left alone: under the threshold"], ["acted on"], ["left alone: held by the floor"], []]
    blind = item_fragment(Desk(store, "house", "ada", is_blind=True), {"item": "1"}).body
    assert "This finding" not in blind
    store.close()


def test_all_in_a_filter_is_mended_or_dropped_only_where_each_item_can_be(run: Path) -> None:
    manifest = json.loads((run / "MANIFEST.json").read_text(encoding="utf-8"))
    saying = ["correct", "wrong", "skip"]
    for kind, query, offered in (
        ("filter", {}, ["correct", "wrong", "mend", "drop", "skip"]),
        ("filter", {"sample": "1"}, saying),
        ("filter", {"sample": "1", "behaviour": "moralising"}, ["correct", "wrong", "mend", "drop", "skip"]),
        ("audit", {}, saying),
    ):
        (run / "MANIFEST.json").write_text(json.dumps({**manifest, "kind": kind}), encoding="utf-8")
        store = Store.open(run, "ada")
        page = all_dialog(Desk(store, "house", "ada", is_blind=False), query).body
        store.close()
        assert re.findall(r'name="judgement" value="(\w+)"', page) == offered, (kind, query)


@pytest.mark.parametrize("judgement", ["mend", "drop"])
def test_where_nothing_was_found_nothing_is_mended_or_dropped(store: Store, judgement: str) -> None:
    sample = View(sample=True)
    with pytest.raises(UsageError, match=f"nothing to {judgement}"):
        store.decide(unfound(store)[0], judgement)
    with pytest.raises(UsageError, match="Nothing was changed"):
        store.decide_all(sample, judgement, expected_count=store.counts(sample)["items"])
    assert list(store.verdicts()) == []


def test_what_is_said_of_rows_without_a_finding_is_no_verdict_to_apply(store: Store, run: Path) -> None:
    for item in unfound(store):
        store.decide(item, "correct", corrected_behaviour="moralising")
    store.decide(1, "wrong")
    assert set(store.verdicts_by_row()) == {store.line(1).row}
    store.close()
    rewrite(run, "ledger.jsonl", lines_of(run, "ledger.jsonl")[1:])
    newer = Store.open(run, "ada")
    assert [each.row for each in newer.stale()] == [1]
    newer.close()


def test_where_no_row_waits_any_more_its_bar_is_empty(store: Store) -> None:
    view = View(waiting=True, text="no such words")
    assert [(bar.count, bar.share) for bar in panels(view, store.counts(view))[0].bars] == [(0, 0)]


def test_headings_leave_no_level_out(store: Store) -> None:
    page = item_fragment(Desk(store, "house", "ada", is_blind=False), {"item": "1"}).body
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert all(level <= before + 1 for before, level in pairwise(levels)), levels


def test_a_search_finds_words_and_takes_no_commands(store: Store, run: Path) -> None:
    rows = [entry["row"] for entry in lines_of(run, "ledger.jsonl") if "tides" in entry["request"]]
    assert [store.line(item).row for item in walk(store, View(text="tides BREST"))] == rows
    for text in ('"', "*", "NOT tides", "said:tides", "a OR b", "(", "NEAR(a b)", "';drop table items", "\x00", "^x"):
        assert store.counts(View(text=text))["items"] <= 60


def test_of_several_files_an_item_says_in_which_its_row_stands(run: Path) -> None:
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["inputs"] = [{"name": "chats.jsonl", "rows": 4}, {"name": "more.jsonl", "rows": 62}]
    (run / "MANIFEST.json").write_text(json.dumps(manifest))
    store = Store.open(run, "ada")
    shown = [sheet_of(store.item(number), is_blind=False) for number in walk(store, View())[3:5]]
    assert [(one.row, one.file) for one in shown] == [(4, "row 4 of chats.jsonl"), (5, "row 1 of more.jsonl")]
    page = item_fragment(Desk(store, "house", "ada", is_blind=False), {"item": str(shown[1].id)}).body
    assert "row 5 (row 1 of more.jsonl) · turn 2 of 2" in page
    store.close()


def test_of_one_file_an_item_names_none(store: Store) -> None:
    assert sheet_of(store.item(walk(store, View())[0]), is_blind=False).file == ""


def test_counts_add_up_in_every_way(store: Store) -> None:
    store.decide(3, "wrong")
    counts = store.counts(View())
    for name in ("behaviours", "languages", "rules", "outcomes", "verdicts"):
        assert sum(counts[name].values()) == counts["items"] == 60
    assert sum(counts["probability"]) == 60
    assert counts["verdicts"] == {"none": 59, "wrong": 1}


def read_row(raw: bytes) -> Conversation | None:
    if not raw.startswith(b"{"):
        return None
    return Conversation(tuple(Turn(each["role"], each["content"]) for each in json.loads(raw)["messages"]))


def test_the_whole_conversation_comes_from_the_row_and_else_the_ledger_s_excerpt(run: Path) -> None:
    whole, part = Store.open(run, "ada", read_row=read_row), Store.open(run, "ada")
    for item in walk(whole, View()):
        one, other = whole.item(item), part.item(item)
        assert one.turns == other.turns
        assert one.finding == other.finding
        said = one.turns[one.finding.turn].text
        assert said[one.finding.start_char : one.finding.end_char] == one.finding.quote
    (run / "removed.jsonl").write_text('{"messages": []}\n' * 40)
    assert all(whole.item(item).turns == part.item(item).turns for item in walk(whole, View()))


def unfound(store: Store) -> list[int]:
    """Return the items of the sampled audit in which nothing was found."""
    return [item for item in walk(store, View(sample=True)) if store.line(item).behaviour == NO_FINDING]


def test_none_of_them_agrees_with_a_machine_that_found_nothing(store: Store) -> None:
    desk, (first, *_) = Desk(store, "house", "ada", is_blind=True), unfound(store)
    answer = decide(desk, {"item": str(first), "judgement": "wrong", "view": "sample=1"})
    assert 'data-done="Correct."' in answer.body
    store.decide_all(rest := View(sample=True, verdict="none"), "wrong", expected_count=store.counts(rest)["items"])
    assert [each.right for each in store.audit() if each.behaviour == NO_FINDING] == [len(unfound(store))]
    assert all(each.right == 0 for each in store.audit() if each.behaviour != NO_FINDING)


def test_a_row_without_a_finding_shows_nothing_that_only_a_finding_has(store: Store) -> None:
    page = item_fragment(Desk(store, "house", "ada", is_blind=False), {"item": str(unfound(store)[0])}).body
    assert re.findall(r'name="judgement" value="(\w+)"', page) == ["correct", "skip"]
    assert "<dt>Decision" in page and "nothing was found in this row" in page
    assert not re.findall(r"<dt>(?:Probability|Rule)|· und", page)


def test_a_row_without_a_finding_stands_in_the_list_with_its_request_as_others_do(run: Path) -> None:
    store = Store.open(run, "ada", read_row=read_row)
    for item in unfound(store):
        shown = store.item(item)
        (asked,) = [turn.text for turn in shown.turns if turn.role == "user"]
        assert store.line(item).request == asked
    page = store.page(View(sample=True), None, 100)
    assert not [line.request for line in page if line.request.startswith("row ")]
    store.close()


def test_a_search_finds_rows_without_a_finding_by_their_words_as_it_does_others(run: Path) -> None:
    store = Store.open(run, "ada", read_row=read_row)
    for item in unfound(store):
        read = store.item(item)
        said = [turn.text for turn in read.turns if turn.role in {"user", "assistant"}]
        for text in said:
            words = re.sub(r"\W+", " ", text).split()[:6]
            assert item in walk(store, View(sample=True, text=" ".join(words))), words
    store.close()


def test_blind_no_filter_or_order_parts_the_sample_by_what_was_found(store: Store) -> None:
    desk = Desk(store, "house", "ada", is_blind=True)
    view = desk.view({"sample": "1", "language": "und", "order": "uncertain"})
    assert (view.sample, view.language, view.order) == (True, None, "random")
    assert [panel.title for panel in panels(view, store.counts(view))] == ["Verdict"]
    assert [value for value, *_ in orders(view)] == ["row", "random"]
    assert desk.view({"language": "en", "order": "uncertain"}).language == "en"


def test_all_in_a_blind_filter_can_only_be_none_of_them(store: Store) -> None:
    page = all_dialog(Desk(store, "house", "ada", is_blind=True), {}).body
    assert re.findall(r'value="(\w+)" required> ([\w ]+)<', page) == [("wrong", "None of them"), ("skip", "Skip")]


def test_blind_a_row_without_a_finding_looks_as_one_with_a_finding_does(store: Store) -> None:
    desk = Desk(store, "house", "ada", is_blind=True)
    heads = [
        re.sub(
            r"[\d,]+",
            "N",
            re.findall(r"<header.*?</header>", item_fragment(desk, {"item": str(item)}).body, re.DOTALL)[0],
        )
        for item in (1, unfound(store)[0])
    ]
    assert heads[0] == heads[1]


def test_blind_what_another_person_said_is_shown_only_once_one_has_judged(store: Store, run: Path) -> None:
    store.decide(1, "wrong", note="a quotation, see the policy")
    bo = Store.open(run, "bo")
    desk = Desk(bo, "house", "bo", is_blind=True)
    before = item_fragment(desk, {"item": "1"}).body
    bo.decide(1, "wrong")
    after = item_fragment(desk, {"item": "1"}).body
    bo.close()
    assert [("ada" in page, "a quotation" in page) for page in (before, after)] == [(False, False), (True, True)]


def test_a_verdict_says_who_when_and_why_and_stands_until_the_next(store: Store) -> None:
    store.decide(5, "wrong", note="a quotation")
    store.decide(5, "correct", corrected_behaviour="moralising")
    item = store.item(5)
    assert [(each.judgement, each.note, each.by) for each in item.history] == [
        ("wrong", "a quotation", "ada"),
        ("correct", "", "ada"),
    ]
    assert item.verdict == item.history[-1]
    assert store.verdicts_by_row() == {item.row: (item.history[-1],)}
    store.decide(5, "correct", corrected_behaviour=item.finding.behaviour)
    assert [each.corrected_behaviour for each in store.verdicts()] == [None], "another behaviour is not the same one"


def test_what_is_no_verdict_is_refused(store: Store) -> None:
    for judgement, behaviour in (("maybe", None), ("", None), ("correct", "made.up")):
        with pytest.raises(UsageError):
            store.decide(1, judgement, corrected_behaviour=behaviour)
    with pytest.raises(UsageError, match="no item 999"):
        store.decide(999, "wrong")
    assert list(store.verdicts()) == []


def test_two_people_have_a_verdict_each_and_undo_only_their_own(run: Path) -> None:
    ada, bo = Store.open(run, "ada"), Store.open(run, "bo")
    ada.decide(1, "correct")
    bo.decide(1, "wrong")
    assert [each.by for each in ada.item(1).history] == ["ada", "bo"]
    assert ada.undo() is not None
    assert ada.undo() is None
    found = bo.item(1)
    assert found.verdict is not None
    assert found.verdict.judgement == "wrong"
    assert ada.item(1).verdict is None
    assert bo.next(View(verdict="none"), None, 1) == 2


def test_two_processes_writing_at_once_lose_nothing(run: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from unmoor.review.store import Store\n"
        "store = Store.open(Path(sys.argv[1]), sys.argv[2])\n"
        "for item in range(1, 61): store.decide(item, 'wrong')"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, str(run), name]) for name in ("ada", "bo")]
    assert [process.wait() for process in both] == [0, 0]
    said = list(Store.open(run, "cy").verdicts())
    assert {(each.by, each.row) for each in said} == {(name, each.row) for each in said for name in ("ada", "bo")}
    assert len(said) == 120


def test_who_begins_at_the_same_moment_as_another_waits_for_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says at once that the file is locked where two make a record's tables, each holding what the other wants."""
    turned_away = []

    class Busy(sqlite3.Connection):
        def executescript(self, script: str, /) -> sqlite3.Cursor:
            if "table if not exists said" in script and len(turned_away) < 2:
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                turned_away.append(error)
                raise error
            return super().executescript(script)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Busy))
    store = Store.open(run, "ada")
    store.decide(1, "wrong")
    assert [verdict.judgement for verdict in store.verdicts()] == ["wrong"]
    assert len(turned_away) == 2


def test_everything_in_a_filter_is_one_batch_and_refused_if_the_filter_moved(store: Store) -> None:
    view = View(behaviour="refusal.policy", verdict="none")
    count = store.counts(view)["items"]
    with pytest.raises(UsageError, match="Nothing was changed"):
        store.decide_all(view, "drop", expected_count=count + 1)
    store.decide_all(view, "drop", expected_count=count)
    assert store.counts(View(verdict="drop"))["items"] == count > 1
    store.undo()
    assert store.counts(View(verdict="any"))["items"] == 0


def test_undo_and_redo_are_added_and_nothing_is_taken_out(store: Store) -> None:
    store.decide(1, "wrong")
    store.undo()
    store.redo()
    store.undo()
    kinds = [kind for (kind,) in store._database.execute("select kind from said order by id")]
    assert kinds == ["verdict", "undo", "redo", "undo"]
    store.decide(2, "wrong")
    assert store.redo() is None


def test_a_verdict_on_a_row_that_a_newer_run_holds_no_more_is_listed_and_not_applied(store: Store, run: Path) -> None:
    store.decide(1, "wrong")
    store.decide(2, "wrong")
    entries = lines_of(run, "ledger.jsonl")
    entries[0]["findings"][0]["quote"] = "other words"
    rewrite(run, "ledger.jsonl", entries)
    newer = Store.open(run, "ada")
    assert [each.row for each in newer.stale()] == [1]
    assert set(newer.verdicts_by_row()) == {2}
    assert newer.counts(View(verdict="any"))["items"] == 1


def test_an_index_of_another_ledger_or_a_broken_one_is_made_again(store: Store, run: Path) -> None:
    store.close()
    index = run / "review" / "index.sqlite"
    for broken in (b"", b"not a database", index.read_bytes()[:5000]):
        index.write_bytes(broken)
        assert Store.open(run, "ada").counts(View())["items"] == 60


def test_a_run_that_is_none_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(RunFolderError):
        Store.open(tmp_path / "nowhere", "ada")
    with pytest.raises(UsageError, match="--person"):
        Store.open(run, " ")
    (run / "ledger.jsonl").write_bytes((run / "ledger.jsonl").read_bytes()[:-9])
    with pytest.raises(RunFolderError, match="cut short"):
        Store.open(run, "ada")
    rewrite(run, "ledger.jsonl", [{"row": 1, "outcome": "kept"}, 7])
    with pytest.raises(RunFolderError, match=r"ledger\.jsonl:2"):
        Store.open(run, "ada")
    for broken in ({}, {"row": "x", "outcome": "kept"}, {"row": 1, "outcome": "kept", "findings": [{"rule": 1}]}):
        rewrite(run, "ledger.jsonl", [broken])
        with pytest.raises(RunFolderError, match=r"ledger\.jsonl:1"):
            Store.open(run, "ada")
    (run / "ledger.jsonl").write_bytes((run / "ledger.jsonl").read_bytes().replace(b"1", b"2"))
    with pytest.raises(RunFolderError, match="SHA-256"):
        Store.open(run, "ada")
    manifest = json.loads((run / "MANIFEST.json").read_text())
    (run / "MANIFEST.json").write_text(json.dumps(manifest | {"format_version": 99}))
    with pytest.raises(RunFolderError, match="another version"):
        Store.open(run, "ada")


def test_a_view_survives_its_query_and_nonsense_is_left_out() -> None:
    view = View(
        "moralising",
        "sv",
        "a.rule&x=1",
        "kept",
        "none",
        0.2,
        0.9,
        "random",
        "tides & time",
        sample=True,
        blind=True,
        waiting=True,
    )
    from urllib.parse import parse_qsl

    assert View.from_query(dict(parse_qsl(view.to_query()))) == view
    assert View().to_query() == ""
    nonsense = {
        "low": "nan",
        "high": "7",
        "order": "sideways",
        "verdict": "maybe",
        "blind": "yes",
        "color": "red",
        "text": "  ",
    }
    assert View.from_query(nonsense) == View()
    assert View.from_query({"text": "x" * 9_999}) == replace(View(), text="x" * 300)


class Session(RuleBasedStateMachine):
    """A random session of a person against a plain list of what they did: what stands, and undo all the way back."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.store = Store.open(generate(Path(self.folder.name) / "house", 12), "ada")
        self.done: list[dict[int, str]] = []
        self.undone: list[dict[int, str]] = []

    def standing(self) -> dict[int, str]:
        merged: dict[int, str] = {}
        for step in self.done:
            merged |= step
        return merged

    @rule(
        item=some.integers(1, 12),
        judgement=some.sampled_from(JUDGEMENTS),
        behaviour=some.sampled_from([None, *BEHAVIOURS]),
    )
    def judge(self, item: int, judgement: str, behaviour: str | None) -> None:
        self.store.decide(item, judgement, corrected_behaviour=behaviour)
        self.done.append({item: judgement})
        self.undone.clear()

    @rule(judgement=some.sampled_from(JUDGEMENTS), verdict=some.sampled_from([None, "none", "any", "wrong"]))
    def judge_all(self, judgement: str, verdict: str | None) -> None:
        items = [line.id for line in self.store.page(View(verdict=verdict), None, 100)]
        if items:
            self.store.decide_all(View(verdict=verdict), judgement, expected_count=len(items))
            self.done.append(dict.fromkeys(items, judgement))
            self.undone.clear()

    @rule()
    def undo(self) -> None:
        assert (self.store.undo() is None) == (not self.done)
        if self.done:
            self.undone.append(self.done.pop())

    @rule()
    def redo(self) -> None:
        assert (self.store.redo() is None) == (not self.undone)
        if self.undone:
            self.done.append(self.undone.pop())

    @precondition(lambda self: hasattr(self, "store"))
    @rule()
    def what_stands_is_what_was_said(self) -> None:
        lines = self.store.page(View(), None, 100)
        assert {line.id: line.verdict for line in lines if line.verdict} == self.standing()

    def teardown(self) -> None:
        """Undo all: the starting state."""
        if hasattr(self, "store"):
            while self.store.undo() is not None:
                pass
            assert list(self.store.verdicts()) == []
            assert self.store.counts(View())["verdicts"] == {"none": 12}
            assert all(self.store.item(item).history == () for item in range(1, 13))
            self.store.close()
            self.folder.cleanup()


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=6, stateful_step_count=100, deadline=None, derandomize=True)
