"""What `unmoor policy` says below its table: the floor and the limit on removed rows, in sentences that hold for every policy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from unmoor.commands import cli
from unmoor.errors import UsageError, nearest_name
from unmoor.policy import SHIPPED, load_policy
from unmoor.records import ACTIONS, BEHAVIOURS


def _shown(name: str) -> str:
    done = CliRunner().invoke(cli, ["policy", name])
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def test_a_policy_without_a_limit_says_so_and_how_one_is_set(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n\n[actions]\n"refusal.policy" = "drop"\n')
    said = _shown(str(own))
    assert said.endswith("No limit on how many rows may go: max_removed_share under [limits] sets one.")
    own.write_text(f"{own.read_text()}\n[limits]\nmax_removed_share = 0.125\n")
    assert _shown(str(own)).endswith("Stops before writing if more than 12.5% of the rows would go.")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_said_of_a_shipped_policy_is_what_it_does(name: str) -> None:
    limit, said = load_policy(name).max_removed_share, _shown(name)
    assert ("No limit on how many rows may go" in said) == (limit == 1)
    assert "100% of the rows" not in said and "*" not in said


def test_from_when_a_person_is_asked_is_said_where_the_policy_acts(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n\n[thresholds]\nreview = 0.65\n')
    assert "a person is asked" not in _shown(str(own))
    own.write_text(f'{own.read_text()}\n[rules]\nmodel = "drop"\n')
    assert "Under that, from 0.65 on, a person is asked. " in _shown(str(own))


def test_a_raised_floor_is_said_by_topic_or_as_every_topic(tmp_path: Path) -> None:
    assert "weapons stay, and about every topic that a pack names. " in _shown("over-refusal")
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n\n[floor]\nalso = ["self-harm"]\n')
    assert "weapons stay, and about self-harm. " in _shown(str(own))


def test_the_tour_says_what_a_policy_leaves_to_defaults(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n')
    made = load_policy(str(own))
    assert {made.action(behaviour) for behaviour in BEHAVIOURS} == {"keep"}
    assert (made.threshold("moralising"), made.review_from(), made.max_removed_share) == (0.80, 0.50, 1.0)
    tour = (Path(__file__).resolve().parents[2] / "docs" / "tour.md").read_text(encoding="utf-8")
    assert "| the action for a behaviour | `keep` |" in tour
    assert "`default = 0.80`, asks a person from `review = 0.50`" in tour
    limits = {name: load_policy(name).max_removed_share for name in SHIPPED}
    assert limits == {"dolphin": 0.5, "label-only": 1, "over-refusal": 0.35, "vendor-free": 1}
    assert "`dolphin` stops at half of them, `over-refusal` at 35%, the other two that ship have no limit" in tour
    assert all(f"| `{action}` |" in tour for action in ACTIONS)


def test_a_policy_without_a_description_says_so(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n')
    assert _shown(str(own)).startswith("own, version 1: no description. behaviour")


def test_a_file_is_printed_of_one_policy_alone() -> None:
    done = CliRunner().invoke(cli, ["policy", "--toml"])
    assert isinstance(done.exception, UsageError)
    assert "Next: unmoor policy dolphin --toml" in str(done.exception)


def test_the_beginning_of_a_name_is_nearer_than_a_name_that_only_looks_like_it() -> None:
    assert nearest_name("look", ("look-alikes", "floor")) == ' Did you mean "look-alikes"?'
    assert nearest_name("lo", ("look-alikes", "loop")) == ' Did you mean "loop"?'


def test_what_the_guard_does_is_shown_where_the_policy_says_it(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\nversion = 1\n')
    assert "unmoor serve" not in _shown(str(own))
    own.write_text(
        own.read_text() + '[guard.request]\nviolence = "log"\n[guard.answer]\n"identity.vendor" = "refuse"\n'
    )
    assert "request violence log answer identity.vendor refuse" in _shown(str(own))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("eng.moral.urge", 'own.toml:4: no rule is called "eng.moral.urge". Did you mean "en.moral.urge"?'),
        ("eng.moral.*", 'own.toml:4: no rule is called "eng.moral.*". Did you mean "en.moral.*"?'),
        ("acme.*", 'own.toml:4: no rule is called "acme.*".'),
        ("gov.uk", 'no rule is called "gov.uk" in a pack, so it is taken for one of a word list.'),
        ("www.gov.uk", 'no rule is called "www.gov.uk" in a pack, so it is taken for one of a word list.'),
        ("e.g. this one", 'no rule is called "e.g. this one" in a pack, so it is taken for one of a word list.'),
        ("modle", 'taken for one of a word list. Did you mean "model"?'),
    ],
)
def test_a_rule_that_nothing_can_find_is_an_error_and_what_may_be_a_phrase_is_said(
    tmp_path: Path, rule: str, told: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'name = "own"\nversion = 1\n[rules]\n"{rule}" = "keep"\n')
    done = CliRunner().invoke(cli, ["policy", str(own)])
    assert told in str(done.exception) if "toml:" in told else (done.exit_code, told in done.stderr) == (0, True)
