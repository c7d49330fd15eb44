"""Task files of lm-eval as suites: what they ask is read, what they run is not."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from unmoor.errors import UsageError
from unmoor.evaluation import read_suite

ROWS = [
    {"question": "How deep is a well?", "answer": "Ten metres", "n": 1},
    {"question": "Why?", "answer": "Because", "n": 2},
]
TASK = """task: wells
dataset_path: json
dataset_kwargs:
  data_files:
    test: rows.jsonl
test_split: test
doc_to_text: "Q{{n}}: {{question}}\\nA:"
doc_to_target: answer
metric_list:
  - metric: exact_match
    aggregation: !function utils.mean
"""


def written(folder: Path, task: str, rows: str | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)) if rows is None else rows)
    path = folder / "wells.yaml"
    path.write_text(task)
    return path


def test_prompts_are_filled_from_the_data_and_whole_answers_are_checks(tmp_path: Path) -> None:
    first, second = read_suite(written(tmp_path, TASK))
    assert (first.id, first.group, first.text) == ("wells/1", "wells", "Q1: How deep is a well?\nA:")
    assert first.check == {"kind": "one_of", "texts": ["Ten metres"]}
    assert second.text == "Q2: Why?\nA:"


def test_a_column_is_taken_as_it_is_and_an_include_is_read_first(tmp_path: Path) -> None:
    path = written(tmp_path, "include: _shared\ntask: mine\ndoc_to_text: question\n")
    (tmp_path / "_shared").write_text(TASK)
    assert [(one.group, one.text) for one in read_suite(path)] == [("mine", row["question"]) for row in ROWS]


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet"])
def test_a_folder_that_was_downloaded_holds_the_split(tmp_path: Path, ending: str) -> None:
    data = tmp_path / "downloaded" / "main"
    data.mkdir(parents=True)
    file = data / f"test-00000-of-00001.{ending}"
    if ending == "parquet":
        parquet.write_table(pa.Table.from_pylist(ROWS), file)
    elif ending == "csv":
        file.write_text(
            "question,answer,n\n" + "\n".join(f"{row['question']},{row['answer']},{row['n']}" for row in ROWS)
        )
    else:
        file.write_text(json.dumps(ROWS) if ending == "json" else "\n".join(map(json.dumps, ROWS)))
    (data / f"train.{ending}").write_bytes(b"never read")
    task = "task: t\ndataset_path: downloaded\ndataset_name: main\ntest_split: test\ndoc_to_text: question\n"
    assert [one.text for one in read_suite(written(tmp_path, task))] == [row["question"] for row in ROWS]


@pytest.mark.parametrize(
    "change",
    [
        "output_type: multiple_choice\n",
        "filter_list: [{name: number, filter: [{function: regex}]}]\n",
        "process_results: !function utils.results\n",
    ],
)
def test_answers_that_are_compared_otherwise_make_no_check(tmp_path: Path, change: str) -> None:
    assert [one.check for one in read_suite(written(tmp_path, TASK + change))] == [None, None]


@pytest.mark.parametrize(
    ("task", "rows", "why"),
    [
        (TASK.replace("task: wells", "task: [a, b]"), None, "not a task of lm-eval with its own data"),
        ("group: wells\n", None, "not a task of lm-eval with its own data"),
        ("- 1\n", None, "found list"),
        ("task: [", None, "cannot be read"),
        (TASK + "process_docs: !function utils.docs\n", None, "process_docs is code"),
        (TASK.replace('"Q{{n}}: {{question}}\\nA:"', "!function utils.text"), None, "doc_to_text is code"),
        (TASK.replace("{{n}}", "{{nn}}"), None, "document 1: the template does not fit the row: 'nn' is undefined"),
        (TASK.replace("{{n}}", "{{ ''.__class__.__mro__[1].__subclasses__() }}"), None, "does not fit the row"),
        (TASK.replace("{{n}}: {{question}}", "{% if %}"), None, "does not fit the row"),
        (TASK.replace("json", "org/wells"), None, "hf download org/wells"),
        (TASK.replace("test_split: test\n", ""), None, "names no split"),
        (TASK.replace("test_split: test", "test_split: dev"), None, "the split dev of json is not on this machine"),
        (TASK, '{"question": 1', "rows.jsonl cannot be read"),
        (TASK, "[1, 2]", "row 1: expected an object, found int"),
        (TASK + "include: wells.yaml\n", None, "includes itself"),
        (TASK, "", "is empty"),
    ],
)
def test_what_cannot_be_asked_says_why(tmp_path: Path, task: str, rows: str | None, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_suite(written(tmp_path, task, rows))
    assert why in str(caught.value)


def test_a_missing_task_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_suite(tmp_path / "none.yaml")
