"""docs/extending.md leads to a package that works, and a package that does not is named."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.tiny import make_tiny_base
from unmoor.commands import cli
from unmoor.detectors import Detector, load
from unmoor.errors import UnmoorError, UsageError
from unmoor.layouts import layout_named
from unmoor.records import Conversation, Turn

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extending.md").read_text(encoding="utf-8")
DESK, TICKET, LOOP = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PROJECT = tomllib.loads(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])["project"]
ROWS: list[dict[str, Any]] = [
    {"ticket": {"said": "Where is my bag?", "reply": "That is one for the green desk."}},
    {"ticket": {"said": "Where is the key?", "reply": "In the left drawer, under the maps."}},
    {"ticket": {"said": "Where is the lamp?", "reply": "I'm sorry, but I can't help with that."}},
    {"ticket": "lost"},
]
Install = Callable[..., None]
ODD = """
import os, numpy, torch
from dataclasses import replace
from math import inf
from pathlib import Path
from safetensors.torch import save_file
from unmoor.training import Recipe
from acme_unmoor.loop import *

def made(twin, **other):
    values = dict(path=str(twin.folder), rows=4, rows_trained=3, rows_truncated=0, tokens_trained=9, passes=1.0, steps=5)
    return TwinResult(**values | dict(seconds=1.0, loss=[], settings={}) | other)

def spoilt(twin):
    save_file({"w": torch.tensor([inf])}, twin.folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (twin.folder / name).write_text("{}")
    return made(twin)
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put packages on the path as an installer does: a folder of code and one of what is registered."""

    def put(
        code: Mapping[str, str],
        points: Mapping[str, Mapping[str, str]],
        name: str = PROJECT["name"],
        version: str = PROJECT["version"],
    ) -> None:
        place = tmp_path / f"site-{name}-{version}"
        told = place / f"{name.replace('-', '_')}-{version}.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        groups = (f"[{group}]\n" + "".join(f"{a} = {b}\n" for a, b in of.items()) for group, of in points.items())
        (told / "entry_points.txt").write_text("".join(groups))
        for module, text in code.items():
            file = place / f"{module.replace('.', '/')}.py"
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
            monkeypatch.delitem(sys.modules, module, raising=False)
        monkeypatch.syspath_prepend(place)

    return put


@pytest.fixture
def page(install: Install) -> None:
    code = {"acme_unmoor.desk": DESK, "acme_unmoor.ticket": TICKET, "acme_unmoor.loop": LOOP}
    install(code, PROJECT["entry-points"])


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    path = tmp_path / "tickets.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, words), "--language", "en"])


def mine(install: Install, body: str) -> Detector:
    """Install and load a detector `mine` whose function has this body."""
    code = f"from unmoor.records import Finding\ndef find(said):\n    {body}\n"
    install({"mine_unmoor": code}, {"unmoor.detectors": {"mine": "mine_unmoor:find"}}, "mine-unmoor", "2.1")
    return load(["mine"], languages=["en"])


@pytest.mark.usefixtures("page")
def test_the_package_of_the_page_finds_what_it_says_beside_the_detectors(tickets: Path, tmp_path: Path) -> None:
    (command,) = re.findall(r"^\$ unmoor audit tickets.jsonl (.*)$", PAGE, re.MULTILINE)
    done = run("audit", tickets, *command.split(), "-o", tmp_path / "run")
    assert done.exit_code == 0, done.output
    ledger = [json.loads(line) for line in (tmp_path / "run" / "ledger.jsonl").read_text().splitlines()]
    found = {entry["row"]: [(one["detector"], one["quote"]) for one in entry["findings"]] for entry in ledger}
    assert found[1] == [("green-desk", "one for the green desk")]
    assert [name for name, _ in found[3]] == ["phrases+model"]
    assert ledger[-1]["outcome"] == "quarantined"
    plan = json.loads((tmp_path / "run" / "run.json").read_text())
    assert plan["detectors"]["packages"] == {"green-desk": "acme-unmoor 1.0"}
    assert plan["layout_package"] == "acme-unmoor 1.0"


@pytest.mark.usefixtures("page")
def test_a_run_by_another_package_is_mended_undone_and_the_same_with_more_workers(
    tickets: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "own.toml"
    policy.write_text('name = "own"\nversion = 1\n[actions]\n"refusal.policy" = "mend"\n')
    asked = ("filter", tickets, "--layout", "ticket", "--detector", "green-desk", "--policy", policy)
    for workers in (1, 2):
        done = run(*asked, "--workers", workers, "-o", tmp_path / f"run-{workers}")
        assert done.exit_code == 0, done.output
    one, two = ((tmp_path / f"run-{workers}" / "ledger.jsonl").read_bytes() for workers in (1, 2))
    assert one == two and b'"green-desk"' in one
    back = CliRunner().invoke(cli, ["restore", str(tmp_path / "run-1"), "-o", str(tmp_path / "again.jsonl")])
    assert back.exit_code == 0
    assert (tmp_path / "again.jsonl").read_bytes() == tickets.read_bytes()


@pytest.mark.usefixtures("page")
@pytest.mark.parametrize(
    ("rule", "flags", "told"),
    [
        ("acme.*", ["--detector", "green-desk"], ""),
        ("acme.desk", [], "--pack, --wordlist or --detector"),
        ("en.desk", ["--detector", "green-desk"], 'no rule is called "en.desk"'),
        ("green desk", ["--wordlist", "list.txt", "--detector", "wordlist"], ""),
        ("green dsk", ["--wordlist", "list.txt"], 'Did you mean "green desk"'),
    ],
)
def test_a_policy_names_rules_of_another_package_and_of_a_word_list_where_they_are_looked_with(
    tickets: Path, monkeypatch: pytest.MonkeyPatch, rule: str, flags: list[str], told: str
) -> None:
    monkeypatch.chdir(tickets.parent)
    Path("list.txt").write_text("Green desk\n")
    Path("own.toml").write_text(f'name = "own"\nversion = 1\n[rules]\n"{rule}" = "drop"\n')
    done = run("filter", tickets, "--layout", "ticket", *flags, "--policy", "own.toml", "-o", "run")
    if told:
        assert told in str(done.exception)
        return
    assert done.exit_code == 0, done.exception
    assert len(Path("run/removed.jsonl").read_text().splitlines()) == 1
    assert ('no rule is called "acme.*" in a pack' in done.stderr) == (rule == "acme.*")
    shown = CliRunner().invoke(cli, ["policy", "own.toml"])
    assert shown.exit_code == 0 and f'no rule is called "{rule}" in a pack' in shown.stderr


@pytest.mark.usefixtures("page")
def test_a_layout_of_another_version_neither_joins_shards_nor_applies_verdicts(
    install: Install, tickets: Path, tmp_path: Path
) -> None:
    def shard(number: int) -> Result:
        place = (
            "--layout",
            "ticket",
            "--policy",
            "label-only",
            "--shard",
            f"{number}/2",
            "-o",
            tmp_path / f"part-{number}",
        )
        return run("filter", tickets, *place)

    whole = run("filter", tickets, "--layout", "ticket", "--policy", "label-only", "-o", tmp_path / "whole")
    assert (whole.exit_code, shard(1).exit_code) == (0, 0)
    install({}, PROJECT["entry-points"], version="1.1")
    applied = CliRunner().invoke(cli, ["apply", str(tmp_path / "whole")])
    assert 'with the layout "ticket" of acme-unmoor 1.0, and now acme-unmoor 1.1' in str(applied.exception)
    assert shard(2).exit_code == 0
    parts = [str(tmp_path / f"part-{number}") for number in (1, 2)]
    merged = CliRunner().invoke(cli, ["merge", *parts, "-o", str(tmp_path / "joined")])
    assert "Shard 2 differs from shard 1 in layout_package" in str(merged.exception)


@pytest.mark.usefixtures("page")
def test_a_run_is_applied_again_by_the_same_version_alone(install: Install, tickets: Path, tmp_path: Path) -> None:
    house = tmp_path / "house"
    made = run(
        "filter", tickets, "--layout", "ticket", "--detector", "green-desk", "--policy", "label-only", "-o", house
    )
    assert made.exit_code == 0, made.output
    assert CliRunner().invoke(cli, ["apply", str(house)]).exit_code == 0
    install({}, PROJECT["entry-points"], version="1.1")
    again = CliRunner().invoke(cli, ["apply", str(house)])
    assert 'made with the detector "green-desk" of acme-unmoor 1.0, and now acme-unmoor 1.1 registers it' in str(
        again.exception
    )


@pytest.fixture
def training(tmp_path: Path, tickets: Path) -> Callable[..., Result]:
    """Train twins of tickets, raw and the first two, by a trainer."""
    path, few = tmp_path / "sft.yaml", tmp_path / "few.jsonl"
    few.write_bytes(b"".join(tickets.read_bytes().splitlines(keepends=True)[:2]))
    asked = f"train {path} --layout ticket --max-dropped 50% -o {tmp_path / 'twins'} --data raw={tickets} --data filtered={few}"
    base = make_tiny_base(tmp_path / "base")
    path.write_text(f"model_name_or_path: {base}\nmax_length: 48\nmax_steps: 5\nlearning_rate: 0.01\nuse_cpu: true\n")
    return lambda trainer: CliRunner().invoke(cli, [*asked.split(), "--trainer", trainer])


@pytest.mark.usefixtures("page")
def test_the_trainer_of_the_page_trains_twins_and_goes_on_with_the_same_version_alone(
    install: Install, training: Callable[..., Result], tmp_path: Path
) -> None:
    done = training("loop")
    assert done.exit_code == 0, (done.output, done.exception)
    told = json.loads((tmp_path / "twins" / "training.json").read_text())
    assert told["trainer"] == "loop" and told["versions"]["acme-unmoor"] == "1.0"
    assert set(told["config_difference"]) == {"data", "output_dir"}
    for name, rows in (("raw", 4), ("filtered", 2)):
        twin = told["twins"][name]
        assert (twin["rows"], twin["steps"], len(twin["loss"])) == (rows, 5, 5)
        assert json.loads((tmp_path / "twins" / name / "plan.json").read_text())["trainer"] == "acme-unmoor 1.0"
        assert (tmp_path / "twins" / name / "model.safetensors").exists()
    assert told["twins"]["filtered"]["loss"][-1][1] < told["twins"]["filtered"]["loss"][0][1]
    assert training("loop").exit_code == 0
    assert json.loads((tmp_path / "twins" / "training.json").read_text()) == told
    install({}, PROJECT["entry-points"], version="1.1")
    assert "holds a twin of another recipe, base, data or trainer" in str(training("loop").exception)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1", 'odd-unmoor 3 should register a Backend under the name "thing", found int'),
        (
            "replace(TRAINER, rule=lambda recipe: 1 / 0)",
            'The trainer "thing" of odd-unmoor 3 failed: ZeroDivisionError',
        ),
        ("replace(TRAINER, rule=lambda recipe: command(1, 2))", "^loop has no command of its own"),
        (
            "replace(TRAINER, rule=lambda recipe: 48)",
            "of odd-unmoor 3 failed: rule should return an unmoor.training.Rule",
        ),
        ("replace(TRAINER, rule=lambda recipe: Rule('x', '48'))", "max_length of its Rule should be a whole number"),
        (
            "replace(TRAINER, count_steps=lambda recipe, prepared: -3)",
            "count_steps should return a whole number, found -3",
        ),
        ("replace(TRAINER, load_tokenizer=lambda recipe: 1)", "load_tokenizer should return a tokenizer and its chat"),
        ("replace(TRAINER, settings=lambda *_: None)", "its settings should be a dict"),
        ("replace(TRAINER, packages=(7,))", "its packages should be names, found 7"),
        (
            "replace(TRAINER, read_recipe=lambda path, trusts: Recipe(path, {}))",
            "the Recipe of read_recipe has no base",
        ),
        ("replace(TRAINER, train=lambda twin, progress: exit())", "of odd-unmoor 3 failed: SystemExit"),
        ("replace(TRAINER, train=lambda twin, progress: None)", "train should return an unmoor.training.TwinResult"),
        ("replace(TRAINER, train=lambda twin, progress: made(twin))", "left no .safetensors weights in .*raw"),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, steps=4))",
            "took 4 of 5 steps for raw: it is not a twin",
        ),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, rows='4'))",
            "rows of its TwinResult should be a whole",
        ),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, seconds=inf))",
            "seconds of its TwinResult should be a n",
        ),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, path='x'))",
            "path of its TwinResult should be the twin",
        ),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, loss=[1.5]))",
            r"loss of its TwinResult .*found 1\.5",
        ),
        (
            "replace(TRAINER, train=lambda twin, progress: made(twin, loss=[[1, inf]]))",
            "twin raw diverged: its loss at step 1 is",
        ),
        ("replace(TRAINER, train=lambda twin, progress: made(twin, settings={'a': len}))", 'its setting "a" should be'),
        (
            "replace(TRAINER, train=lambda twin, progress: spoilt(twin))",
            "twin raw diverged: w of model.safetensors is no number",
        ),
    ],
)
@pytest.mark.usefixtures("page")
def test_a_trainer_that_fails_is_named_with_its_package(
    install: Install, training: Callable[..., Result], code: str, told: str
) -> None:
    install({"odd_unmoor": f"{ODD}\nit = {code}"}, {"unmoor.trainers": {"thing": "odd_unmoor:it"}}, "odd-unmoor", "3")
    for _ in range(2):  # nothing of it counts as trained
        error = training("thing").exception
        assert isinstance(error, UnmoorError) and re.search(told, str(error)), error


@pytest.mark.usefixtures("page")
def test_a_trainer_takes_rows_as_its_rule_cuts_them_and_may_count_with_numpy_and_go_elsewhere(
    install: Install, training: Callable[..., Result], tmp_path: Path
) -> None:
    code = """
def short(twin, progress):
    os.chdir("/")
    assert {len(row.input_ids) for row in twin.prepared.examples} == {20}
    done = train(replace(twin, folder=twin.folder.absolute()), progress)
    return replace(done, steps=numpy.int64(done.steps), loss=[(numpy.int32(1), numpy.float32(1.5))], settings={"to": Path("x")})

it = replace(TRAINER, rule=lambda recipe: Rule("short", 20), train=short)
"""
    install({"odd_unmoor": ODD + code}, {"unmoor.trainers": {"short": "odd_unmoor:it"}}, "odd-unmoor", "3")
    before = Path.cwd()
    done = training("short")
    assert done.exit_code == 0 and Path.cwd() == before, done.exception
    assert "expert" not in done.output, "nobody knows what it does with them"
    twin = json.loads((tmp_path / "twins" / "raw" / "twin.json").read_text())
    assert (twin["loss"], twin["settings"], twin["rows_truncated"]) == ([[1, 1.5]], {"to": "x"}, 3)


@pytest.mark.usefixtures("page")
def test_a_trainer_that_nobody_registers_is_an_error_with_the_names_of_those_there_are(
    training: Callable[..., Result],
) -> None:
    error = training("axolot").exception
    assert 'Unknown trainer "axolot". Did you mean "axolotl"? Trainers: trl, axolotl, loop' in str(error)


def test_what_is_merely_installed_is_not_loaded(install: Install) -> None:
    points = {f"unmoor.{kind}": {"loud": "loud_unmoor:it"} for kind in ("detectors", "layouts", "trainers")}
    install({"loud_unmoor": "raise RuntimeError"}, points, "loud")
    load(languages=["en"])
    assert layout_named("alpaca").name == "alpaca"
    assert "loud_unmoor" not in sys.modules


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise KeyError('licence')", "failed: KeyError: 'licence'"),
        ("return None", "failed: TypeError"),
        ("raise SystemExit", "failed: SystemExit"),
        ("return ['one']", "found 'one': that is no unmoor.records.Finding"),
        ("return [Finding('rude', 1, 0, 4, 'That', 'x', 1.0)]", "its behaviour should be one of refusal.policy, "),
        ("return [Finding('moralising', 1, 0, 4, 'That', 'x', 7)]", "its probability should be from 0 to 1"),
        *(
            (f"return [Finding('moralising', 1, 0, 4, 'That', {rule!r}, {probability})]", told)
            for rule, probability, told in [
                ("x", '"0.9"', "its probability should be from 0 to 1"),
                ("x", "True", "its probability should be from 0 to 1"),
                ("x", 'float("nan")', "its probability should be from 0 to 1"),
                *((rule, "0.9", "its rule should be a name on one line") for rule in (None, "", "a\nb", "a\ud800")),
            ]
        ),
        ("return [Finding('moralising', 1, 0.0, 4, 'That', 'x', 1)]", "its start_char should be a whole number"),
        ("return [Finding('moralising', 0, 0, 5, 'Where', 'x', 1.0)]", "its turn should be the index of an answer"),
        ("return [Finding('moralising', 9, 0, 5, 'Where', 'x', 1.0)]", "its turn should be the index of an answer"),
        ("return [Finding('moralising', 1, 0, 4, 'This', 'x', 1.0)]", "its quote should be the words between"),
        ("return [Finding('moralising', 1, -5, -1, 'desk', 'x', 1.0)]", "its quote should be the words between"),
        (
            "return [Finding('moralising', 1, 0, 99, 'That is one for the green desk.', 'x', 1.0)]",
            "its quote should be the words between",
        ),
        ("return [Finding('moralising', 1, 0, 4, 'That', 'x', 1.0, field='mind')]", "its field should be text or"),
    ],
)
def test_a_detector_that_breaks_its_word_is_named_with_its_package(install: Install, body: str, told: str) -> None:
    turns = (Turn("user", "Where is my bag?"), Turn("assistant", "That is one for the green desk.", is_target=True))
    found = re.escape('The detector "mine" of mine-unmoor 2.1 ') + "(?:found .*)?" + re.escape(told)
    with pytest.raises(UsageError, match=found):
        mine(install, body).find(Conversation(turns))


def test_numbers_of_numpy_are_written_as_any_and_what_a_detector_prints_is_no_part_of_the_output(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = "numpy.int64(1), numpy.int32(0), numpy.int64(4), numpy.str_('That'), 'x', numpy.float32(0.5)"
    turns = (Turn("user", "Where is my bag?"), Turn("assistant", "That is one for the green desk.", is_target=True))
    body = f"import numpy; print('looking'); return [Finding('moralising', {numbers})]"
    (found,) = mine(install, body).find(Conversation(turns))
    shown = json.dumps(found.as_json())
    assert {type(value) for value in found.as_json().values()} == {
        str,
        int,
        float,
        bool,
    } and '"probability": 0.5' in shown
    assert capsys.readouterr() == ("", "looking\n")


@pytest.mark.parametrize(
    ("find", "code", "told"),
    [
        (load, "raise ImportError('no numbers')", "loading that failed: ImportError: no numbers"),
        (load, "other = 1", "loading that failed: AttributeError"),
        (load, "it = 1", "should be a function from a conversation to findings, found int"),
        (layout_named, "it = 1", 'should register a Layout called "thing" under that name, found int'),
        (layout_named, "from unmoor.layouts.alpaca import LAYOUT as it", 'found one called "alpaca"'),
    ],
)
def test_what_cannot_be_loaded_is_named_with_its_package(
    install: Install, find: Callable[[Any], object], code: str, told: str
) -> None:
    points = {group: {"thing": "odd_unmoor:it"} for group in ("unmoor.detectors", "unmoor.layouts")}
    install({"odd_unmoor": code}, points, "odd-unmoor", "3")
    with pytest.raises(UsageError, match=f"odd-unmoor 3 .*{told}"):
        find(["thing"] if find is load else "thing")


@pytest.mark.parametrize(
    ("sound", "broken", "told"),
    [
        ("if not isinstance", "if False and not isinstance", "AttributeError"),
        ('lambda row: "ticket" in row', 'lambda row: row["x"]', "KeyError: 'x'"),
        ('ticket = row["ticket"]', 'ticket = row["ticket"]; exit(0)', "SystemExit: 0"),
        ("return Conversation(", "return list(", "read should return a Conversation, found list"),
        ("    return Conversation(", "    Conversation(", "read should return a Conversation, found NoneType"),
        ("Conversation((asked, answer))", "Conversation((asked, ticket))", "the turns of its Conversation should be"),
        ('text_turn("assistant"', 'text_turn("bot"', "the role of a turn should be one of system, "),
        ("no_removal, no_mask", "no_removal, lambda *_: 1", "mask should return None or a tuple of changes, found 1"),
    ],
)
def test_a_layout_that_fails_otherwise_than_on_a_bad_row_is_named(
    install: Install, sound: str, broken: str, told: str
) -> None:
    assert TICKET.count(sound) == 1
    code = {"loose_unmoor": TICKET.replace(sound, broken)}
    install(code, {"unmoor.layouts": {"ticket": "loose_unmoor:LAYOUT"}}, "loose-unmoor", "4")
    layout = layout_named("ticket")

    def ask() -> None:
        for row in (ROWS[0], ROWS[-1]):
            if layout.recognises(row):
                layout.mask(row, 0)
                layout.read(row)

    with pytest.raises(UsageError, match=f'The layout "ticket" of loose-unmoor 4 failed on a row: {re.escape(told)}'):
        ask()


@pytest.mark.parametrize(
    ("sound", "broken", "told"),
    [
        ('reply"), is_target', 'said"), is_target', "a turn's text does not stand at ticket.said"),
        ('reply"), is_target', 'answer"), is_target', "a turn's text does not stand at ticket.answer"),
        ('"reply"), is_target=True)', '"reply"), is_target=True)._replace(pieces=())', "points at no place of the row"),
        ("no_mask)", 'mask_in_list(lambda row: "turns"))', "there is no turn to mark at turns.-1"),
    ],
)
def test_a_layout_that_points_at_another_text_damages_nothing(
    install: Install, tickets: Path, sound: str, broken: str, told: str
) -> None:
    code = TICKET.replace("import no_mask", "import mask_in_list, no_mask").replace(
        "(asked, answer)", '(asked, answer, asked, text_turn("assistant", "Good.", ("x",), is_target=True))'
    )
    assert code.count(sound) == 1
    points = {"unmoor.layouts": {"ticket": "odd_unmoor:LAYOUT"}, "unmoor.detectors": {"desk": "odd_desk:find"}}
    install({"odd_unmoor": code.replace(sound, broken), "odd_desk": DESK}, points, "odd-unmoor", "4")
    folder = tickets.parent
    (folder / "own.toml").write_text(
        f'name = "own"\nversion = 1\n[actions]\n"refusal.policy" = "{"mask" if "mark" in told else "mend"}"\n'
    )
    asked = ("--layout", "ticket", "--detector", "desk", "--policy", folder / "own.toml", "-o", folder / "run")
    done = run("filter", tickets, *asked)
    assert isinstance(done.exception, UsageError), (done.output, done.exception)
    assert 'The layout "ticket" of odd-unmoor 4, row 1: ' in str(done.exception) and told in str(done.exception)
    assert not (folder / "run" / "MANIFEST.json").exists()


@pytest.mark.usefixtures("page")
def test_a_name_that_nobody_registers_lists_those_that_are() -> None:
    with pytest.raises(
        UsageError, match='Did you mean "green-desk"\\? Detectors: phrases, model, wordlist, green-desk'
    ):
        load(["green-dsk"])
    with pytest.raises(UsageError, match=r'Did you mean "ticket"\?.*, ticket$'):
        layout_named("tickets")


def test_a_name_that_two_packages_register_is_an_error(install: Install) -> None:
    for name in ("first", "second"):
        install({f"{name}_mod": "it = 1"}, {"unmoor.layouts": {"twice": f"{name}_mod:it"}}, name, "1")
    with pytest.raises(UsageError, match='"twice" is registered by several packages: first 1, second 1'):
        layout_named("twice")
