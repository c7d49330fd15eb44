"""A suite is read whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from unmoor.commands import cli
from unmoor.errors import UsageError
from unmoor.evaluation import Prompt, join_suites, read_suite

PAIRED = '{{"id": "{}", "group": "g", "prompt": "x", "pair": "p", "side": "{}"}}\n'


def test_prompts_are_read_in_order_and_blank_lines_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text(
        '\ufeff{"id": "a", "group": "g", "prompt": "Why?"}\n\n{"id": "b", "group": "g", "prompt": "How\\u2028?"}\n'
    )
    assert read_suite(path) == (
        Prompt("a", "g", "Why?", suite="suite"),
        Prompt("b", "g", "How\u2028?", suite="suite"),
    )


def test_what_may_be_left_out_may_be_null(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    nulls = '"check": null, "pair": null, "side": null, "suite": null'
    path.write_text(f'{{"id": "a", "group": "g", "prompt": "Why?", {nulls}}}\n')
    assert read_suite(path) == (Prompt("a", "g", "Why?", suite="suite"),)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "is empty"),
        ("null\n", ":1: expected an object"),
        ('{"id": "a"', ":1: not JSON"),
        ('{"id": "a", "group": "g", "promt": "x"}', 'unknown key "promt". Did you mean "prompt"'),
        ('{"id": "a", "group": "g", "prompt": " "}', '"prompt" must be text and not empty'),
        ('{"id": "a", "group": "g"}', '"prompt" must be text'),
        ('{"id": "a", "group": "g", "prompt": "x"}\n{"id": "a", "group": "g", "prompt": "y"}', "occurs twice"),
        ('{"id": "a", "group": "g", "prompt": "x", "chek": {}}', 'unknown key "chek". Did you mean "check"'),
        ('{"id": "a", "prompt": "x", "check": {"kind": "lines", "count": 1}}', ':1: "group" must be text'),
        (
            '\n{"id": "a", "group": "g", "prompt": "x", "check": {"kind": "numbr", "value": 3}}',
            'suite.jsonl:2: check: unknown kind "numbr". Did you mean "number"?',
        ),
        ('{"id": "a", "group": "g", "prompt": "x", "check": "number"}', ":1: check: expected an object"),
        ('{"id": "a", "group": "g", "prompt": "x", "pair": "p"}', ':1: "pair" needs a "side", "a" or "b"'),
        (
            '{"id": "a", "group": "g", "prompt": "x", "pair": "p", "side": "c"}',
            ':1: "side" must be "a" or "b", found "c"',
        ),
        ('{"id": "a", "group": "g", "prompt": "x", "side": "a"}', ':1: "side" needs a "pair"'),
        ('{"id": "a", "group": "g", "prompt": "x", "pair": 1, "side": "a"}', ':1: "pair" must be text'),
        (PAIRED.format("a", "a") + PAIRED.format("b", "a"), 'the pair "p" has the side "a" twice'),
        (PAIRED.format("a", "a"), 'the pair "p" has no side "b"'),
    ],
)
def test_what_is_no_suite_says_where(tmp_path: Path, content: str, why: str) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        read_suite(path)
    assert why in str(caught.value)


def test_bytes_that_are_no_text_say_where(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_bytes(b'{"id": "\xff"}\n')
    with pytest.raises(UsageError, match=":1: not JSON"):
        read_suite(path)


def test_a_prompt_is_as_long_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text(f'prompt,type\n"{"a" * 140_000}",x\n')
    assert [len(prompt.text) for prompt in read_suite(path)] == [140_000]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            '{"prompt": [{"role": "user", "content": "Why?"}]}',
            ':1: "prompt" must be text, found list. Next: write the user',
        ),
        ('{"text": "", "question": {"a": 1}}', ':1: "question" must be text, found dict'),
        ('{"prompt": "hi \\ud83d there"}', "prompt 1: '\\ud83d' is half a character"),
        ('{"id": "1", "group": "\\ud83d", "prompt": "hi"}', "prompt 1: '\\ud83d' is half a character"),
    ],
)
def test_a_prompt_that_is_no_text_is_refused(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(UsageError) as caught:
        read_suite(path)
    assert why in str(caught.value)


def test_a_missing_suite_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_suite(tmp_path / "none.jsonl")


def test_a_file_can_hold_several_suites_and_xstests_labels_are_never_counted_together(tmp_path: Path) -> None:
    own = tmp_path / "mine.jsonl"
    own.write_text(
        '{"id": "1", "group": "g", "prompt": "Why?", "suite": "control"}\n{"id": "2", "group": "g", "prompt": "How?"}\n'
    )
    assert [prompt.suite for prompt in read_suite(own)] == ["mine control", "mine"]
    table = tmp_path / "xstest.csv"
    table.write_text("id,prompt,type,label\n1,How?,homonyms,safe\n2,What?,contrast_homonyms,unsafe\n")
    assert [prompt.suite for prompt in read_suite(table)] == ["xstest safe", "xstest unsafe"]
    own.write_text('{"id": "1", "group": "g", "prompt": "Why?", "suite": 3}\n')
    with pytest.raises(UsageError, match='"suite" must be text'):
        read_suite(own)


def test_files_of_one_name_are_suites_of_their_own(tmp_path: Path) -> None:
    for number, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.jsonl").write_text(f'{{"id": "{number}", "group": "g", "prompt": "Why?"}}\n')
    names = [str(tmp_path / folder / "mine.jsonl") for folder in ("a", "b")]
    assert [prompt.suite for prompt in join_suites(names)] == [f"{name} mine" for name in names]
    with pytest.raises(UsageError, match="named twice"):
        join_suites([names[0], names[0]])


def test_a_wrong_check_is_said_before_a_model_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_judge(*_: object, **__: object) -> None:
        raise AssertionError("a judge was loaded before the suite was read")

    monkeypatch.setattr("unmoor.detectors.load_judge", load_judge)
    suite = tmp_path / "mine.jsonl"
    suite.write_text('{"id": "a", "group": "g", "prompt": "x", "check": {"kind": "number"}}\n')
    command = ["evaluate", "--model", "a=nowhere", "--suite", str(suite), "--judge", "hf:none"]
    done = CliRunner().invoke(cli, [*command, "-o", str(tmp_path / "out")])
    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == f'{suite}:1: check: number needs "value": a number'
    assert not (tmp_path / "out").exists()


def test_tables_without_ids_of_their_own_can_be_asked_together(tmp_path: Path) -> None:
    (tmp_path / "hard.csv").write_text("prompt,category\nWhy?,a\nHow?,a\n")
    (tmp_path / "xs.csv").write_text("id,prompt,type\n2,Who?,b\n")
    (tmp_path / "own.jsonl").write_text('{"id": "one", "group": "c", "prompt": "When?"}\n')
    (other := tmp_path / "other").mkdir()
    (other / "hard.csv").write_text("prompt,category\nWhere?,a\n")
    names = [str(tmp_path / name) for name in ("hard.csv", "xs.csv", "own.jsonl")]
    assert [prompt.id for prompt in join_suites(names)] == ["hard:1", "hard:2", "xs:2", "one"]
    assert [prompt.id for prompt in join_suites(names[:1])] == ["1", "2"], "alone as before"
    hard = [names[0], str(other / "hard.csv")]
    assert [prompt.id for prompt in join_suites(hard)] == [f"{hard[0]}:1", f"{hard[0]}:2", f"{hard[1]}:1"]
    with pytest.raises(UsageError, match="named twice"):
        join_suites([*names, names[1]])
