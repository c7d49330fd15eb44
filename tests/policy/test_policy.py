"""A policy file is checked key by key, and its errors lead to the line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from unmoor.errors import PolicyError
from unmoor.policy import SHIPPED, Policy, load_policy
from unmoor.records import ACTIONS, BEHAVIOURS, FLOOR_TOPICS, Finding

HOUSE = """\
name = "house"
version = 2
extends = "dolphin"

[actions]
"refusal.capability" = "drop"

[thresholds]
"refusal.policy" = 0.9
review = 0.4

[floor]
also = ["medical-dosage"]

[limits]
max_removed_share = 0.2
"""


def _write(folder: Path, text: str) -> str:
    path = folder / "house.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_names_every_behaviour(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert set(policy.actions) == {*BEHAVIOURS, "wordlist"}
    assert set(policy.actions.values()) <= set(ACTIONS)
    assert policy.description.endswith(".")


def test_a_policy_takes_from_the_one_it_extends_what_it_does_not_say(tmp_path: Path) -> None:
    policy = load_policy(_write(tmp_path, HOUSE))
    assert policy.name == "house"
    assert policy.action("refusal.capability") == "drop"
    assert policy.action("refusal.policy") == load_policy("dolphin").action("refusal.policy")
    assert policy.threshold("refusal.policy") == 0.9
    assert policy.threshold("moralising") == load_policy("dolphin").threshold("moralising")
    assert policy.review_from() == 0.4
    assert policy.max_removed_share == 0.2
    assert policy.is_floor_topic("medical-dosage")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('"refusal.capability" = "drop"', '"refusal.capabilty" = "drop"', 6, 'Did you mean "refusal.capability"'),
        ('"refusal.capability" = "drop"', '"refusal.capability" = "drpo"', 6, 'Did you mean "drop"'),
        ('"refusal.capability" = "drop"', 'refusal.capability = "drop"', 6, "are quoted"),
        ("version = 2", "version = 2\ncolour = 1", 3, 'unknown key "colour"'),
        ("version = 2", 'version = "two"', 2, "whole number"),
        ("version = 2", "version = -1", 2, "whole number from 0"),
        ('name = "house"', 'name = "ho\\nuse"', 1, "one line without control characters"),
        ('name = "house"', 'name = "ho\\u001b[1muse"', 1, "one line without control characters"),
        ('extends = "dolphin"', 'extends = "dolfin"', 3, 'Did you mean "dolphin"'),
        ('"refusal.policy" = 0.9', '"refusal.policy" = 9', 9, "probability"),
        (
            '"refusal.policy" = 0.9',
            "refusal.capability = 0.9",
            9,
            'unknown threshold "refusal". Behaviours with a dot are quoted',
        ),
        ("review = 0.4", "review = 0.95", 10, "uncertain band"),
        ('also = ["medical-dosage"]', 'remove = ["minors"]', 13, "never lowered"),
        ('also = ["medical-dosage"]', 'also = "minors"', 13, "list of topic names"),
        ("max_removed_share = 0.2", "max_removed_shre = 0.2", 16, 'Did you mean "max_removed_share"'),
        ("max_removed_share = 0.2", "max_removed_share = 20", 16, "share from 0 to 1"),
    ],
)
def test_an_error_names_the_line_the_key_and_the_nearest_name(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(_write(tmp_path, HOUSE.replace(old, new)))
    assert f"house.toml:{line}: " in str(caught.value)
    assert words in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_policy(tmp_path: Path) -> None:
    plain = load_policy(_write(tmp_path, HOUSE))
    assert load_policy(_write(tmp_path, "\ufeff" + HOUSE)) == plain


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="line 2"):
        load_policy(_write(tmp_path, 'name = "x"\nversion = = 1\n'))


def test_a_policy_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match='Did you mean "dolphin"'):
        load_policy("dolphn")
    with pytest.raises(PolicyError, match="no policy file"):
        load_policy(str(tmp_path / "absent.toml"))


def test_no_policy_can_lower_the_floor() -> None:
    for topic in FLOOR_TOPICS:
        assert Policy("anything", 1).is_floor_topic(topic)
        for name in SHIPPED:
            assert load_policy(name).is_floor_topic(topic)


OWN = """\
name = "house"
version = 1
extends = "dolphin"

[rules]
"en.moral.urge" = "drop_turn"
"en.moral.*" = "keep"

[except]
phrases = ["We cannot refund"]
"""
IDS = ("en.moral.urge", "en.moral.curiosity", "hi.moral.urge", "zh.moralising.wrong", "model")


def _about(rule: str, behaviour: str = "moralising") -> Finding:
    return Finding(behaviour, 1, 0, 1, "x", rule, 0.9)


def test_a_rule_stands_over_its_behaviour_and_the_longest_name_over_the_others(tmp_path: Path) -> None:
    policy = load_policy(_write(tmp_path, OWN), lambda: IDS)
    assert policy.action_on(_about("en.moral.urge")) == "drop_turn"
    assert policy.action_on(_about("en.moral.curiosity")) == "keep"
    assert policy.action_on(_about("sv.moral.x")) == load_policy("dolphin").action("moralising")
    assert policy.phrases == ("We cannot refund",)
    assert "drop_turn" in policy.all_actions()


def test_rules_and_exceptions_are_part_of_the_plan(tmp_path: Path) -> None:
    told = load_policy(_write(tmp_path, OWN)).as_json()
    assert told["rules"] == {"en.moral.urge": "drop_turn", "en.moral.*": "keep"}
    assert told["except"] == {"phrases": ["We cannot refund"]}


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        (
            '"en.moral.urge" = ',
            '"en.moral.urg" = ',
            6,
            'no rule is called "en.moral.urg". Did you mean "en.moral.urge"',
        ),
        ('"en.moral.*" = ', '"en.morals.*" = ', 7, 'Did you mean "en.moral.*"'),
        ('"en.moral.*" = ', '"en.*.urge" = ', 7, "no rule is called"),
        ('"en.moral.*" = ', '"zh.moral.*" = ', 7, 'Did you mean "zh.moralising.*"'),
        (
            '"en.moral.*" = "keep"',
            '"en.moral.*" = "kep"',
            7,
            'unknown action "kep" for en.moral.*. Did you mean "keep"',
        ),
        ('"en.moral.*" = "keep"', 'model.x = "keep"', 7, "are quoted"),
        ("phrases = ", "phrase = ", 10, 'unknown key "phrase" in [except]. Did you mean "phrases"'),
        ('["We cannot refund"]', '"We cannot refund"', 10, "a list"),
        ('["We cannot refund"]', '["We cannot\\nrefund"]', 10, "words on one line"),
        ('["We cannot refund"]', '["?"]', 10, "words on one line"),
    ],
)
def test_an_error_in_rules_or_exceptions_names_the_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(_write(tmp_path, OWN.replace(old, new)), lambda: IDS)
    assert f"house.toml:{line}: " in str(caught.value)
    assert words in str(caught.value)


def test_a_threshold_under_the_review_is_refused_where_only_a_rule_acts(tmp_path: Path) -> None:
    text = 'name = "x"\nversion = 1\n[rules]\nmodel = "drop"\n[thresholds]\ndefault = 0.3\n'
    with pytest.raises(PolicyError, match="uncertain band"):
        load_policy(_write(tmp_path, text))


def _chain(folder: Path, **bases: str) -> Path:
    for name, base in bases.items():
        extends = f'extends = "{base}"\n' if base else ""
        (folder / f"{name}.toml").write_text(f'name = "{name}"\nversion = 1\n{extends}')
    return folder


def test_a_policy_extends_another_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "house.toml").write_text(OWN + '[floor]\nalso = ["medical-dosage"]\n')
    team = tmp_path / "rules" / "team.toml"
    team.write_text(
        'name = "team"\nversion = 3\nextends = "./house.toml"\n'
        '[rules]\n"en.moral.urge" = "label"\n[except]\nphrases = ["Ask the desk"]\n'
    )
    monkeypatch.chdir(tmp_path)
    policy = load_policy("rules/team.toml", lambda: IDS)
    assert (policy.name, policy.version) == ("team", 3)
    assert policy.actions == load_policy("dolphin").actions
    assert policy.rules == {"en.moral.urge": "label", "en.moral.*": "keep"}
    assert policy.phrases == ("We cannot refund", "Ask the desk")
    assert policy.floor_also == ("medical-dosage",)


def test_the_hash_covers_the_files_that_a_policy_extends(tmp_path: Path) -> None:
    _chain(tmp_path, team="house.toml", house="base.toml", base="")
    before = load_policy(str(tmp_path / "team.toml"))
    (tmp_path / "base.toml").write_text((tmp_path / "base.toml").read_text() + "# a word more\n")
    after = load_policy(str(tmp_path / "team.toml"))
    assert before.as_json()["sha256"] != after.as_json()["sha256"]
    assert "a word more" in after.source
    assert tomllib.loads(after.source) == {"name": "team", "version": 1, "extends": "house.toml"}


@pytest.mark.parametrize(
    ("bases", "words"),
    [
        ({"team": "./hose.toml"}, 'extends "./hose.toml", and there is no file'),
        ({"team": "./team.toml"}, "a circle: team.toml, team.toml"),
        ({"team": "house.toml", "house": "./team.toml"}, "a circle: team.toml, house.toml, team.toml"),
        ({"team": "house"}, "or a .toml file beside it"),
    ],
)
def test_a_policy_that_extends_what_is_not_there_or_itself_is_an_error(
    tmp_path: Path, bases: dict[str, str], words: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policy(str(_chain(tmp_path, **bases) / "team.toml"))
    assert ".toml:3: " in str(caught.value)
    assert words in str(caught.value)


def test_an_error_in_a_file_that_is_extended_names_that_file(tmp_path: Path) -> None:
    _chain(tmp_path, team="house.toml", house="")
    (tmp_path / "house.toml").write_text('name = "house"\nversion = 1\n[rules]\n"en.moral.urg" = "keep"\n')
    with pytest.raises(PolicyError, match=r"house\.toml:4: no rule is called"):
        load_policy(str(tmp_path / "team.toml"), lambda: IDS)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('[floor]\nalso = []\n\n[actions]\n"moralising" = "drop"\n"refusal.policy" = "drp"\n', 8),
        ('[floor]\nalso = []\n[ actions ] # what happens\nmoralising = "drop"\n\'refusal.policy\' = "drp"\n', 7),
        ('description = """\n[actions]\n"refusal.policy" = "drop"\n"""\nactions."refusal.policy" = "drp"\n', 7),
        ('floor = {also = []}\nactions = {moralising = "drop", "refusal.policy" = "drp"}\n', 4),
        ('[floor]\nalso = [\n"a", # ]\n"b",\n]\n[[actions]]\n"refusal.policy" = "drop"\n', 8),
        ('[floor]\nalso = []\n[guard]\nhold_back_chars = 9\nanswer = {minors = "log"}\n', 7),
        ('guard.hold_back_chars = 9\nguard.answer.minors = "log"\n', 4),
        ('[guard]\nhold_back_chars = 9\n[guard.answers]\nminors = "refuse"\n', 5),
        ('[floor]\nalso = []\n[[guard.answer]]\nminors = "refuse"\n', 5),
        ('[floor]\nalso = []\n[actions.refusal]\npolicy = "drop"\n', 5),
        ('extends = "dolphin"\n[thresholds]\nmoralising = 0.2\n', 4),
    ],
)
def test_an_error_names_the_line_however_the_key_is_written(tmp_path: Path, written: str, line: int) -> None:
    path = tmp_path / "house.toml"
    path.write_text(f'name = "house"\nversion = 1\n{written}')
    with pytest.raises(PolicyError, match=rf"house\.toml:{line}: "):
        load_policy(str(path))
