"""The cards: a snapshot that people can read, metadata that the hub can, and names that cannot break out."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from huggingface_hub import DatasetCard, ModelCard

from tests.report import made_up
from tests.report.hostile import payloads, poisoned
from unmoor.report import (
    ChunkFacts,
    FactsBuilder,
    Made,
    render_dataset_card,
    render_report,
    write_model_card,
)
from unmoor.report.collateral import Collateral

SNAPSHOTS = Path(__file__).resolve().parent.parent / "snapshots"
FILES = ["kept.jsonl", "removed.jsonl", "quarantine.jsonl", "ledger.jsonl", "policy.toml", "report.html", "report.json"]


def _compare(name: str, content: bytes) -> None:
    """Hold `content` against the snapshot; UNMOOR_UPDATE_SNAPSHOTS=1 writes it anew, to be read before it is committed."""
    path = SNAPSHOTS / name
    if os.environ.get("UNMOOR_UPDATE_SNAPSHOTS"):
        path.write_bytes(content)
    assert content.decode() == path.read_text(encoding="utf-8")


def test_the_data_set_card_reads_as_it_should() -> None:
    _compare("dataset_card.md", render_dataset_card(made_up.facts("demo"), FILES))


def test_a_card_names_the_topics_with_which_a_policy_raises_the_floor() -> None:
    facts = made_up.facts("demo")
    for also, said in (
        (["fraud"], "(`minors`, `mass-casualty`, `fraud`)"),
        (["*"], "`mass-casualty` and all others that the packs name)"),
    ):
        facts["policy"] = {**facts["policy"], "floor": {"always": [], "also": also}}
        assert said in render_dataset_card(facts, FILES).decode()


def test_the_model_card_reads_as_it_should(tmp_path: Path) -> None:
    _compare("model_card.md", write_model_card(made_up.facts("demo"), tmp_path, "filtered").read_bytes())


def test_questions_are_said_not_to_be_trained_on_only_where_that_is_known() -> None:
    def told(kind: str, seen: list[int]) -> tuple[str, str]:
        facts = made_up.facts("demo") | {"kind": kind}
        rows = [{"model": "raw", "suite": "<mine>", "seen": one, "of": 40} for one in seen]
        facts["evaluation"] = {**facts["evaluation"], "trained_on": rows}
        return render_dataset_card(facts, FILES).decode(), render_report(facts)[0].decode()

    for text in told("demo", []):
        assert "None of the questions was seen in training." in text
    for text in told("evaluate", [0]):
        assert "None of the questions stands word for word in the data" in text
    for text in told("evaluate", []):
        assert "questions was seen" not in text and "word for word" not in text
    card, page = told("evaluate", [3])
    assert "learned them by heart: raw 3 of 40 (mine)." in card
    assert "learned them by heart: raw 3 of 40 (&lt;mine&gt;)." in page


def test_what_else_differs_between_twins_than_their_data_is_said(tmp_path: Path) -> None:
    facts = made_up.facts("demo")
    difference = {**facts["training"]["config_difference"], "seed": {"raw": 7, "filtered": 8}}
    facts |= {"training": {**facts["training"], "config_difference": difference}}
    told = "The twins have the same recipe, base and number of steps. They differ in their data and seed, and in nothing else."
    assert told in write_model_card(facts, tmp_path, "filtered").read_text()
    assert told in render_report(facts)[0].decode()


def test_the_hub_reads_the_cards_metadata(tmp_path: Path) -> None:
    data = DatasetCard(render_dataset_card(made_up.facts("filter"), FILES).decode()).data.to_dict()
    assert data["language"] == ["en", "sv"]
    assert data["size_categories"] == ["1K<n<10K"]
    assert [config["config_name"] for config in data["configs"]] == ["kept", "removed"]
    assert data["configs"][0]["data_files"] == [{"split": "train", "path": "kept.jsonl"}]
    assert data["configs"][0]["default"] is True
    model = ModelCard(write_model_card(made_up.facts("demo"), tmp_path, "raw").read_text()).data.to_dict()
    assert model["pipeline_tag"] == "text-generation"


def test_a_card_names_the_files_of_the_run() -> None:
    text = render_dataset_card(
        made_up.facts("filter", 300), ("kept.parquet", "removed.parquet", "ledger.jsonl")
    ).decode()
    assert "path: kept.parquet" in text and "- `ledger.jsonl`" in text and "kept.jsonl" not in text


def test_unrecognised_languages_are_no_language_of_the_card() -> None:
    built = made_up.facts("filter", 300) | {"languages": {"und": 5, "en": 9, "<b>": 1}}
    assert DatasetCard(render_dataset_card(built, FILES).decode()).data.to_dict()["language"] == ["en"]


@pytest.mark.parametrize(
    ("languages", "named"),
    [
        ({"en": 3261, "zh": 941, "fr": 249, "und": 151, "none": 150, "es": 47, "hi": 3}, ["en", "fr", "zh"]),
        ({"en": 90, "sv": 5, "hi": 4}, ["en", "sv"]),
        ({"und": 400, "sv": 2, "hi": 1}, ["sv"]),
    ],
)
def test_a_card_names_no_language_of_a_few_rows_but_always_the_most_frequent(
    languages: dict[str, int], named: list[str]
) -> None:
    built = made_up.facts("filter", 300) | {"languages": languages}
    assert DatasetCard(render_dataset_card(built, FILES).decode()).data.to_dict()["language"] == named


@pytest.mark.parametrize("start", range(10))
def test_hostile_names_make_no_markup_and_no_metadata(start: int) -> None:
    built = made_up.facts("demo", rows=250)
    for payload in list(payloads())[start::10]:
        text = render_dataset_card(poisoned(built, payload), FILES).decode()
        assert set(DatasetCard(text).data.to_dict()) <= {
            "pretty_name",
            "language",
            "task_categories",
            "tags",
            "size_categories",
            "configs",
            "license",
        }
        outside = re.sub(r"```sh\n.*?\n```", "", text, flags=re.DOTALL)
        assert not re.search(r"<[a-zA-Z/!]", outside.replace("<n<", "")), payload
        assert not re.search(r"[\u202e\u200b\x00-\x08\x1b]", outside)


def test_no_text_of_the_data_stands_in_the_card() -> None:
    text = render_dataset_card(made_up.facts("demo"), FILES).decode()
    assert "assist with that" not in text and "Python" not in text


def test_a_card_says_what_the_policy_does_by_rule_and_leaves_alone() -> None:
    built = made_up.facts("filter", 300)
    built["policy"] |= {"rules": {"en.moral.*": "keep"}, "except": {"phrases": ["We cannot refund"]}}
    text = render_dataset_card(built, FILES).decode()
    assert "By rule: `en.moral.*` keep." in text
    assert "Left alone, whatever is found in the same sentence: `We cannot refund`." in text


def test_rows_that_went_as_duplicates_are_told_from_those_that_the_policy_took() -> None:
    builder = FactsBuilder(policy=made_up.POLICY)
    builder.add_entry(made_up.entry(1, "A?", "B.", [], "removed") | {"duplicate_of": 3})
    facts = builder.build(Made("filter", made_up.CREATED, counts={"input": 3, "kept": 2, "removed": 1}, acted={}))
    said = "Of the removed rows, 1 went since another row stands for it."
    assert said in render_dataset_card(facts, FILES).decode() and said in render_report(facts)[0].decode()


def test_values_of_a_table_are_not_said_to_be_kept_byte_for_byte() -> None:
    facts = made_up.facts("filter", 300)
    facts["input"] |= {"format": "2 files, Parquet"}
    card, page = render_dataset_card(facts, ["kept.parquet"]).decode(), render_report(facts)[0].decode()
    assert "- `kept.parquet`: what stays, untouched rows each value as it was" in card
    assert "of rows stay, each value as it was." in page and "byte for byte" not in card + page


def test_one_word_and_one_group_are_counted_as_one() -> None:
    built = made_up.facts("filter", 300)
    built["collateral"] = {**built["collateral"], "terms_tested": 1}
    built["collateral"]["clusters"] = {**built["collateral"]["clusters"], "groups": 1}
    assert "(1 word and 1 group tested, corrected for that)" in render_dataset_card(built, FILES).decode()


def test_words_and_groups_are_counted_also_where_not_all_are_listed() -> None:
    observed = ChunkFacts()
    for word in (f"{a}{b}{c}o" for a in "bcdfgh" for b in "aeiou" for c in "klmnp"):
        for number in range(20):
            observed.add_row(f"{word} please {number}", "removed" if number < 15 else "kept", "en")
    for _ in range(20_000):
        observed.add_row("hello", "kept", "en")
    built = made_up.facts("filter", 300)
    built["collateral"] = Collateral(observed).as_json()
    assert built["collateral"]["terms_named"] == 150
    built["collateral"]["clusters"] |= {"named": built["collateral"]["clusters"]["named"][:5], "not_listed": 4}
    card, page = render_dataset_card(built, FILES).decode(), render_report(built)[0].decode()
    said = "150 words of the requests and 9 groups of alike requests lost more rows than chance would take"
    assert f"{said}: `report.html` names those that lost most (" in card
    assert "130 more words did so too, and are not listed." in page
    assert "4 more groups did so too, and are not listed." in page


@pytest.mark.parametrize(
    ("rows", "size"), [(10**9, "1B<n<10B"), (5 * 10**10, "10B<n<100B"), (10**12 - 1, "100B<n<1T"), (10**12, "n>1T")]
)
def test_the_sizes_of_data_of_billions_of_rows_are_those_of_the_hub(rows: int, size: str) -> None:
    facts = made_up.facts("filter", 300) | {"counts": {"input": rows, "kept": rows}}
    assert f"size_categories:\n- {size}\n" in render_dataset_card(facts, FILES).decode()


TOO_FEW = "Too few rows went whole or lost an exchange to say anything about"
NO_GROUP = "o group of alike requests lost more rows than chance would take"


@pytest.mark.parametrize(
    ("words", "groups", "said", "unsaid"),
    [
        (0, 0, [f"{TOO_FEW} topics."], ["than chance", "tested"]),
        (
            0,
            5,
            [f"{TOO_FEW} single words.", f"N{NO_GROUP} (5 groups tested, corrected for that)."],
            ["No word", "0 words"],
        ),
        (9, 0, ["No word of the requests lost more rows than chance would take (9 words tested"], ["group", TOO_FEW]),
        (9, 5, [f"No word of the requests and n{NO_GROUP} (9 words and 5 groups tested"], [TOO_FEW]),
    ],
)
def test_card_and_report_say_alike_what_of_the_topics_was_tested(
    words: int, groups: int, said: list[str], unsaid: list[str]
) -> None:
    built = made_up.facts("filter", 300)
    clusters = {**built["collateral"]["clusters"], "groups": groups, "named": []}
    built["collateral"] |= {"terms_tested": words, "terms_named": 0, "topics": [], "clusters": clusters}
    card = render_dataset_card(built, FILES).decode().partition("## What else went with it")[2].partition("##")[0]
    section = render_report(built)[0].decode().partition('<section id="topics">')[2].partition("</section>")[0]
    assert all(words in card for words in said) and not any(words in card for words in unsaid)
    assert (TOO_FEW in section) == (TOO_FEW in card)
    assert ("lost more rows than chance would take" in section) == ("lost more rows than chance would take" in card)
    assert ("Fisher" in section) == ("tested" in card)


def test_a_model_that_was_trained_alone_has_no_twins_on_its_card(tmp_path: Path) -> None:
    built = made_up.facts("demo")
    built["training"]["twins"] = {"raw": built["training"]["twins"]["raw"]}
    text = write_model_card(built, tmp_path, "raw").read_text()
    assert "It was trained alone" in text and "Its twins" not in text
