"""The guard's table is checked like the rest of a policy, and no key of it opens the floor."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmoor.errors import PolicyError
from unmoor.policy import load_policy, policy_of_run

HEAD = 'name = "house"\nversion = 1\n'


def _load(folder: Path, text: str, head: str = HEAD) -> object:
    (folder / "house.toml").write_text(head + text)
    return load_policy(str(folder / "house.toml")).guard


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "[guard]\nhold_bak_chars = 3\n",
            r'house\.toml:4: unknown key "hold_bak_chars".* Did you mean "hold_back_chars"',
        ),
        ("[guard]\nhold_back_chars = 0\n", "from 1 to 4000"),
        ('[guard]\nwords = ""\n', "what the guard says"),
        ('[guard.request]\nminors = "allow"\n', "on the floor: requests about it are refused, always"),
        ('[floor]\nalso = ["dosage"]\n[guard.request]\ndosage = "log"\n', "dosage is on the floor"),
        ('[guard.request]\ndosage = "refus"\n', 'unknown action "refus"\\. Did you mean "refuse"'),
        ('[guard.request]\n"identity.vendor" = "log"\n', r"belongs under \[guard\.answer\]"),
        ('[guard.answer]\n"identity.vendr" = "log"\n', 'Did you mean "identity.vendor"'),
        ('[guard.answer]\nmoralising = "note"\n', "a note is for requests"),
        ('[guard.answer]\nminors = "log"\n', "stopped, always"),
        ("guard = 3\n", r"\[guard\] should be a table"),
    ],
)
def test_what_makes_no_sense_is_said_with_file_and_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        _load(tmp_path, text)


def test_a_policy_builds_on_the_guard_of_the_one_it_extends(tmp_path: Path) -> None:
    text = '[floor]\nalso = ["dosage"]\n[guard.answer]\nmoralising = "log"\n[guard.say]\ndosage = "Ask a doctor."\n'
    rules = _load(tmp_path, text, HEAD + 'extends = "dolphin"\n')
    assert rules.answer == {"identity.vendor": "log", "mass-casualty": "log", "moralising": "log"}  # type: ignore[attr-defined]
    assert rules.floor == ("minors", "mass-casualty", "dosage")  # type: ignore[attr-defined]
    assert rules.words_for("dosage") == "Ask a doctor."  # type: ignore[attr-defined]


def test_a_topic_that_is_raised_later_is_refused_and_the_run_s_policy_can_be_read_back(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(HEAD + 'extends = "dolphin"\n[guard.request]\nhacking = "note"\n')
    (tmp_path / "kid.toml").write_text(HEAD + 'extends = "base.toml"\n[floor]\nalso = ["hacking"]\n')
    policy = load_policy(str(tmp_path / "kid.toml"))
    assert policy.guard.request["hacking"] == "refuse"
    assert policy_of_run(policy.as_json(), policy.source, "run") == policy


def test_the_source_of_a_policy_that_extends_can_be_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text(HEAD + 'extends = "dolphin"\n[limits]\nmax_removed_share = 0.2\n')
    policy = load_policy(str(tmp_path / "house.toml"))
    (tmp_path / "again.toml").write_text(policy.source)
    assert load_policy(str(tmp_path / "again.toml")) == policy
