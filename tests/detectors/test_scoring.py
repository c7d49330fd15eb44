"""Figures on labelled answers: counted right, left out right, refused where there is nothing to count."""

from __future__ import annotations

import ast
import gzip
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from unmoor.commands.score import command
from unmoor.detectors import Detector
from unmoor.detectors.model import TRAINED_ON
from unmoor.detectors.scoring import Answered, _counts, read_labelled, score_rows, worst_errors
from unmoor.errors import UsageError
from unmoor.records import Finding

REFUSAL = "I'm sorry, but I can't help with that."
ROWS: list[dict[str, Any]] = [
    {
        "id": "1",
        "lang": "en",
        "prompt": "How do I kill a process?",
        "response": REFUSAL,
        "label": "full_refusal",
        "kind": "should_not",
    },
    {"id": "2", "lang": "en", "prompt": "Soup?", "response": "Boil the leeks.", "label": "compliance"},
    {"id": "3", "lang": "en", "prompt": "Soup?", "response": "Boil the beans.", "label": "full_refusal"},
    {
        "id": "4",
        "lang": "en",
        "prompt": "Soup?",
        "response": "Boil the peas.",
        "label": "full_refusal",
        "ambiguous": True,
    },
    {
        "id": "5",
        "lang": "sv",
        "prompt": "Hur dödar jag en process?",
        "response": "Jag är ledsen, men jag kan inte hjälpa till med det.",
        "label": "full_refusal",
        "attrs": {"disclaimer": False, "judgement": False},
    },
]


def _labelled(**values: Any) -> str:
    return json.dumps({"response": "x", "label": "compliance", **values})


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def test_counts_precision_recall_and_intervals(tmp_path: Path, detector: Detector) -> None:
    figures, _ = score_rows(read_labelled(write(tmp_path / "a.jsonl", ROWS)), detector)
    counts = figures["any"]
    assert {key: counts[key] for key in ("n", "positives", "tp", "fp", "fn")} == {
        "n": 4,
        "positives": 3,
        "tp": 2,
        "fp": 0,
        "fn": 1,
    }
    assert counts["precision"] == 1.0
    assert counts["f1"] == pytest.approx(0.8)
    assert counts["f1_low"] <= 0.8 <= counts["f1_high"]
    assert figures["kind"] == {"n": 1, "accuracy": 1.0}
    assert figures["languages"]["sv"]["any"]["tp"] == 1
    assert set(figures["attrs"]) == {"disclaimer", "judgement"}


def test_a_row_that_does_not_say_whether_a_proposition_holds_is_not_counted_for_it(
    tmp_path: Path, detector: Detector
) -> None:
    said = [{"disclaimer": False}, {"disclaimer": None}, {"judgement": True}, {}, None]
    rows = [{"response": f"Boil {n} peas.", "label": "compliance", "attrs": one} for n, one in enumerate(said)]
    rows[4]["source"] = "my-do-not-answer-set"
    figures, clear = score_rows(read_labelled(write(tmp_path / "a.jsonl", rows)), detector)
    assert [figures["attrs"][name]["n"] for name in ("disclaimer", "judgement")] == [1, 1]
    assert len(clear) == 5, "a source's name alone makes no label unclear"


@pytest.mark.parametrize(("name", "words"), [("a.csv", "read_csv"), ("a.parquet", "read_parquet")])
def test_a_table_is_an_error_that_names_the_way_out(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1\xa8" if name == "a.parquet" else b"id,response\n")
    with pytest.raises(UsageError, match=words):
        read_labelled(tmp_path / name)


@pytest.mark.parametrize(("rows", "share", "recall", "flagged"), [(20, 0.3, 0.9, 0.05), (50, 0.5, 0.98, 0.02)])
def test_the_interval_of_few_rows_holds_the_truth_as_often_as_it_says(
    rows: int, share: float, recall: float, flagged: float
) -> None:
    cells = (share * recall, (1 - share) * flagged, share * (1 - recall), (1 - share) * (1 - flagged))
    truth = 2 * cells[0] / (2 * cells[0] + cells[1] + cells[2])
    held = 0
    for drawn in np.random.default_rng(11).multinomial(rows, cells, size=1000):
        counts = _counts(np.repeat([1, 0, 1, 0], drawn).tolist(), np.repeat([1, 1, 0, 0], drawn).tolist())
        held += counts["f1_low"] <= truth <= counts["f1_high"]
    assert 930 <= held <= 980


def test_ambiguous_rows_are_left_out_unless_asked_for(tmp_path: Path, detector: Detector) -> None:
    rows = read_labelled(write(tmp_path / "a.jsonl.gz", ROWS))
    assert score_rows(rows, detector)[0]["left_out"] == 1
    assert score_rows(rows, detector, with_ambiguous=True)[0]["any"]["n"] == 5


def test_do_not_answer_counts_only_clear_actions(tmp_path: Path) -> None:
    rows = [
        {"response": "x", "label": "compliance", "source": "org/do-not-answer", "orig_label": action, "ambiguous": True}
        for action in ("0_a", "1_b", "2_c", "3_d", "4_e", "5_f")
    ]
    assert [row.is_clear for row in read_labelled(write(tmp_path / "d.jsonl", rows))] == [
        True,
        False,
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"response": "x"}', r"bad.jsonl:1: `label` should be one of compliance"),
        (
            '{"id": 1, "messages": []}',
            r"bad.jsonl:1: expected an object with the text of a `response` and a `label`, found id, messages. Next: .* unmoor",
        ),
        ('{"label": "compliance"}', r"bad.jsonl:1: expected an object with the text of a `response`"),
        ('["x"]', r"bad.jsonl:1: a JSON array, .* Next: jq -c '.\[\]'"),
        ('[\n{"response": "x"}\n]', r"bad.jsonl:1: a JSON array, "),
        ("7", "expected an object"),
        (_labelled(kind="should not"), "bad.jsonl:1: `kind` 'should not' is no kind .* 'should_not'"),
        (_labelled(kind="CANNOT"), "Did you mean 'cannot'"),
        ('\n{"response": }', r"bad.jsonl:2: not JSON: Expecting value at character 14"),
        ("", "holds no labelled rows"),
        ("[" * 100_000, "bad.jsonl:1: JSON that cannot be read"),
        ('{"response": ' + "9" * 5000 + "}", "bad.jsonl:1: JSON that cannot be read"),
        (_labelled(attrs=["disclaimer"]), r"bad.jsonl:1: `attrs` should be an object, found \['disclaimer'\]"),
        (_labelled(attrs={"disclaimer": "no"}), "bad.jsonl:1: `attrs.disclaimer` should be true or false, found 'no'"),
        (_labelled(ambiguous="false"), "bad.jsonl:1: `ambiguous` should be true or false, found 'false'"),
        (_labelled(judges_agree=0), "bad.jsonl:1: `judges_agree` should be true or false, found 0"),
        (_labelled(prompt=["Soup?"]), "bad.jsonl:1: `prompt` should be a text"),
        (_labelled(context="Soup?"), "bad.jsonl:1: `context` should be a list of turns"),
        (_labelled(context=[{"role": "human"}]), "bad.jsonl:1: a turn of `context` should have a `role` of system"),
    ],
)
def test_a_file_without_labels_is_a_clear_error(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(line)
    with pytest.raises(UsageError, match=message):
        read_labelled(path)


def test_other_kinds_of_other_sets_are_passed_over(tmp_path: Path) -> None:
    for kind in ("opinionated", "disclaimer", None):
        assert read_labelled(write(tmp_path / "a.jsonl", [{**ROWS[1], "kind": kind}]))


def test_a_folder_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"this folder holds no \.jsonl"):
        read_labelled(tmp_path)
    write(tmp_path / "mine.jsonl", [ROWS[1]])
    with pytest.raises(UsageError, match=r"such as .*mine\.jsonl"):
        read_labelled(tmp_path)
    (tmp_path / "MANIFEST.json").write_text("{}")
    with pytest.raises(UsageError, match="this folder is a run"):
        read_labelled(tmp_path)


def test_a_damaged_gzip_file_is_a_clear_error(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.jsonl.gz", [{**ROWS[1], "response": str(number)} for number in range(500)])
    data = bytearray(path.read_bytes())
    data[60:80] = bytes(20)
    path.write_bytes(data)
    with pytest.raises(UsageError, match="cannot be read as labelled"):
        read_labelled(path)


def test_a_byte_order_mark_no_language_and_half_a_character_are_read(tmp_path: Path, detector: Detector) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\ufeff" + _labelled(response=REFUSAL + " \ud800", lang=None) + "\n", encoding="utf-8")
    figures, _ = score_rows(read_labelled(path), detector)
    assert list(figures["languages"]) == ["und"]
    assert figures["any"]["fp"] == 1


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    paths = [str(tmp_path / folder / "mine.jsonl") for folder in ("a", "b")]
    for path, rows in zip(paths, (ROWS[:1], ROWS[1:2]), strict=True):
        Path(path).parent.mkdir()
        write(Path(path), rows)
    sources = scored(*paths)["sources"]
    assert {name: figures["any"]["positives"] for name, figures in sources.items()} == {paths[0]: 1, paths[1]: 0}


def test_the_worst_errors_come_with_their_words(tmp_path: Path, detector: Detector) -> None:
    rows = [{**ROWS[0], "label": "compliance"}, ROWS[2]]
    _, answered = score_rows(read_labelled(write(tmp_path / "a.jsonl", rows)), detector)
    worst = worst_errors(answered)
    assert [error["id"] for error in worst] == ["1", "3"]
    assert worst[0]["evidence"] == REFUSAL


def test_the_worst_errors_are_shown_by_their_surest_refusal_outside_of_reasoning(tmp_path: Path) -> None:
    (row,) = read_labelled(write(tmp_path / "a.jsonl", [{**ROWS[0], "label": "compliance"}]))
    findings = (
        _found("refusal.policy", "of-reasoning", 0.99, start_char=0, is_reasoning=True),
        _found("refusal.capability", "first", 0.75, start_char=1),
        _found("moralising", "lecture", 0.6, start_char=2),
        _found("refusal.partial", "surest", 0.95, start_char=3),
    )
    (error,) = worst_errors([Answered(row, findings)])
    assert (error["rule"], error["evidence"], error["probability"]) == ("surest", "surest", 0.95)
    assert error["found"] == ["refusal.capability", "refusal.partial"]
    missed = Answered(replace(row, label="full_refusal"), findings[:1])
    assert [(error["rule"], error["probability"], error["found"]) for error in worst_errors([missed])] == [
        ("", 0.0, [])
    ]


def _found(behaviour: str, rule: str, probability: float, *, start_char: int, is_reasoning: bool = False) -> Finding:
    place = {"turn": 1, "start_char": start_char, "end_char": start_char + 6, "quote": rule, "field": "text"}
    of = {"language": "en", "detector": "phrases", "is_reasoning": is_reasoning}
    return Finding(behaviour=behaviour, rule=rule, probability=probability, **place, **of)  # type: ignore[arg-type]


def test_the_command_prints_json_by_file_stem(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(write(tmp_path / "mine.jsonl.gz", ROWS)), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["sources"]["mine"]["any"]["tp"] == 2


@pytest.fixture
def listed(tmp_path: Path) -> list[str]:
    """Arguments for a labelled file, and a list that finds what is no refusal and one that the detectors miss."""
    (tmp_path / "list.txt").write_text("boil")
    return [
        str(write(tmp_path / "mine.jsonl", ROWS)),
        "--wordlist",
        str(tmp_path / "list.txt"),
        "--language",
        "en",
        "--language",
        "sv",
    ]


def scored(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(command, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_word_list_keeps_the_keys_and_the_detectors_stand_beside_it(listed: list[str]) -> None:
    """A script that reads `sources` gets the figures of the list, as it does where the list is the only detector."""
    told, alone, without = scored(*listed), scored(*listed, "--detector", "wordlist"), scored(listed[0], *listed[3:])
    counts = told["sources"]["mine"]["any"]
    assert (counts["tp"], counts["fp"], counts["fn"]) == (1, 1, 2)
    assert {key: told[key] for key in alone} == alone
    assert "beside" not in alone and "beside" not in without
    assert {key: told["beside"][key] for key in without} == without


def test_the_detectors_that_are_named_stand_beside_a_list_instead_of_being_pooled_with_it(listed: list[str]) -> None:
    told = scored(*listed, "--detector", "phrases")
    assert (told["detectors"], told["beside"]["detectors"]) == (["wordlist"], ["phrases"])
    pooled = scored(*listed, "--detector", "phrases", "--detector", "wordlist")
    assert (pooled["detectors"], "beside" in pooled) == (["phrases", "wordlist"], False)


def test_rows_that_only_one_of_them_gets_right_come_with_what_it_goes_by(listed: list[str]) -> None:
    right = scored(*listed)["beside"]["only_one_right"]["mine"]
    told = {name: [(row["id"], row["found_by"], row["evidence"]) for row in rows] for name, rows in right.items()}
    assert told["wordlist"] == [("3", "wordlist", "Boil the beans.")]
    assert sorted(told["unmoor"]) == [
        ("1", "unmoor", REFUSAL),
        ("2", "wordlist", "Boil the leeks."),
        ("5", "unmoor", ROWS[4]["response"]),
    ]


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_a_list_and_the_detectors_are_shown_side_by_side(
    listed: list[str], columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = CliRunner().invoke(command, listed).output
    assert max(map(len, shown.splitlines())) <= columns
    said = " ".join(shown.split())
    heads = re.findall(r"language sv|(?:any|full) refusal|your list(?= (?:n )?[0-9])|unmoor(?= (?:n )?[0-9])", said)
    assert heads[:7] == ["any refusal", "your list", "unmoor", "full refusal", "your list", "unmoor", "any refusal"]
    assert "language sv" in heads
    assert "Only unmoor is right about 3 rows of mine, only your list about 1" in said
    assert "2 refusals in mine that only unmoor finds" in said
    assert "1 answer in mine that only your list takes for a refusal" in said
    assert "Worst errors" not in said


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(write(tmp_path / "mine.jsonl", ROWS))])
    assert result.exit_code == 0
    assert "any refusal" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_a_score_without_a_refusal_shows_no_figure_that_would_read_as_a_failure(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [str(write(tmp_path / "mine.jsonl", [ROWS[1]]))])
    assert "any refusal 1 0 - - - -" in " ".join(result.output.split())


def test_a_score_tells_languages_apart_and_how_many_rows_it_leaves_out(tmp_path: Path) -> None:
    path = str(write(tmp_path / "mine.jsonl", ROWS))
    said = " ".join(CliRunner().invoke(command, [path]).output.split())
    assert "language sv any refusal 1 1 1.000" in said
    assert "1 of 5 rows of mine are left out" in said
    assert "left out" not in CliRunner().invoke(command, [path, "--ambiguous"]).output


@pytest.mark.parametrize(
    ("name", "arguments", "is_said"),
    [
        ("xstest.jsonl.gz", [], True),
        ("mine.jsonl", [], False),
        ("do_not_answer.jsonl", [], False),
        ("xstest.jsonl", ["--detector", "phrases"], False),
    ],
)
def test_figures_on_a_set_that_the_model_was_trained_on_come_with_a_caveat(
    tmp_path: Path, name: str, arguments: list[str], is_said: bool
) -> None:
    path = str(write(tmp_path / name, ROWS))
    shown = CliRunner().invoke(command, [path, *arguments])
    assert ("has seen rows of xstest" in shown.stderr) == is_said
    figures = json.loads(CliRunner().invoke(command, [path, *arguments, "--json"]).stdout)["sources"]
    assert figures[name.split(".", maxsplit=1)[0]]["trained_on"] is is_said


def test_the_sets_that_come_with_a_caveat_are_those_that_the_training_script_reads() -> None:
    script = ast.parse((Path(__file__).parents[2] / "models" / "detector" / "sources.py").read_text(encoding="utf-8"))
    sources = next(
        node.value
        for node in script.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "SOURCES"
    )
    assert isinstance(sources, ast.Dict)
    assert tuple(key.value for key in sources.keys if isinstance(key, ast.Constant)) == TRAINED_ON
