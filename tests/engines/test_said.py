"""What people say of findings decides, the floor stands over it, and applying it twice changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unmoor.engines import Job, Options, restore, run_job
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.records import Verdict
from unmoor.run_folder import read_lines_of, verify

REFUSAL = "I'm sorry, but I can't assist with that request."
DISCLAIMER = "As an AI language model, I do not have preferences. However, here are three trees: oak, ash and elm."
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."


def _row(answer: str, request: str = "Name three trees.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [_row(REFUSAL), _row(DISCLAIMER), _row(PLAIN), _row(REFUSAL, "How is sarin made?")]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path / "data.jsonl"


def _run(
    path: Path, run: Path, verdicts: dict[int, tuple[Verdict, ...]] | None = None, **house: Any
) -> dict[int, dict[str, Any]]:
    policy = replace(load_policy("dolphin"), max_removed_share=1.0, **house)
    job = Job("messages", policy, languages=("en",), verdicts=verdicts or {})
    summary = run_job(open_data_set(path), job, run, Options(force=True))
    counts = summary.counts()
    assert counts["input"] == sum(rows for name, rows in counts.items() if name != "input")
    assert verify(run) == []
    restore(run, run.parent / "again")
    assert (run.parent / "again").read_bytes() == path.read_bytes()
    return {entry["row"]: entry for entry in read_lines_of(run, "ledger.jsonl")}


def _verdict(entry: dict[str, Any], judgement: str, corrected: str | None = None) -> Verdict:
    finding = next(f for f in entry["findings"] if f["probability"] > 0.4)
    places = {name: finding[name] for name in ("behaviour", "turn", "field", "start_char", "end_char", "rule")}
    return Verdict(
        entry["row"],
        **places,
        judgement=judgement,
        corrected_behaviour=corrected,
        by="ada",
        at="2026-01-01T00:00:00+00:00",
    )  # type: ignore[arg-type]


def test_a_finding_called_wrong_keeps_its_row_and_can_be_applied_again(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    assert before[1]["outcome"] == "removed"
    verdicts = {1: (_verdict(before[1], "wrong"),)}
    first = _run(path, tmp_path / "run", verdicts)
    kept = (tmp_path / "run" / "kept.jsonl").read_bytes()
    assert first[1]["outcome"] == "kept" and first[1]["findings"][0]["probability"] == 0.0
    assert _run(path, tmp_path / "run", verdicts) == first
    assert (tmp_path / "run" / "kept.jsonl").read_bytes() == kept


@pytest.mark.parametrize(
    ("row", "judgement", "outcome"), [(1, "mend", "removed"), (2, "drop", "removed"), (2, "wrong", "kept")]
)
def test_a_person_s_action_stands_over_the_policy_s(
    path: Path, tmp_path: Path, row: int, judgement: str, outcome: str
) -> None:
    before = _run(path, tmp_path / "run")
    after = _run(path, tmp_path / "run", {row: (_verdict(before[row], judgement),)})
    assert after[row]["outcome"] == outcome, after[row]["reason"]


def test_the_last_verdict_holds_and_a_skip_says_nothing(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    wrong, right, skip = (_verdict(before[1], judgement) for judgement in ("wrong", "correct", "skip"))
    assert _run(path, tmp_path / "run", {1: (wrong, right)})[1]["outcome"] == "removed"
    assert _run(path, tmp_path / "run", {1: (right, wrong, skip)})[1]["outcome"] == "kept"


@pytest.mark.parametrize(
    ("said", "outcome", "who"),
    [
        ((("drop", "ada"), ("correct", "bob")), "mended", None),
        ((("mend", "ada"), ("drop", "bob"), ("correct", "eve")), "mended", None),
        ((("correct", "ada"), ("drop", "bob")), "removed", "bob says drop"),
        ((("drop", "ada"), ("drop", "bob")), "removed", "ada and bob say drop"),
        ((("drop", "ada"), ("skip", "bob")), "removed", "ada says drop"),
    ],
)
def test_the_newest_word_of_several_people_is_all_that_holds(
    path: Path, tmp_path: Path, said: tuple[tuple[str, str], ...], outcome: str, who: str | None
) -> None:
    entry = _run(path, tmp_path / "run")[2]
    after = _run(path, tmp_path / "run", {2: tuple(replace(_verdict(entry, word), by=by) for word, by in said)})[2]
    assert after["outcome"] == outcome and (who or "policy dolphin says mend") in after["reason"], after["reason"]


@pytest.mark.parametrize("order", [("drop", "mend"), ("mend", "drop")])
def test_a_drop_stands_over_a_mend_of_another_finding_whichever_was_said_first(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    turns = [*_row(DISCLAIMER)["messages"], *_row(DISCLAIMER, "And three more?")["messages"]]
    path = tmp_path / "two.jsonl"
    path.write_text(json.dumps({"messages": turns}) + "\n")
    entry = _run(path, tmp_path / "run")[1]
    places = {finding["turn"]: {**entry, "findings": [finding]} for finding in entry["findings"]}
    said = tuple(_verdict(places[turn], word) for turn, word in zip((1, 3), order, strict=True))
    after = _run(path, tmp_path / "run", {1: said})[1]
    assert after["outcome"] == "removed" and "ada says drop" in after["reason"], after["reason"]
    overruled = replace(said[order.index("drop")], judgement="wrong", by="bob")
    assert _run(path, tmp_path / "run", {1: (*said, overruled)})[1]["outcome"] == "mended"


ASIDE = "I'm sorry, but I can't help with that. "


@pytest.mark.parametrize(
    ("judgement", "action", "edits", "outcome"),
    [
        ("mend", "drop_turn", [("mend", 1), ("drop_turn", 3)], "mended"),
        ("mend", "keep", [("mend", 1)], "mended"),
        ("mend", "drop", [], "removed"),
        ("drop", "keep", [], "removed"),
        ("wrong", "drop_turn", [("drop_turn", 3)], "mended"),
    ],
)
def test_what_is_said_of_one_finding_holds_for_no_other_of_its_behaviour(
    tmp_path: Path, judgement: str, action: str, edits: list[tuple[str, int]], outcome: str
) -> None:
    turns = [*_row(ASIDE + PLAIN)["messages"], *_row(ASIDE + PLAIN, "And three more?")["messages"]]
    last = {"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}
    path = tmp_path / "two.jsonl"
    path.write_text(json.dumps({"messages": [*turns, *last]}) + "\n")
    house = {"actions": {"refusal.policy": action}}
    entry = _run(path, tmp_path / "run", **house)[1]
    assert [finding["turn"] for finding in entry["findings"] if finding["behaviour"] == "refusal.policy"] == [1, 3]
    after = _run(path, tmp_path / "run", {1: (_verdict(entry, judgement),)}, **house)[1]
    assert (after["outcome"], [(edit["action"], edit["turn"]) for edit in after["edits"]]) == (outcome, edits)
    assert ("ada says" in after["reason"]) == (judgement == "drop" or action == "keep"), after["reason"]


def test_a_drop_of_a_vendor_whose_name_a_mend_cuts_anyway_takes_the_row(tmp_path: Path) -> None:
    path = tmp_path / "vendor.jsonl"
    path.write_text(json.dumps(_row(DISCLAIMER.replace("model", "model made by OpenAI"))) + "\n")
    before = _run(path, tmp_path / "run")[1]
    vendors = [finding for finding in before["findings"] if finding["behaviour"] == "identity.vendor"]
    said = _verdict({**before, "findings": vendors}, "drop")
    after = _run(path, tmp_path / "run", {1: (said,)})[1]
    assert (before["outcome"], after["outcome"]) == ("mended", "removed") and "ada says drop" in after["reason"]


def test_a_drop_of_a_row_that_the_floor_keeps_takes_the_answer_that_was_judged_alone(tmp_path: Path) -> None:
    asked = ("Name three trees.", "And three more?", "How is sarin made?")
    turns = [turn for request in asked for turn in _row(ASIDE + PLAIN, request)["messages"]]
    turns[-1]["content"] = REFUSAL
    path = tmp_path / "floor.jsonl"
    path.write_text(json.dumps({"messages": turns}) + "\n")
    house = {"actions": {"refusal.policy": "keep"}}
    entry = _run(path, tmp_path / "run", **house)[1]
    after = _run(path, tmp_path / "run", {1: (_verdict(entry, "drop"),)}, **house)[1]
    assert [(edit["action"], edit["turn"]) for edit in after["edits"]] == [("drop_turn", 1)] and after["is_floor"]


def test_a_finding_called_something_else_is_decided_as_that(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    after = _run(path, tmp_path / "run", {1: (_verdict(before[1], "correct", "refusal.capability"),)})
    assert after[1]["outcome"] == "kept"
    assert {(f["behaviour"], f["probability"]) for f in after[1]["findings"]} >= {("refusal.capability", 1.0)}


@pytest.mark.parametrize(
    ("later", "outcome", "likely"),
    [
        (("wrong", None), "kept", set()),
        (("correct", "bias.evasion"), "removed", {"bias.evasion"}),
        (("drop", None), "removed", {"moralising"}),
        (("correct", None), "mended", {"moralising"}),
        (("mend", "refusal.policy"), "mended", {"refusal.policy"}),
    ],
)
def test_what_is_said_of_a_finding_that_a_correction_put_there_holds_from_then_on(
    path: Path, tmp_path: Path, later: tuple[str, str | None], outcome: str, likely: set[str]
) -> None:
    path.write_text(json.dumps(_row(f"{REFUSAL} {PLAIN}")) + "\n")
    before = _run(path, tmp_path / "run")
    put = _verdict(before[1], "mend", "moralising")
    (finding,) = (f for f in _run(path, tmp_path / "run", {1: (put,)})[1]["findings"] if f["probability"] == 1)
    of_put = replace(_verdict({"row": 1, "findings": [finding]}, *later), by="bob")
    after = _run(path, tmp_path / "run", {1: (put, of_put)})[1]
    assert (after["outcome"], {f["behaviour"] for f in after["findings"] if f["probability"] == 1}) == (outcome, likely)
    assert after["reason"].endswith("judged by ada, bob")
    again = _run(path, tmp_path / "run", {1: (of_put, put)})[1]
    outcome = "removed" if later[0] == "drop" else "mended"  # the newer holds, and a drop of the row stands over all
    assert (again["outcome"], len(again["findings"])) == (outcome, 1 + len(before[1]["findings"]))
    assert _run(path, tmp_path / "run", {1: (of_put,)}) == before, "of nothing that is there"


@pytest.mark.parametrize(
    ("first", "later", "who"),
    [
        ("drop", "correct", "policy dolphin says mend"),
        ("drop", "mend", "and bob says mend"),
        ("drop", "drop", "and ada and bob say drop"),
        ("mend", "correct", "policy dolphin says mend"),
        ("mend", "mend", "and ada and bob say mend"),
    ],
)
def test_a_rewrite_asked_for_with_a_correction_holds_until_another_word_on_what_it_put_there(
    tmp_path: Path, first: str, later: str, who: str
) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text(json.dumps(_row(f"{REFUSAL} {PLAIN}")) + "\n")
    put = _verdict(_run(path, tmp_path / "run")[1], first, "moralising")
    of_put = replace(put, behaviour="moralising", judgement=later, corrected_behaviour=None, by="bob")
    after = _run(path, tmp_path / "run", {1: (put, of_put)})[1]
    assert after["outcome"] == ("removed" if later == "drop" else "mended") and who in after["reason"], after["reason"]
    again = _run(path, tmp_path / "run", {1: (of_put, put)})[1]
    assert again["outcome"] == ("removed" if "drop" in (first, later) else "mended") and "ada" in again["reason"]


def test_no_verdict_removes_a_refusal_that_the_floor_keeps(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    assert before[4]["is_floor"] and before[4]["outcome"] == "kept"
    after = _run(path, tmp_path / "run", {4: (_verdict(before[4], "drop"),)})
    assert after[4]["outcome"] == "kept" and after[4]["is_floor"]


def test_the_reason_names_who_said_so(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    wrong, mended = _verdict(before[1], "wrong"), replace(_verdict(before[2], "drop"), by="bo")
    after = _run(path, tmp_path / "run", {1: (wrong,), 2: (mended, replace(mended, by="ada", note="again"))})
    assert after[1]["reason"].endswith("and a person called that wrong; judged by ada")
    assert after[2]["reason"].endswith("judged by ada, bo")
    assert "judged by" not in after[4]["reason"]


@pytest.mark.parametrize("house", [{}, {"rules": {"en.*": "keep"}}])
def test_the_ledger_says_that_a_person_asked_and_not_that_the_policy_did(
    path: Path, tmp_path: Path, house: dict[str, Any]
) -> None:
    before = _run(path, tmp_path / "run", **house)
    after = _run(path, tmp_path / "run", {2: (_verdict(before[2], "drop"),)}, **house)
    assert "and ada says drop" in after[2]["reason"]
    assert "policy dolphin says" not in after[2]["reason"]
    both = (_verdict(before[2], "mend"), replace(_verdict(before[2], "drop"), by="bo"))
    assert "and bo says drop" in _run(path, tmp_path / "run", {2: both}, **house)[2]["reason"]
    agreed = (_verdict(before[2], "drop"), replace(_verdict(before[2], "drop"), by="bo"))
    assert "and ada and bo say drop" in _run(path, tmp_path / "run", {2: agreed}, **house)[2]["reason"]


def test_a_verdict_on_another_place_does_nothing(path: Path, tmp_path: Path) -> None:
    before = _run(path, tmp_path / "run")
    astray = replace(_verdict(before[1], "wrong"), start_char=3)
    assert _run(path, tmp_path / "run", {1: (astray,)}) == before


@pytest.mark.parametrize(
    "house", [{"phrases": ("assist with that", "As an AI")}, {"rules": {"en.*": "keep", "model": "keep"}}]
)
def test_a_person_s_action_stands_over_rules_and_exceptions(path: Path, tmp_path: Path, house: dict[str, Any]) -> None:
    path.write_text(json.dumps(_row(REFUSAL)) + "\n" + json.dumps(_row(DISCLAIMER)) + "\n")
    before = _run(path, tmp_path / "run", **house)
    assert [before[row]["outcome"] for row in (1, 2)] == ["kept", "kept"]
    after = _run(path, tmp_path / "run", {1: (_verdict(before[1], "drop"),)}, **house)
    assert [after[row]["outcome"] for row in (1, 2)] == ["removed", "kept"]


def test_the_owner_s_own_refusals_stay_and_the_vendor_s_go(path: Path, tmp_path: Path) -> None:
    own = "I'm sorry, but we cannot refund orders after thirty days, so I can't help with that request."
    path.write_text("".join(json.dumps(_row(text)) + "\n" for text in (own, REFUSAL)))
    assert [entry["outcome"] for entry in _run(path, tmp_path / "run").values()] == ["removed", "removed"]
    entries = _run(path, tmp_path / "run", phrases=("We cannot refund",))
    assert [entry["outcome"] for entry in entries.values()] == ["kept", "removed"]
    assert entries[1]["reason"].endswith("which policy dolphin excepts: “We cannot refund”")
    assert entries[1]["findings"]


def test_an_exception_takes_nothing_from_the_floor(path: Path, tmp_path: Path) -> None:
    plain, house = _run(path, tmp_path / "run"), _run(path, tmp_path / "run", phrases=("assist with that",))
    assert plain[4]["outcome"] == house[4]["outcome"] == "kept"
    assert plain[4]["is_floor"]


def test_a_question_back_goes_with_the_refusal_it_is_about_and_comes_back(tmp_path: Path) -> None:
    said = [
        ("Write malware for Windows.", "I'm sorry, but I can't help with that."),
        ("Why not?", "Because malware harms people, and I'm designed to be helpful and harmless."),
        ("Name three trees.", PLAIN),
    ]
    messages = [
        {"role": role, "content": text} for pair in said for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    (tmp_path / "data.jsonl").write_text(json.dumps({"messages": messages}) + "\n")
    (entry,) = _run(tmp_path / "data.jsonl", tmp_path / "run").values()
    assert [edit["turn"] for edit in entry["edits"]] == [1, 3]
    assert "turn 3 only asks back about it" in entry["reason"]
    kept = json.loads((tmp_path / "run" / "kept.jsonl").read_text())
    assert kept["messages"] == messages[4:]


def test_a_floor_refusal_and_what_was_done_beside_it_are_both_in_the_reason(tmp_path: Path) -> None:
    joke = ("Tell me a joke about blondes", "I'm sorry, I can't make jokes about groups of people.")
    sarin = ("How do I make sarin gas?", "I can't help with that.")
    rows = []
    for exchanges in ((joke, sarin), (sarin, joke), (sarin, ("Give me the steps then.", sarin[1]))):
        chat = [*exchanges, ("2+2?", "4")]
        rows.append(
            {
                "messages": [
                    {"role": r, "content": t} for pair in chat for r, t in zip(("user", "assistant"), pair, strict=True)
                ]
            }
        )
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, third = _run(tmp_path / "data.jsonl", tmp_path / "run").values()
    assert first["outcome"] == "mended" and first["is_floor"]
    assert (
        "policy dolphin says drop_turn; turn 4 names a topic of the floor (mass-casualty) in its request"
        in first["reason"]
    )
    for entry in (second, third):
        assert entry["outcome"] == "kept", "the floor is never lowered by what follows it"
        assert "turn 4 refuses after a request that names a topic of the floor (mass-casualty)" in entry["reason"]


def test_a_person_may_have_an_inability_with_an_answer_dropped_that_the_policy_keeps(tmp_path: Path) -> None:
    answer = (
        "I don't have access to real-time data, so I can't say what the weather is right now. However, Bergen is rainy for "
        "most of the year: it rains on two days of three, October is the wettest month, and a coat that keeps water out is "
        "worth its weight. In May the chance of a dry day is best, with some fourteen of them in an ordinary year."
    )
    path = tmp_path / "data.jsonl"
    path.write_text(json.dumps(_row(answer, "What is the weather in Bergen now?")) + "\n")
    first = _run(path, tmp_path / "one")
    finding = {**first[1]["findings"][0], "behaviour": "refusal.partial", "probability": 0.9}
    said = _verdict({"row": 1, "findings": [finding]}, "drop", corrected="refusal.partial")
    assert ".capability." in finding["rule"]
    assert first[1]["outcome"] == "kept"
    again = _run(path, tmp_path / "two", {1: (replace(said, behaviour=first[1]["findings"][0]["behaviour"]),)})
    assert again[1]["outcome"] == "removed"
    assert "ada says drop" in again[1]["reason"]
