"""Personas: names that ship, files of one's own, and errors that help."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from unmoor.errors import UsageError
from unmoor.serving import NONE, Persona, load_persona, persona_names
from unmoor.serving.personas import SAMPLING


def test_the_personas_that_ship_load_and_say_what_they_are() -> None:
    assert persona_names() == ("none", "analyst", "dolphin", "plain", "writer")
    assert load_persona("none") == NONE
    for name in persona_names():
        persona = load_persona(name)
        assert persona.name == name
        assert persona.about
        assert (persona.system == "") == (name == "none")


def test_dolphin_follows_the_published_pattern() -> None:
    system = load_persona("dolphin").system
    for part in ("You are Dolphin", "uncensored and unbiased", "always answer", "earns", "refusal"):
        assert part in system
    assert "\n" not in system


def test_a_toml_file_is_a_persona(tmp_path: Path) -> None:
    path = tmp_path / "house.toml"
    path.write_text('name = "house"\nsystem = "  You work here.  "\n')
    assert load_persona(str(path)) == Persona("house", "You work here.")


def test_a_markdown_file_is_a_system_prompt(tmp_path: Path) -> None:
    path = tmp_path / "poet.md"
    path.write_text("\ufeffYou rhyme.\n\nAlways.\n")
    assert load_persona(str(path)) == Persona("poet", "You rhyme.\n\nAlways.", "From poet.md.")


def test_an_unknown_name_offers_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'no persona "dolfin"\. Did you mean "dolphin"'):
        load_persona("dolfin")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'name = "x"\nsytem = "y"', 'unknown key "sytem". Did you mean "system"'),
        (b'name = "x"', '"system" is missing or empty'),
        (b'system = "y"', '"name" is missing or empty'),
        (b'name = 3\nsystem = "y"', '"name" must be text, found int'),
        (b"name = ", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"#" * (257 * 1024), "has at most"),
    ],
)
def test_a_file_that_is_no_persona_says_why(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        load_persona(str(path))
    assert why in str(caught.value)


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_persona(str(tmp_path / "none.md"))
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_persona(str(tmp_path / "folder.toml"))


def test_the_page_on_chat_names_every_persona_and_its_example_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "chat.md").read_text(encoding="utf-8")
    assert [name for name in persona_names() if f"| `{name}` |" not in page] == []
    [example] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "own.toml").write_text(example, encoding="utf-8")
    assert load_persona(str(tmp_path / "own.toml")).sampling.keys() == SAMPLING.keys()


def test_sampling_defaults_are_read_and_checked(tmp_path: Path) -> None:
    assert load_persona("analyst").sampling == {"temperature": 0.2}
    for line, why in (
        ("temperatur = 1", 'Did you mean "temperature"'),
        ("temperature = 3", "from 0.0 to 2.0"),
        ("max_tokens = 2.5", "max_tokens should be"),
    ):
        (tmp_path / "own.toml").write_text(f'name = "own"\nsystem = "x"\n[sampling]\n{line}\n')
        with pytest.raises(UsageError, match=why):
            load_persona(str(tmp_path / "own.toml"))
