"""The chat's state: what is sent, what commands do, what may reach the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from unmoor.errors import UsageError
from unmoor.serving import COMMANDS, Chat, load_persona, persona_names, printable


def talked() -> Chat:
    chat = Chat(load_persona("plain"))
    chat.ask("Why?")
    chat.reply(" Because. ")
    return chat


def test_everything_said_is_sent_after_the_system_prompt() -> None:
    assert [(m["role"], m["content"]) for m in talked().messages()] == [
        ("system", load_persona("plain").system),
        ("user", "Why?"),
        ("assistant", "Because."),
    ]
    assert Chat().messages() == []


def test_an_answer_without_words_takes_its_question_along() -> None:
    chat = talked()
    chat.ask("And now?")
    chat.reply(" \n")
    assert len(chat.said) == 2


def test_a_new_persona_begins_anew() -> None:
    chat = talked()
    assert "dolphin" in chat.command("/persona dolphin")
    assert [message["role"] for message in chat.messages()] == ["system"]
    assert "You are Dolphin" in chat.command("/persona")
    chat.command("/system You rhyme.")
    assert chat.messages() == [{"role": "system", "content": "You rhyme."}]
    assert chat.command("/system").startswith("System prompt: You rhyme.")
    assert chat.messages() == [{"role": "system", "content": "You rhyme."}]
    chat.command("/system none")
    assert chat.messages() == []
    assert chat.command("/system").startswith("System prompt: none")


def test_persona_alone_lists_those_that_ship_with_what_they_are_for() -> None:
    said = Chat(load_persona("plain")).command("/persona")
    assert said.startswith("Persona: plain. You are a helpful assistant.")
    for name in persona_names():
        assert f"{name}: {load_persona(name).about}" in said


def test_new_keeps_the_persona() -> None:
    chat = talked()
    chat.command("/new")
    assert chat.messages() == [{"role": "system", "content": load_persona("plain").system}]


def test_save_writes_a_row_in_the_messages_layout_and_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    chat = talked()
    assert "2 messages" in chat.command(f"/save {path}")
    assert json.loads(path.read_text()) == {"messages": chat.messages()}
    with pytest.raises(UsageError, match="exists already"):
        chat.command(f"/save {path}")
    with pytest.raises(UsageError, match="There is no folder"):
        chat.command(f"/save {tmp_path}/none/talk.jsonl")
    with pytest.raises(UsageError, match="needs a file"):
        chat.command("/save")


def test_help_names_every_command_and_quit_leaves() -> None:
    chat = Chat()
    assert all(name in chat.command("/help") for name in COMMANDS)
    assert not chat.is_over
    chat.command("/quit")
    assert chat.is_over


def test_a_slip_offers_the_nearest_command_and_changes_nothing() -> None:
    chat = talked()
    with pytest.raises(UsageError, match=r"no command /persna\. Did you mean"):
        chat.command("/persna dolphin")
    with pytest.raises(UsageError, match="Did you mean"):
        chat.command("/persona dolfin")
    assert len(chat.messages()) == 3


def test_no_control_character_reaches_the_terminal() -> None:
    assert printable("a\x1b[31mred\x07\r\u202eb\n\tc\u200dé") == "a[31mredb\n\tc\u200dé"


def test_two_models_have_a_history_each_and_undo_takes_back_both(tmp_path: Path) -> None:
    chat = Chat(load_persona("plain"), models=("raw", "filtered"))
    assert "side by side" in chat.command("/compare raw filtered")
    chat.ask("Why?")
    chat.reply("No.")
    chat.reply("Because.", 1)
    assert [chat.messages(i)[-1]["content"] for i in (0, 1)] == ["No.", "Because."]
    saved = chat.command(f"/save {tmp_path / 'both.jsonl'}")
    assert saved.startswith("4 messages and the system prompt in 2 rows written to ")
    rows = [json.loads(line) for line in (tmp_path / "both.jsonl").read_text().splitlines()]
    assert [row["model"] for row in rows] == ["raw", "filtered"]
    chat.command("/undo")
    assert chat.said == chat.said_too == []
    assert "nothing to take back" in chat.command("/undo")
    with pytest.raises(UsageError, match='Did you mean "filtered"'):
        chat.command("/compare raw filterd")
    with pytest.raises(UsageError, match="two models"):
        chat.command("/compare raw")
    chat.command("/compare")
    assert chat.compared == ()


def test_undo_takes_back_one_turn_of_each_model_also_where_one_said_nothing() -> None:
    chat = Chat(models=("raw", "filtered"))
    chat.command("/compare raw filtered")
    for question, answers in (("One?", ("a", "b")), ("Two?", ("c", " \n"))):
        chat.ask(question)
        for which, answer in enumerate(answers):
            chat.reply(answer, which)
    chat.command("/undo")
    assert [[message["content"] for message in chat.messages(i)] for i in (0, 1)] == [["One?", "a"], ["One?", "b"]]


def test_save_writes_no_file_where_nothing_was_said(tmp_path: Path) -> None:
    chat = Chat(load_persona("dolphin"))
    assert chat.command(f"/save {tmp_path / 'talk.jsonl'}") == "Nothing was said yet, so nothing was written."
    assert not (tmp_path / "talk.jsonl").exists()
