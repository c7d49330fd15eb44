"""What a command says last, and what it proposes, holds for the run at hand."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmoor.commands import cli
from unmoor.commands.found import _languages_said
from unmoor.commands.judged import _print
from unmoor.commands.places import Place
from unmoor.engines import Summary
from unmoor.errors import FoundError, MachineError, UsageError
from unmoor.layouts import open_data_set, schemas_held_alike
from unmoor.policy import SHIPPED, load_policy
from unmoor.review.calibration import precisions
from unmoor.storage.troubles import storage_errors

REFUSAL = "I'm sorry, but I can't assist with that request."
ROW = {"instruction": "Name three trees.", "input": "", "output": REFUSAL}


def run(*arguments: object) -> None:
    cli.main([str(argument) for argument in arguments], prog_name="unmoor", standalone_mode=False)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(ROW)}\n" * 4)
    return path


def test_a_shard_is_to_be_joined_and_not_restored(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("filter", data, "--language", "de", "--shard", "1/2", "-o", data.parent / "part")
    said = capsys.readouterr().out
    assert "Next:    unmoor merge SHARD... -o RUN, with all 2 of them, makes the whole" in said
    assert "unmoor restore" not in said


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A run of three files, of which the second and the third have one name in two folders."""
    for name, rows in (("a.jsonl", 2), ("b/c.jsonl", 3), ("d/c.jsonl", 1)):
        path = tmp_path / "all" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(ROW)}\n" * rows)
    run("audit", tmp_path / "all", "--language", "en", "-o", tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    "place",
    [
        ("4",),
        ("row 4 (row 2 of b/c.jsonl)",),
        ("b/c.jsonl:2",),
        ["row", "2", "of", "b/c.jsonl"],
        ("2", "--file", "b/c.jsonl"),
    ],
)
def test_a_row_is_explained_by_whatever_names_its_place(
    several: Path, place: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    run("explain", several, *place)
    assert capsys.readouterr().out.startswith("Row 4 (row 2 of b/c.jsonl) was kept")


def test_a_file_whose_name_is_two_lines_is_named_like_any_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "two\nlines.jsonl"
    data.write_text(f"{json.dumps(ROW)}\n" * 2)
    run("audit", data, "--language", "en", "-o", tmp_path / "run")
    capsys.readouterr()
    run("explain", tmp_path / "run", f"{data.name}:2")
    assert capsys.readouterr().out.startswith("Row 2 ")


def test_several_rows_are_explained_one_after_the_other(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run("explain", several, "4", "a.jsonl:2")
    assert re.findall(r"^Row (\d)", capsys.readouterr().out, re.MULTILINE) == ["4", "2"]
    run("explain", several, "4", "2", "--json")
    assert [entry["row"] for entry in json.loads(capsys.readouterr().out)] == [4, 2]


def test_rows_are_looked_for_in_the_file_that_is_named(several: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = ("explain", several, "--behaviour", "refusal.policy", "--json")
    for file, rows in (("b/c.jsonl", [3, 4, 5]), ("a.jsonl", [1, 2]), ("d/c.jsonl", [6])):
        capsys.readouterr()
        run(*found, "--file", file)
        assert [entry["row"] for entry in json.loads(capsys.readouterr().out)] == rows
    for file, words in (("a.json", 'Did you mean "a.jsonl"'), ("c.jsonl", "2 files are called c.jsonl")):
        with pytest.raises(UsageError, match=words):
            run(*found, "--file", file)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("a:1", 'no file "a"'),
        ("a.json:1", 'Did you mean "a.jsonl"'),
        ("c.jsonl:1", "2 files are called c.jsonl. Next: one of them by its whole name, such as b/c.jsonl"),
        ("a.jsonl:3", "There is no row 3 in a.jsonl: it has rows 1 to 2"),
        ("1,007", "There is no row 1007"),
        ("last", "ROW is a number such as 17, or NAME:17"),
        ("a.jsonl:" + "9" * 5000, "ROW is a number"),
    ],
)
def test_a_place_that_is_not_there_is_said(several: Path, place: str, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        run("explain", several, place)


def test_of_tables_that_differ_the_column_is_named_that_cannot_be_joined(tmp_path: Path) -> None:
    for name, a, b in (("0", pa.large_string(), pa.string_view()), ("1", pa.string(), pa.string())):
        pq.write_table(pa.table({"a": pa.array(["x"], a), "b": pa.array(["y"], b)}), tmp_path / f"{name}.parquet")
    with pytest.raises(UsageError, match=r"the column 'b' is string and not string_view in .*1\.parquet") as caught:
        schemas_held_alike(open_data_set(tmp_path).files)
    assert str(caught.value).endswith("Next: a run for each file, or tables in which that column is cast to one type")


def test_a_server_that_does_not_answer_is_no_missing_file() -> None:
    words = "the storage cannot be reached: ConnectionRefusedError"
    with pytest.raises(MachineError, match=words), storage_errors("Reading https://host/x"):
        raise FileNotFoundError("https://host/x") from ConnectionRefusedError("refused")
    with pytest.raises(FileNotFoundError), storage_errors("Reading https://host/x"):
        raise FileNotFoundError("https://host/x") from ValueError("404")


def test_the_memory_of_the_process_is_no_place_for_a_run() -> None:
    with pytest.raises(UsageError, match="memory:// is gone when the command ends"):
        Place().convert("memory://set/run", None, None)


@pytest.mark.parametrize("there", ["mine", {"a": 1}, [1]])
def test_a_key_of_the_rows_is_not_replaced_by_labels(data: Path, there: object) -> None:
    data.write_text(json.dumps({**ROW, "unmoor": there}) + "\n")
    with pytest.raises(UsageError, match=r"something else there already\. Next: rename that key"):
        run("filter", data, "--language", "en", "--policy", "label-only", "-o", data.parent / "run")
    assert [path.name for path in data.parent.iterdir()] == ["train.jsonl"]


def test_labels_of_an_earlier_run_are_made_anew(data: Path) -> None:
    data.write_text(json.dumps({**ROW, "unmoor": ["refusal.policy", "moralising"]}) + "\n")
    run("filter", data, "--language", "en", "--policy", "label-only", "-o", data.parent / "run")
    assert json.loads((data.parent / "run" / "kept.jsonl").read_bytes())["unmoor"] == ["refusal.policy"]


@pytest.mark.parametrize(
    ("flags", "without"),
    [
        (("--ray-address", "10.0.0.1:6379"), "--engine ray"),
        (("--ray-shards", "3"), "--engine ray"),
        (("--dedup-threshold", "0.9"), "--dedup minhash"),
        (("--dedup", "exact", "--dedup-threshold", "0.9"), "--dedup minhash"),
    ],
)
def test_a_flag_that_would_do_nothing_is_refused(data: Path, flags: tuple[str, ...], without: str) -> None:
    with pytest.raises(UsageError, match=f"{flags[-2]} does nothing without {without}. Next: "):
        run("filter", data, "--language", "de", *flags, "-o", data.parent / "run")
    assert not (data.parent / "run").exists()


@pytest.mark.parametrize(
    ("flags", "again"), [(("--pairs",), "--pairs"), (("--pair-list", "my own.toml"), "--pair-list 'my own.toml'")]
)
def test_an_audit_of_mirrored_subjects_says_how_it_is_made_again(
    data: Path, flags: tuple[str, ...], again: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    sides = 'a = {name = "cats", words = ["cat"]}\nb = {name = "dogs", words = ["dog"]}\n'
    Path("my own.toml").write_text(f'[[pair]]\nname = "pets"\n{sides}')
    run("audit", data.name, "--language", "de", *flags, "-o", "run")
    assert json.loads(Path("run/report.json").read_text())["reproduce"] == [
        f"unmoor audit train.jsonl --language de {again} -o run"
    ]


def test_of_two_limits_on_broken_rows_neither_is_passed_over(data: Path) -> None:
    with pytest.raises(UsageError, match="--on-bad-row fail stops at the first broken row"):
        run("audit", data, "--language", "de", "--on-bad-row", "fail", "--max-bad-rows", "10")


def test_the_terminal_gives_the_shares_that_the_card_gives(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text(f"{json.dumps({**ROW, 'output': 'Oak, ash and elm.'})}\n" * 2 + f"{json.dumps(ROW)}\n")
    run("filter", data, "--language", "en", "-o", data.parent / "run")
    said, card = capsys.readouterr().out, (data.parent / "run" / "README.md").read_text()
    for outcome, rows, share in (("kept", "2", "66.7%"), ("removed", "1", "33.3%")):
        assert re.search(rf"^{outcome} +{rows} +{share}$", said, re.MULTILINE)
        assert f"| {outcome} | {rows} | {share} |" in card
    assert "Rows with any refusal: 1 (33.3%)" in said


def test_lines_that_cannot_be_read_make_no_share_smaller_and_help_no_gate_pass(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = json.dumps({**ROW, "output": "Oak, ash and elm."})
    (data.parent / "good.jsonl").write_text(f"{good}\n")
    data.write_text(f"{json.dumps(ROW)}\n{good}\nx\n\n[\n")
    with pytest.raises(FoundError, match=r"^1 of 3 readable rows refuse, more than 32\.5%$"):
        run("audit", data.parent, "--language", "en", "-o", data.parent / "run", "--fail-over", "32.5%")
    said = capsys.readouterr().out
    assert re.search(r"^refusal\.policy +1 +33\.3%", said, re.MULTILINE)
    assert "Rows with any refusal: 1 (33.3% of 3 that could be read)" in said
    assert re.search(r"^train\.jsonl +5 +1 +50\.0%$", said, re.MULTILINE)
    facts = json.loads((data.parent / "run" / "report.json").read_text())
    assert facts["refusals"]["share"] == facts["behaviours"]["refusal.policy"]["share"] == pytest.approx(1 / 3)
    assert (facts["headline"]["data"]["rows"], facts["counts"]["input"]) == (3, 6)


def test_files_of_a_pattern_are_called_by_their_number(data: Path) -> None:
    shutil.copy(data, data.parent / "more.jsonl")
    run("filter", data.parent / "*.jsonl", "--language", "en", "--policy", "label-only", "-o", data.parent / "run")
    page, card = ((data.parent / "run" / name).read_text() for name in ("report.html", "README.md"))
    assert "<title>2 files (*.jsonl): what they inherited</title>" in page
    assert "# `2 files (*.jsonl)`, filtered by unmoor" in card


def test_mended_rows_are_told_apart_by_what_went_from_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oak, cut = "Oak, ash and elm.", "As an AI language model, I have never seen a tree. Oak, ash and elm."
    rows = [(cut,), (REFUSAL, oak), (oak, REFUSAL), (oak,)]
    asked = {"role": "user", "content": "Name three trees."}
    for answers in rows:
        said = [turn for answer in answers for turn in (asked, {"role": "assistant", "content": answer})]
        with (data.parent / "chats.jsonl").open("a") as file:
            file.write(json.dumps({"messages": said}) + "\n")
    run("filter", data.parent / "chats.jsonl", "--language", "en", "-o", data.parent / "run")
    said_last = " ".join(capsys.readouterr().out.split())
    told = "in 2 a question and its answer were taken out, in 1 a part of the answer was cut"
    assert f"Of the mended rows: {told}." in said_last
    page = " ".join((data.parent / "run" / "report.html").read_text().split())
    assert "In 1 row words were cut; in 2 rows a question and its answer were taken out" in page


@pytest.mark.parametrize("has_answer", [False, True])
def test_rows_without_any_answer_to_learn_are_no_good_news(
    data: Path, capsys: pytest.CaptureFixture[str], has_answer: bool
) -> None:
    asked = {"messages": [{"role": "user", "content": "Name a tree."}], "ground_truth": "oak"}
    rows = [asked] * 3 + [{**asked, "response": "An oak is a tree."}] * has_answer
    (data.parent / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run("audit", data.parent / "asked.jsonl", "--language", "en")
    said = " ".join(capsys.readouterr().out.split())
    assert ("Warning: no answer to learn was read in any of these rows" in said) is not has_answer


def test_languages_that_are_not_named_are_counted_with_their_rows(data: Path) -> None:
    summary = Summary(open_data_set(data), "alpaca")
    summary.languages.update({"en": 90, "und": 9, "fr": 8, "es": 7, "it": 6, "de": 2, "pl": 3})
    assert _languages_said(summary).endswith("it 6, 2 more languages 5")
    summary.languages.update({"none": 4})
    assert _languages_said(summary).endswith("it 6, 2 more languages 5, no answer to learn 4")
    summary.languages.update({"und": -8})
    assert _languages_said(summary).endswith("it 6, no answer to learn 4, 2 more languages 5, not recognised 1")


@pytest.mark.parametrize(("lowest", "review"), [(0.4, 0.4), (0.7, 0.5)])
def test_the_thresholds_of_verdicts_can_be_read_as_a_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lowest: float, review: float
) -> None:
    judged = [("bias.evasion", lowest, True)] * 30 + [("moralising", 0.9, True)] * 30 + [("bias.stance", 0.2, False)]
    _print(precisions(judged, 0.9), 0.9)
    lines = capsys.readouterr().out.partition("For a policy:")[2]
    for shipped in SHIPPED:
        (tmp_path / "mine.toml").write_text(f'name = "mine"\nversion = 1\nextends = "{shipped}"\n{lines}')
        policy = load_policy(tmp_path / "mine.toml")
        assert (policy.threshold("bias.evasion"), policy.review_from()) == (lowest, review)
