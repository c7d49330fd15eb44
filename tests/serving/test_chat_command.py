"""`unmoor chat` on a real tiny model, typed at through a pipe."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from unmoor.commands.chat import command
from unmoor.errors import MachineError, UsageError
from unmoor.serving import RemoteModel
from unmoor.serving.local_model import Message

pytestmark = pytest.mark.slow


def test_a_talk_is_answered_and_saved(tiny_base: Path, tmp_path: Path) -> None:
    saved = tmp_path / "talk.jsonl"
    typed = f"/persona dolphin\nHello\n/persna\n\n/save {saved}\n/quit\nnever read\n"
    result = CliRunner().invoke(command, [str(tiny_base), "--max-new-tokens", "6"], input=typed)
    assert result.exit_code == 0, result.output
    assert "A new conversation with persona dolphin." in result.output
    assert "There is no command /persna. Did you mean" in result.output
    messages = json.loads(saved.read_text())["messages"]
    assert messages[0]["content"].startswith("You are Dolphin")
    assert messages[1] == {"role": "user", "content": "Hello"}


def test_a_line_that_is_no_text_is_not_sent(tiny_base: Path, tmp_path: Path) -> None:
    saved = tmp_path / "talk.jsonl"
    typed = b"\xff\xfe hi\nHello\n/save " + str(saved).encode() + b"\n"
    result = CliRunner().invoke(command, [str(tiny_base), "--max-new-tokens", "6"], input=typed)
    assert result.exit_code == 0, result.output
    assert "That line is not UTF-8 text; it was not sent." in result.output
    assert [one["content"] for one in json.loads(saved.read_text())["messages"] if one["role"] == "user"] == ["Hello"]


def test_another_persona_brings_its_own_sampling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hot.toml").write_text('name = "hot"\nsystem = "Be hot."\n[sampling]\ntemperature = 1.9\n')
    sent: list[dict[str, float]] = []

    def answer(model: RemoteModel, _chat: object, _most: int) -> Iterator[str]:
        sent.append(dict(model.sampling))
        yield "Yes."

    monkeypatch.setattr(RemoteModel, "answer", answer)
    monkeypatch.setattr("unmoor.commands.chat.open_url", lambda url, key, *_model, **_told: RemoteModel("m", url, key))
    typed = f"Hi\n/persona {tmp_path / 'hot.toml'}\nHi\n/persona plain\nHi\n"
    assert CliRunner().invoke(command, ["http://127.0.0.1:1/v1"], input=typed).exit_code == 0
    assert sent == [{}, {"temperature": 1.9}, {}]


@pytest.mark.parametrize(("options", "most"), [([], [512, 9, 512]), (["--max-new-tokens", "5"], [5, 5, 5])])
def test_a_persona_says_where_answers_end_unless_the_command_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], most: list[int]
) -> None:
    (tmp_path / "terse.toml").write_text('name = "terse"\nsystem = "Be terse."\n[sampling]\nmax_tokens = 9\n')
    asked: list[int] = []

    def answer(_model: RemoteModel, _chat: object, new_tokens: int) -> Iterator[str]:
        asked.append(new_tokens)
        yield "Yes."

    monkeypatch.setattr(RemoteModel, "answer", answer)
    monkeypatch.setattr("unmoor.commands.chat.open_url", lambda url, key, *_model, **_told: RemoteModel("m", url, key))
    typed = f"Hi\n/persona {tmp_path / 'terse.toml'}\nHi\n/persona plain\nHi\n"
    assert CliRunner().invoke(command, ["http://127.0.0.1:1/v1", *options], input=typed).exit_code == 0
    assert asked == most


def test_an_answer_that_failed_in_a_pipe_is_the_machine_s_error_after_the_other_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def answer(_model: RemoteModel, chat: Sequence[Message], _most: int) -> Iterator[str]:
        if chat[-1]["content"] == "500":
            raise MachineError("The server answers 500: it does not say why")
        yield f"Yes to {chat[-1]['content']}."

    monkeypatch.setattr(RemoteModel, "answer", answer)
    monkeypatch.setattr("unmoor.commands.chat.open_url", lambda url, key, *_model, **_told: RemoteModel("m", url, key))
    result = CliRunner().invoke(command, ["http://127.0.0.1:1/v1"], input="500\nHello\n")
    assert "Yes to Hello." in result.output
    assert isinstance(result.exception, MachineError)
    assert str(result.exception) == "1 question got no answer; why stands above"


def test_the_end_of_the_input_ends_the_talk(tiny_base: Path) -> None:
    assert CliRunner().invoke(command, [str(tiny_base)], input="").exit_code == 0


def test_a_missing_model_or_persona_is_a_usage_error(tiny_base: Path, tmp_path: Path) -> None:
    for arguments, why in (
        ([str(tmp_path / "none")], "There is no model folder"),
        ([str(tiny_base), "--persona", "dolfin"], 'Did you mean "dolphin"'),
    ):
        result = CliRunner().invoke(command, arguments, input="")
        assert isinstance(result.exception, UsageError)
        assert why in str(result.exception)
