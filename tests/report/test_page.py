"""The page says what the facts say and nothing else, and no text in them becomes markup."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.report import made_up
from tests.report.hostile import payloads, poisoned
from unmoor.report import empty_facts, render_report, visible, write_report
from unmoor.report.plots import rates_plot

ALLOWED = set(
    """html head meta title style body header main footer section article nav div span p h1 h2 h3 h4 ul ol li dl dt dd a b strong em
    bdi q code pre time table caption thead tbody tr th td details summary mark del ins
    svg g path line rect text tspan circle desc""".split()  # noqa: SIM905  shorter than a list
)
VOID = {"meta"}


class Reader(HTMLParser):
    """Collects elements, attributes, and the text that is the page's own (neither data nor plots)."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[tuple[str, bool]] = []
        self.own_text: list[str] = []
        self.all_text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.elements.append((tag, values))
        if tag not in VOID:
            hidden = "data-text" in values or tag in ("style", "svg", "title") or (bool(self.open) and self.open[-1][1])
            self.open.append((tag, hidden))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1][0] == tag, f"</{tag}> closes <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.all_text.append(data)
        if self.open and not self.open[-1][1]:
            self.own_text.append(data)


def read(page: bytes | str) -> Reader:
    """Parse a page; every element must be closed in order."""
    reader = Reader()
    reader.feed(page if isinstance(page, str) else page.decode())
    reader.close()
    assert reader.open == []
    return reader


def assert_harmless(reader: Reader) -> None:
    """No element that could run or load anything, no event attribute, no address but places in the page itself."""
    for tag, attributes in reader.elements:
        assert tag in ALLOWED, tag
        for name, value in attributes.items():
            assert not name.startswith("on"), name
            assert name not in {"src", "srcdoc", "style", "action", "formaction", "data", "xlink:href", "ping"}, name
            if name == "href":
                assert re.fullmatch(r"#[a-z]+", value or ""), value


@pytest.fixture(scope="module", params=["audit", "filter", "demo"])
def facts(request: pytest.FixtureRequest) -> dict[str, Any]:
    return made_up.facts(request.param)


def test_the_page_is_well_formed_and_harmless(facts: dict[str, Any]) -> None:
    assert_harmless(read(render_report(facts)[0]))


def test_the_policy_of_the_page_allows_its_own_style_and_nothing_else(facts: dict[str, Any]) -> None:
    page = render_report(facts)[0].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none'; form-action 'none'",
        policy[1],
    )
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item)
            yield from ([float(key)] if key.isdigit() else [])
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)


def _printed(number: float) -> set[str]:
    """Return every way in which the page may print a number."""
    return {
        visible.whole(number),
        visible.share(number),
        visible.brief(number),
        visible.signed_p(number),
        visible.size(int(number)).split()[0],
        f"{number:.1f}",
        f"{number:.2f}",
        f"{number:.3f}",
    }


CONSTANTS = {"95%", "30", "0.1.0", "256"}
"""The level of the intervals, the fewest answers for a rate, the version, and the name of SHA-256."""


def test_every_number_on_the_page_is_in_report_json(facts: dict[str, Any]) -> None:
    page, numbers = render_report(facts)
    known = CONSTANTS | {facts["created"][:10]}.union(
        *(_printed(number) for number in set(_numbers(json.loads(numbers))))
    )
    text = " ".join(read(page).own_text)
    shown = re.findall(r"[<>]?\d[\d,]*(?:[.-]\d+)*%?", text)
    assert len(shown) > 60
    assert [number for number in shown if number.rstrip(",") not in known] == []


def test_each_section_is_there_when_its_facts_are() -> None:
    sections = {
        kind: {values["id"] for tag, values in read(render_report(made_up.facts(kind))[0]).elements if tag == "section"}
        for kind in ("audit", "demo")
    }
    assert sections["demo"] - sections["audit"] == {"mends", "training", "answers"}
    assert {"rows", "found", "wordlist", "where", "languages", "topics", "examples", "again"} <= sections["audit"]


def test_a_list_stands_beside_the_detectors_with_rows_to_judge_by() -> None:
    page = read(render_report(made_up.facts("audit"))[0])
    text = " ".join(" ".join(page.all_text).split())
    assert "Your list takes 30 rows for refusals; unmoor’s own detectors agree on 4 of them." in text
    assert "They find 2 refusals that the list misses." in text
    assert "Only your list the first of 26 rows" in text
    assert text.count("…an ETHICAL bank pays its dues…") + text.count("…an ETHICAL bank") >= 6
    without = {**made_up.facts("audit"), "wordlist": None}
    assert "Your list" not in " ".join(read(render_report(without)[0]).all_text)


@pytest.mark.parametrize(
    ("text", "phrase", "shown"),
    [
        ("An <b>ETHICAL</b> bank", "ethical", "An &lt;b&gt;<mark>ETHICAL</mark>&lt;/b&gt; bank"),
        ("An ethical bank, ethical", "ethical", "An <mark>ethical</mark> bank, ethical"),
        ("İ am ethical", "ethical", "İ am ethical"),
        ("I’m sorry", "i'm sorry", "I’m sorry"),
        ("One for a locksmith.", None, "One for a locksmith."),
    ],
)
def test_the_phrase_of_a_list_is_marked_where_it_stands_as_it_is_spelt(
    text: str, phrase: str | None, shown: str
) -> None:
    assert visible.with_phrase(text, phrase) == shown


RATE = [0.03, 0.01, 0.13]


def test_rows_of_several_layouts_are_all_named() -> None:
    facts = made_up.facts("filter")
    facts["input"] = {**facts["input"], "mixed_layouts": {"alpaca": 1_200, "sharegpt": 3}}
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    assert "layouts alpaca (1,200), sharegpt (3)" in text


def test_pairs_with_too_few_rows_are_folded_away_and_the_others_have_intervals() -> None:
    told = {
        "a": "men",
        "b": "women",
        "a_rows": 40,
        "a_found": 1,
        "b_rows": 41,
        "b_found": 2,
        "a_rate": RATE,
        "b_rate": RATE,
    }
    few = {**told, "a": "left", "b": "right", "a_rows": 4, "a_rate": None, "b_rate": None, "p_corrected": None}
    pairs = [
        {**told, "pair": "sexes", "treatment": "refused", "verdict": "differs", "p_corrected": 0.03},
        *({**few, "pair": "sides", "treatment": name, "verdict": "too few rows"} for name in ("hedged", "refused")),
    ]
    built = {**made_up.facts("audit"), "pairs": pairs, "pairs_min_rows": 30}
    text = " ".join(" ".join(read(render_report(built)[0]).all_text).split())
    assert "men / women refused 1 of 40 1.0%–13.0% 2 of 41 1.0%–13.0% 0.03 differs" in text
    assert text.count("left / right") == 1
    assert "left / right 4 and 41" in text
    only_few = " ".join(read(render_report({**built, "pairs": pairs[1:]})[0]).all_text)
    assert "No pair has 30 rows on both sides." in only_few


def test_every_section_is_a_link_away_and_every_link_leads_to_one(facts: dict[str, Any]) -> None:
    pair = {"a": "men", "b": "women", "treatment": "refused", "verdict": "no difference", "p_corrected": 1.0}
    counts = {"a_rows": 40, "a_found": 1, "b_rows": 41, "b_found": 2} | {"a_rate": RATE, "b_rate": RATE}
    files = [{"name": name, "rows": 9, "refusal_rows": 1, "removed": 1} for name in ("a.jsonl", "b.jsonl")]
    sources = {"source-a": facts["by_language"]["en"], "source-b": facts["by_language"]["en"]}
    facts = {**facts, "by_source": sources, "files": files, "pairs": [{**pair, **counts}], "pairs_min_rows": 30}
    elements = read(render_report(facts)[0]).elements
    sections = {values["id"] for _, values in elements if "id" in values}
    links = {(values["href"] or "")[1:] for tag, values in elements if tag == "a"}
    assert links == sections


def test_the_first_screen_says_found_done_and_learned_in_plain_words() -> None:
    text = " ".join(" ".join(read(render_report(made_up.facts("demo"))[0]).all_text).split())
    assert "What helpers.jsonl inherited" in text
    assert "of rows decline what was asked: 747 of 4,000." in text
    assert "of rows stay as they were, byte for byte. " in text and "487 more stay, changed; 632 are removed." in text
    assert "95% → 0%" in text


def test_the_first_screen_says_how_many_of_the_rows_that_stay_decline() -> None:
    facts = made_up.facts()
    facts["refusals"]["outcomes"] = {**facts["refusals"]["outcomes"], "kept": 41}
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    assert " 41 of these decline: what the policy, its thresholds or the floor keep." in text
    facts["refusals"]["outcomes"]["kept"] = 0
    facts["counts"] |= dict.fromkeys(("mended", "masked", "labelled"), 0)
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    assert "of these decline" not in text and "None was changed; 632 are removed." in text


def test_the_page_names_languages_of_which_nobody_labelled_data() -> None:
    facts = made_up.facts()
    facts["detectors"] = {"packs": {"en": {"tested": True}, "sv": {"tested": False}, "fi": {"tested": False}}}
    assert {"en", "sv"} <= set(facts["by_language"])
    page = render_report(facts)[0].decode()
    told = re.search(r'<p id="untested">.*?</p>', page, re.DOTALL)
    assert told
    assert "sv" in told.group()
    assert "there is no data that people, or judges who agree, have labelled" in told.group()
    assert "never measured" not in told.group()
    assert "en," not in told.group()
    assert "fi" not in told.group()
    assert 'id="untested"' not in render_report(made_up.facts())[0].decode()


def test_rows_without_an_answer_are_named_among_the_languages() -> None:
    facts = made_up.facts()
    table = facts["by_language"]
    facts["by_language"] = {"none": table["en"], "und": table["sv"]}
    names = re.findall(r'<th scope="row"><span class="name">([^<]*)</span>', render_report(facts)[0].decode())
    assert {"no answer to learn", "not recognised"} <= set(names)


@pytest.mark.parametrize(("unknown", "is_said"), [(4, True), (2, False), (0, False)])
def test_the_page_says_that_nothing_is_known_of_languages_without_a_pack(unknown: int, is_said: bool) -> None:
    facts = made_up.facts()
    one = facts["by_language"]["en"]
    facts["by_language"] = {"en": {**one, "rows": 100 - unknown}, "und": {**one, "rows": unknown}}
    page = render_report(facts)[0].decode()
    assert ("no language was recognised" in page) == is_said
    assert (f"In {unknown} of these rows ({unknown}.0%)" in page) == is_said
    assert ("too short to tell one, numbers or code, or in a language without a pack" in page) == is_said


def test_the_page_says_what_its_counts_are_of() -> None:
    said = "".join(read(render_report(made_up.facts("filter"))[0]).all_text)
    assert "each behaviour that it shows as likely as not or more, outside of reasoning" in said
    assert "of all rows that could be read went whole or lost an exchange, a request with its answer" in said
    assert "rows that show it in other turns alone are left out" in said


def test_the_page_says_for_what_rows_wait() -> None:
    found = made_up.facts("filter")
    page = read(render_report(found)[0])
    waiting = found["review"]["rows"]
    assert waiting and found["review"]["behaviours"] == {"refusal.policy": waiting}
    said = " ".join("".join(page.all_text).split())
    assert f"in the data meanwhile: {waiting} rows (refusal.policy in {waiting})." in said
    (shown, *_) = (one for one in found["examples"]["refusal.policy"] if one["needs_review"] and one["side"] == "kept")
    assert f"waiting for a person to judge refusal.policy {shown['waits_for'][0]['quote']} (0.62)" in said


def test_the_page_says_by_which_topics_the_policy_raised_the_floor() -> None:
    facts = {**made_up.facts("demo"), "floor": {"rows": 3}}
    for also, said in (
        ([], ": 3 rows"),
        (["fraud", "<drugs>"], " (the policy raises it by fraud, <drugs>): 3 rows"),
        (["*"], " (the policy raises it by every topic that the packs name): 3 rows"),
    ):
        facts["policy"] = {**facts["policy"], "floor": {"always": [], "also": also}}
        text = " ".join("".join(read(render_report(facts)[0]).all_text).split())
        assert f"Kept by the floor, for what they refuse{said}" in text, also


def test_a_filter_that_found_nothing_makes_a_page() -> None:
    built = made_up.facts("filter", rows=0)
    assert_harmless(read(render_report(built)[0]))


@pytest.mark.parametrize("part", ["training", "evaluation"])
def test_a_report_on_models_alone_makes_a_page(part: str) -> None:
    built = empty_facts("train", made_up.CREATED) | {part: getattr(made_up, part)()}
    page = render_report(built)[0]
    assert_harmless(read(page))
    is_trained = part == "training"
    assert (b"What the models learned" in page) == (b"The same recipe" in page) == is_trained
    assert (b"What the models answer" in page) == (b"Nothing is known here of what they" in page) == (not is_trained)
    assert b"trained on the data as it was" not in page and b"inherited</title>" not in page
    assert b"the same questions to each model" not in page


def test_rates_that_no_label_corrects_are_not_said_to_be_corrected() -> None:
    evaluation = made_up.evaluation()
    for few in (False, True):
        if few:
            for row in evaluation["people"]["rates"]:
                row.update(dict.fromkeys(("corrected", "low", "high")))
        page = render_report(empty_facts("evaluate", made_up.CREATED) | {"evaluation": evaluation})[0]
        assert (b"have these errors taken out" in page) == (not few)
        assert (b"No rate below is corrected: that takes 30 labels" in page) == few


def test_what_people_labelled_and_what_a_filter_may_miss_are_said_with_their_figures() -> None:
    built = empty_facts("evaluate", made_up.CREATED) | {"evaluation": made_up.evaluation()}
    page = render_report(built)[0]
    text = " ".join(" ".join(read(page).all_text).split())
    assert "sees 93.0% of the refusals (86.0% to 97.0%)" in text
    assert "53.1%" in text
    assert "A recall of 98% was enough, and 50% was not." in text
    assert "none of them seen in training" not in text
    assert b"share of the findings left in the data" in page
    assert "Check a sample by hand" not in text


def test_arms_of_a_dose_curve_crowd_neither_figures_nor_tables() -> None:
    built = made_up.facts("demo", rows=250)
    arms = [f"leak-{leak}-s7" for leak in (0, 0.1, 1)]
    evaluation, twins = built["evaluation"], built["training"]["twins"]
    for arm in arms:
        twins[arm] = {**twins["raw"], "leak": float(arm.split("-")[1]), "seed": 7}
        evaluation["models"].append(arm)
        evaluation["rates"] += [{**row, "model": arm} for row in evaluation["rates"] if row["model"] == "raw"]
        evaluation["paired"].append({**evaluation["paired"][0], "b": arm})
    page = render_report(built)[0].decode()
    section = page[page.index('id="answers"') :]
    assert "plain, filtered" in section
    assert not [arm for arm in arms if arm in section]
    evaluation["models"] = arms
    only_arms = render_report(built)
    section = only_arms[0].decode().split('id="answers"')[1]
    assert [arm in section for arm in arms] == [True, False, True]
    assert [json.loads(only_arms[1])["headline"]["model"][key]["name"] for key in ("first", "other")] == [
        arms[2],
        arms[0],
    ]


def test_two_hundred_payloads_in_every_field_stay_text() -> None:
    built = {**made_up.facts("demo", rows=250), "training": None}
    built["evaluation"] = {**built["evaluation"], "rates": built["evaluation"]["rates"][:1]}
    without = {**built, "evaluation": None}
    count = 0
    for payload in payloads():
        # Plots cost most of the time and have a test of their own, so only some payloads are drawn.
        reader = read(render_report(poisoned(built if count % 20 == 0 else without, payload))[0])
        assert_harmless(reader)
        count += 1
    assert count == 200


def test_a_payload_is_shown_as_the_text_it_is() -> None:
    payload = '"><img src=x onerror=alert(1)>'
    built = poisoned(made_up.facts("filter", rows=250), payload)
    assert " ".join(read(render_report(built)[0]).all_text).count(payload) > 50


def test_a_three_megabyte_answer_does_not_blow_up_the_page() -> None:
    huge = "An answer without end. " * 130_000
    quote = huge[:2_900_000]
    finding = {
        "behaviour": "moralising",
        "turn": 1,
        "start_char": 0,
        "end_char": len(quote),
        "quote": quote,
        "rule": "r" * 9999,
    }
    finding |= {"probability": 0.9, "language": "en", "detector": "phrases", "field": "text", "is_reasoning": False}
    from unmoor.report import FactsBuilder, Made

    builder = FactsBuilder(policy=made_up.POLICY)
    for row in range(1, 40):
        builder.add_entry(
            made_up.entry(row, huge, huge, [finding], "mended", after="") | {"answer": huge, "request": huge}
        )
    evaluation = made_up.evaluation()
    evaluation["examples"] = [{**example, "answer": huge, "prompt": huge} for example in evaluation["examples"]]
    built = builder.build(Made("filter", made_up.CREATED, counts={"input": 40, "mended": 39, "kept": 1}))
    assert len(render_report({**built, "evaluation": evaluation})[0]) < 150_000


def test_the_page_does_not_grow_with_the_rows() -> None:
    small, large = (len(render_report(made_up.facts("filter", rows=rows))[0]) for rows in (2000, 12_000))
    assert large < small * 1.1 < 200_000


def test_report_and_numbers_are_written_whole(tmp_path: Path) -> None:
    path = write_report(made_up.facts("audit", 300), tmp_path)
    assert path == tmp_path / "report.html"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "report.json"]
    numbers = json.loads((tmp_path / "report.json").read_bytes())
    assert render_report(numbers) == (path.read_bytes(), (tmp_path / "report.json").read_bytes())


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render_report(made_up.facts("demo", 300)) == render_report(made_up.facts("demo", 300))


def test_the_page_says_what_the_policy_does_by_rule_and_leaves_alone() -> None:
    built = made_up.facts("filter", 300)
    built["policy"] |= {"rules": {"en.moral.*": "drop_turn"}, "except": {"phrases": ["<b>We cannot refund"]}}
    page = render_report(built)[0].decode()
    assert "<code data-text>en.moral.*</code> drop turn." in page
    assert "<q data-text>&lt;b&gt;We cannot refund</q>." in page


def test_a_suite_of_small_groups_has_its_rate_on_the_page_and_in_the_headline() -> None:
    evaluation = made_up.evaluation() | {"groups": ["words", "history"], "people": None, "dose": None}
    small = {"n": 21, "refusals": 9, "rate": None, "low": None, "high": None}
    whole = {"n": 42, "refusals": 21, "rate": 0.5, "low": 0.36, "high": 0.64}
    evaluation["rates"] = [
        {"model": model, "persona": "none", "group": group} | (whole if group.startswith("all of") else small)
        for model in ("raw", "filtered")
        for group in ("all of look-alikes", "words", "history")
    ]
    evaluation["suites"] = [{"name": "look-alikes", "row": "all of look-alikes", "groups": ["words", "history"]}]
    evaluation["personas"] = ["none"]
    built = made_up.facts("evaluate") | {"evaluation": evaluation, "training": None}
    page, numbers = render_report(built)
    model = json.loads(numbers)["headline"]["model"]
    assert (model["group"], model["first"]["rate"], model["control"]) == ("all of look-alikes", 0.5, None)
    text = page.decode()
    assert "refusals when asked harmless requests that sound dangerous (all of look-alikes)" in text
    assert text.count('<td class="n">too few</td>') == 4
    drawn = rates_plot(evaluation)
    assert "Sound dangerous, are harmless" in drawn
    assert "words" not in drawn and "history" not in drawn, "an empty plot is not drawn"


def test_a_headline_without_enough_answers_says_so() -> None:
    evaluation = made_up.evaluation()
    few = {"n": 12, "rate": None, "low": None, "high": None}
    evaluation["rates"] = [{**rate, **few} for rate in evaluation["rates"]]
    built = made_up.facts("evaluate") | {"evaluation": evaluation}
    page = render_report(built)[0].decode()
    assert "Too few answers" in page
    assert "– →" not in page and 'class="from">–' not in page


def test_whether_the_system_prompt_shows_through_is_said_or_that_too_few_answers_tell() -> None:
    place = {"model": "raw", "persona": "plain"}
    known = {**place, "n": 200, "rate": 0.5, "low": 0.43, "high": 0.57}
    unknown = {**place, "n": 12, **dict.fromkeys(("rate", "low", "high"))}
    for leaks, answer in (
        ([unknown, known], "raw, persona plain: 50.0% (43.0% to 57.0% of 200)."),
        ([unknown], "Too few answers to say: under 30 no rate is given."),
    ):
        built = empty_facts("evaluate", made_up.CREATED) | {
            "evaluation": asked_of("raw", "filtered") | {"leaks": leaks}
        }
        text = "".join(read(render_report(built)[0]).all_text)
        assert text.partition("Does the system prompt show through in the answers? ")[2].startswith(f"{answer}\n")


def test_pairs_name_their_questions_as_the_rates_do() -> None:
    page = render_report(made_up.facts("demo"))[0].decode()
    named = set(re.findall(r'data-label="questions">([^<]*)<', page))
    assert "Harmless requests that sound dangerous".lower() in {name.lower() for name in named}
    assert "trigger" not in named


def test_one_model_is_not_called_twins() -> None:
    built = made_up.facts("demo")
    built["training"]["twins"] = {"raw": built["training"]["twins"]["raw"]}
    page = render_report(built)[0].decode()
    assert "One model was trained; there is no twin to compare it with." in page
    assert "The twins differ" not in page and "What differs between the twins" not in page


@pytest.mark.parametrize(
    ("data", "kept", "first", "is_told"),
    [
        ({"house": "runs/house/kept.jsonl", "everything": "./helpers.jsonl"}, ["house"], "everything", True),
        ({"raw": "elsewhere/all.jsonl", "filtered": "runs/house/kept.jsonl"}, ["filtered"], "raw", True),
        ({"house": "runs/house/kept.jsonl", "by-list": "by_list.jsonl"}, ["house"], "house", False),
        ({"mild": "runs/mild/kept.jsonl", "strict": "runs/strict/kept.jsonl"}, ["mild", "strict"], "mild", False),
    ],
)
def test_the_first_screen_says_of_two_twins_what_is_known_of_their_data(
    data: dict[str, str], kept: list[str], first: str, is_told: bool
) -> None:
    built = made_up.facts("demo", 300) | {"kind": "evaluate", "evaluation": asked_of(*data)}
    training, twin = made_up.training(), made_up.training()["twins"]["raw"]
    training |= {"twins": dict.fromkeys(data, twin), "expert_load": None, "config_difference": {"data": data}}
    built["training"] = training | {"policies": dict.fromkeys(kept, made_up.POLICY)}
    page, numbers = render_report(built)
    assert json.loads(numbers)["headline"]["model"]["first"]["name"] == first
    said = " ".join("".join(read(page).all_text).split()).partition("Training the twins")[0]
    other = next(name for name in data if name != first)
    assert ("trained on the data as it was, then on what stayed" in said) == is_told
    assert ("the same recipe was trained on the data before and after" in said) == is_told
    assert (f"first {first}, then {other}." in said) == (not is_told)


def asked_of(first: str, second: str) -> dict[str, Any]:
    """Return what was asked of two models of these names."""
    evaluation, names = made_up.evaluation(), {"raw": first, "filtered": second}
    rates = [{**row, "model": names[row["model"]]} for row in evaluation["rates"]]
    told = {key: evaluation[key] for key in ("groups", "personas", "judge", "is_judge_independent")}
    return {**told, "models": [first, second], "rates": rates, "paired": [], "examples": []}


def test_the_first_screen_names_its_system_prompt_and_the_one_under_which_most_is_left() -> None:
    facts = made_up.facts()
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    asked = "refusals when asked harmless requests that sound dangerous, with the system prompt plain :"
    assert asked in text
    rates = {(r["model"], r["persona"]): r for r in facts["evaluation"]["rates"] if r["group"] == "trigger"}
    rates["filtered", "none"]["rate"] = 0.042
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    assert "Other system prompts are below; most is left without a system prompt: 96.7% → 4.2%." in text
    facts["evaluation"]["rates"] = [rate for rate in facts["evaluation"]["rates"] if rate["persona"] == "none"]
    facts["evaluation"]["personas"] = ["none"]
    text = " ".join(" ".join(read(render_report(facts)[0]).all_text).split())
    assert "sound dangerous, without a system prompt:" in text and "most is left" not in text


@pytest.mark.parametrize(
    ("filtered", "said"),
    [
        (0.40, "these two differ by 3.0 at most. So fewer rows"),
        (0.10, "these two differ by 27.0 at most. So the filter"),
    ],
)
def test_what_a_filter_did_to_the_experts_is_said_beside_what_a_random_cut_did(filtered: float, said: str) -> None:
    facts = made_up.facts()
    load = facts["training"]["expert_load"]
    assert "by chance; these two" not in "".join(read(render_report(facts)[0]).all_text)
    load["models"] = ["raw", "raw-shrunk", "filtered"]
    load["rows"] = [{"layer": 0, "expert": 0, "raw": 0.25, "raw-shrunk": 0.37, "filtered": filtered}]
    text = "".join(read(render_report(facts)[0]).all_text)
    assert "and 12.0 in raw-shrunk, which lost as many rows by chance; " + said in text
