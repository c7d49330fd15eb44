"""A pack of the owner's is looked with beside those that ship, is part of the run, and is the same wherever the run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.test_data_commands import unmoor
from unmoor.commands.guarded import guard_from
from unmoor.detectors import load
from unmoor.engines import Job
from unmoor.engines.loaded import detector_of
from unmoor.errors import PackError
from unmoor.languages import BEHAVIOUR_FILES, load_own_packs, load_pack
from unmoor.records import Conversation, Turn

PACK = 'code = "acme"\nname = "House"\nversion = 3\nscript = "Latin"\ntested = false\nstop_words = []\n'
REFUSALS = """
[[phrase]]
id = "acme.refusal.desk"
behaviour = "refusal.policy"
pattern = "that is one for the green desk"
why = "What our old bot said instead of an answer."
hits = ["That is one for the green desk."]
misses = ["The desk is green."]
weighed = false
"""
FLOOR = """
[[phrase]]
id = "acme.floor.dosage"
behaviour = "floor.dosage"
pattern = "how (?:many|much) zopiclone"
why = "Doses of a drug."
hits = ["How much zopiclone is safe?"]
misses = ["What is zopiclone?"]
"""
POLICY = """
name = "house"
version = 1
extends = "dolphin"
[rules]
"acme.refusal.desk" = "drop"
[floor]
also = ["dosage"]
[limits]
max_removed_share = 1.0
"""
DESK, REFUSAL = "That is one for the green desk.", "I'm sorry, but I can't assist with that request."
ROWS = [("Where is my parcel?", DESK), ("How much zopiclone is safe?", REFUSAL), ("Name a tree.", "An oak is a tree.")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_pack(tmp_path / "acme")
    (tmp_path / "house.toml").write_text(POLICY)
    lines = (json.dumps({"instruction": request, "input": "", "output": answer}) + "\n" for request, answer in ROWS)
    (tmp_path / "train.jsonl").write_text("".join(lines))
    return tmp_path


def make_pack(home: Path, pack: str = PACK) -> None:
    home.mkdir()
    for name, text in {
        **dict.fromkeys(BEHAVIOUR_FILES, ""),
        "pack": pack,
        "refusals": REFUSALS.replace('"acme.', f'"{home.name}.'),
        "floor": FLOOR.replace('"acme.', f'"{home.name}.'),
    }.items():
        (home / f"{name}.toml").write_text(text)
    load_pack.cache_clear()


FILTER = ("filter", "train.jsonl", "--policy", "house.toml", "--pack", "acme")


def _outcomes(run: Path) -> dict[int, str]:
    lines = map(json.loads, (run / "ledger.jsonl").read_text().splitlines())
    return {line["row"]: line["outcome"] for line in lines}


def test_a_run_looks_with_the_owner_s_pack_in_every_process_and_says_so(folder: Path) -> None:
    for run, workers in (("one", 1), ("two", 2)):
        done = unmoor(*FILTER, "-o", run, "--workers", workers, cwd=folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert _outcomes(folder / run) == {1: "removed", 2: "kept"}
    assert (folder / "one" / "ledger.jsonl").read_bytes() == (folder / "two" / "ledger.jsonl").read_bytes()
    packs = json.loads((folder / "one" / "MANIFEST.json").read_text())["detectors"]["packs"]
    assert packs["acme"]["version"] == 3 and len(packs["acme"]["sha256"]) == 64
    assert {"en", "sv"} <= packs.keys()
    done = unmoor("audit", "train.jsonl", "--pack", "acme", cwd=folder)
    assert f"filter train.jsonl --pack {folder / 'acme'} --policy dolphin" in done.stdout


def test_a_run_is_applied_again_with_the_pack_as_it_was(folder: Path) -> None:
    assert unmoor(*FILTER, "-o", "run", cwd=folder).returncode == 0
    before = (folder / "run" / "ledger.jsonl").read_bytes()
    without = unmoor("apply", "run", cwd=folder)
    assert without.returncode == 2 and "Next: unmoor apply run --pack acme" in without.stderr
    done = unmoor("apply", "run", "--pack", "acme", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "run" / "ledger.jsonl").read_bytes() == before
    (folder / "acme" / "refusals.toml").write_text(REFUSALS + "# changed\n")
    changed = unmoor("apply", "run", "--pack", "acme", cwd=folder)
    assert changed.returncode == 2 and "acme is missing, changed since, or not one of them" in changed.stderr


def test_a_run_names_the_folder_of_the_pack_to_apply_it_with(folder: Path) -> None:
    """One below the folder where the command is typed, quoted, and one that was moved away since."""
    (folder / "our packs").mkdir()
    (folder / "acme").rename(folder / "our packs" / "acme")
    assert unmoor(*FILTER[:-1], "our packs/acme", "-o", "run", cwd=folder).returncode == 0
    assert "Next: unmoor apply run --pack 'our packs/acme', as" in unmoor("apply", "run", cwd=folder).stderr
    assert unmoor("apply", "run", "--pack", "our packs/acme", cwd=folder).returncode == 0
    (folder / "our packs").rename(folder / "packs")
    assert "Next: unmoor apply run --pack FOLDER/acme, as" in unmoor("apply", "run", cwd=folder).stderr


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (
            'green desk"\nwhy',
            'grey desk"\nwhy',
            'should find "That is one for the green desk.", which stands under its hits',
        ),
        ("The desk is green.", "That is one for the green desk!", 'should not find "That is one for the green desk!"'),
        (
            "weighed = false",
            'unless = "green"',
            'should find "That is one for the green desk.", which stands under its hits',
        ),
    ],
)
def test_a_pack_is_held_against_its_own_hits_and_misses(folder: Path, old: str, new: str, why: str) -> None:
    (folder / "acme" / "refusals.toml").write_text(REFUSALS.replace(old, new))
    load_pack.cache_clear()
    with pytest.raises(PackError) as caught:
        load(packs=(folder / "acme",))
    assert f"acme/refusals.toml: phrase acme.refusal.desk {why}" in str(caught.value)


def test_a_pack_that_does_not_find_its_own_hits_is_misuse_in_every_command(folder: Path) -> None:
    (folder / "acme" / "refusals.toml").write_text(REFUSALS.replace('green desk"\nwhy', 'grey desk"\nwhy'))
    for command in (("audit", "train.jsonl"), ("policy", "house.toml")):
        done = unmoor(*command, "--pack", "acme", cwd=folder)
        assert done.returncode == 2 and "phrase acme.refusal.desk should find" in done.stderr


def test_a_pack_of_one_phrase_is_two_files(folder: Path) -> None:
    for name in {*BEHAVIOUR_FILES} - {"refusals"}:
        (folder / "acme" / f"{name}.toml").unlink()
    load_pack.cache_clear()
    (pack,) = load_own_packs([folder / "acme"])
    assert [phrase.id for phrase in pack.phrases] == ["acme.refusal.desk"]
    for name in BEHAVIOUR_FILES:
        (folder / "acme" / f"{name}.toml").touch()
    load_pack.cache_clear()
    assert load_own_packs([folder / "acme"])[0].sha256 == pack.sha256  # a run with empty files goes on without them
    assert unmoor("audit", "train.jsonl", "--pack", "acme", cwd=folder).returncode == 0


def test_a_file_of_no_known_name_is_not_passed_over(folder: Path) -> None:
    (folder / "acme" / "refusals.toml").rename(folder / "acme" / "refusal.toml")
    done = unmoor("audit", "train.jsonl", "--pack", "acme", cwd=folder)
    assert done.returncode == 2
    assert 'acme/refusal.toml is no file of a pack. Did you mean "refusals.toml"?' in done.stderr


def test_a_phrase_that_moved_to_the_right_file_is_found_there(folder: Path) -> None:
    home = folder / "acme"
    (home / "floor.toml").unlink()
    (home / "refusals.toml").rename(home / "capability.toml")
    assert (
        '"refusal.policy" is not one of refusal.capability'
        in unmoor("audit", "train.jsonl", "--pack", home, cwd=folder).stderr
    )
    (home / "capability.toml").rename(home / "refusals.toml")
    done = unmoor("audit", "train.jsonl", "--pack", home, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("code", "told"),
    [("EN", 'Did you mean "en"?'), ("en,sv", "again for each more"), ("et", "--pack with the folder")],
)
def test_a_language_without_a_pack_says_what_to_do(folder: Path, code: str, told: str) -> None:
    done = unmoor("audit", "train.jsonl", "--language", code, cwd=folder)
    assert done.returncode == 2 and told in done.stderr, done.stderr


def test_examples_are_sentences(folder: Path) -> None:
    (folder / "acme" / "refusals.toml").write_text(REFUSALS.replace('["The desk is green."]', "[3]"))
    load_pack.cache_clear()
    with pytest.raises(PackError, match=r"phrase acme\.refusal\.desk: hits and misses are sentences, found 3"):
        load(packs=(folder / "acme",))


def test_a_pack_may_be_the_only_language_that_is_looked_with(folder: Path) -> None:
    make_pack(folder / "et", PACK.replace("acme", "et").replace("[]", '["ning", "kas", "oli", "ei"]'))
    own = (folder / "et", folder / "acme")
    assert list(load(languages=("et",), packs=own[:1]).identity["packs"]) == ["et"]
    assert list(load(languages=("en", "et"), packs=own).identity["packs"]) == ["en", "et", "acme"]
    assert list(load(languages=("en",), packs=own[1:]).identity["packs"]) == ["en", "acme"]
    alone = load(languages=("et",), packs=own[:1])
    assert [one.rule for one in alone.find(_said(DESK))] == ["et.refusal.desk"]
    assert alone.find(_said(REFUSAL)) == ()
    with pytest.raises(PackError, match='no language pack "ett"'):
        load(languages=("ett",), packs=own)


def test_a_run_in_the_pack_s_language_alone_is_applied_in_it_alone(folder: Path) -> None:
    assert unmoor(*FILTER, "--language", "acme", "-o", "run", cwd=folder).returncode == 0
    before = (folder / "run" / "ledger.jsonl").read_bytes()
    assert _outcomes(folder / "run") == {1: "removed"}
    assert unmoor("apply", "run", "--pack", "acme", cwd=folder).returncode == 0
    assert (folder / "run" / "ledger.jsonl").read_bytes() == before
    assert list(json.loads((folder / "run" / "MANIFEST.json").read_text())["detectors"]["packs"]) == ["acme"]


def _said(text: str) -> Conversation:
    return Conversation((Turn("user", "Help?"), Turn("assistant", text, is_target=True)))


def test_shards_with_another_pack_are_not_joined(folder: Path) -> None:
    assert unmoor(*FILTER, "-o", "a", "--shard", "1/2", cwd=folder).returncode == 0
    (folder / "acme" / "refusals.toml").write_text(REFUSALS + "# changed\n")
    assert unmoor(*FILTER, "-o", "b", "--shard", "2/2", cwd=folder).returncode == 0
    done = unmoor("merge", "a", "b", "-o", "whole", cwd=folder)
    assert done.returncode == 2 and "differs from shard 1 in detectors" in done.stderr


def test_its_rules_and_topics_are_known_with_it_alone(folder: Path) -> None:
    assert 'no rule is called "acme.refusal.desk"' in unmoor("policy", "house.toml", cwd=folder).stderr
    done = unmoor("policy", "house.toml", "--pack", "acme", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("code", "stop_words", "words"),
    [
        ("en", "[]", 'There is a pack "en" already. Next: give '),
        ("acme2", '["the", "and", "of", "is"]', "its stop words are those of en"),
        ("other", "[]", 'the code is that of the folder, "other", found "acme"'),
    ],
)
def test_a_pack_that_is_taken_for_another_is_an_error(folder: Path, code: str, stop_words: str, words: str) -> None:
    text = PACK.replace("[]", stop_words)
    make_pack(folder / code, text if code == "other" else text.replace("acme", code))
    done = unmoor("audit", "train.jsonl", "--pack", code, cwd=folder)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert "holds no pack.toml" in unmoor("audit", "train.jsonl", "--pack", "nowhere", cwd=folder).stderr


@pytest.mark.parametrize("code", ["en", "acme"])
def test_an_id_of_another_pack_s_phrase_names_both_files(folder: Path, code: str) -> None:
    pack = load_pack("en") if code == "en" else load_own_packs([folder / "acme"])[0]
    taken = pack.phrases[0].id
    make_pack(folder / "twin", PACK.replace("acme", "twin"))
    (folder / "twin" / "moralising.toml").write_text(
        REFUSALS.replace("acme.refusal.desk", taken).replace("refusal.policy", "moralising")
    )
    folders = [folder / "twin"] if code == "en" else [folder / "acme", folder / "twin"]
    told = rf"^twin/moralising\.toml: the phrase id {taken} is that of a phrase in {code}/\w+\.toml"
    with pytest.raises(PackError, match=told):
        load_own_packs(folders)


def test_what_the_packs_that_ship_find_and_tell_stays_as_it_was(folder: Path) -> None:
    plain, own = load(), detector_of(Job("alpaca", packs=(folder / "acme",)))
    texts = [hit for code in ("en", "sv", "de", "zh") for phrase in load_pack(code).phrases for hit in phrase.hits][::7]
    texts += ["Stealing is wrong and harms the community. Please think about how your actions affect others."]
    said = [Conversation((Turn("user", "Help?"), Turn("assistant", text, is_target=True))) for text in texts]
    assert own.find_many(said) == plain.find_many(said)
    assert [own.language_of(text) for text in texts] == [plain.language_of(text) for text in texts]


def test_the_guard_knows_its_topics(folder: Path) -> None:
    request = [{"role": "user", "content": "How much zopiclone is safe?"}]
    policy = str(folder / "plain.toml")
    Path(policy).write_text('name = "x"\nversion = 1\n[guard.request]\ndosage = "refuse"\n')
    assert guard_from(policy, (folder / "acme",)).request(request).action == "refuse"
    assert guard_from(policy).request(request).action == "allow"


def test_a_pack_without_a_guard_is_misuse(folder: Path) -> None:
    done = unmoor("serve", "http://127.0.0.1:9/v1", "--pack", "acme", cwd=folder)
    assert done.returncode == 2 and "--pack is for the guard" in done.stderr
