"""`--layout columns:…` as a user gives it: what is said, what is refused, what comes of it in review, apply and training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from unmoor.commands import cli
from unmoor.errors import BadDataError, LayoutError, UsageError

REFUSAL = "I'm sorry, but I can't assist with that request."
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
FRAGE = "columns:user=frage,assistant=antwort"


def unmoor(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(cli, [*map(str, arguments)])


def _written(path: Path, user: str, assistant: str, **more: Any) -> Path:
    rows = [{user: f"Name a tree. ({n})", assistant: REFUSAL if n % 3 == 0 else PLAIN, **more} for n in range(12)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_line_that_says_the_guess_names_the_columns_and_fits_80(tmp_path: Path) -> None:
    data = _written(tmp_path / "gsm.jsonl", "question", "answer", system="Be brief.")
    done = unmoor("audit", data, "--language", "en")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "Layout columns:user=question,assistant=answer,system=system, guessed from the first rows;" in said
    *lines, _ = done.output.splitlines()
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 80
    assert "Rows with any refusal: 4 (33.3%)" in done.output


def test_what_an_error_proposes_works_as_it_stands(tmp_path: Path) -> None:
    data = _written(tmp_path / "data.jsonl", "frage", "antwort")
    refused = unmoor("audit", data)
    assert isinstance(refused.exception, LayoutError)
    proposal = str(refused.exception).rsplit("Next: ", 1)[1].split(" if ")[0]
    assert proposal == f"--layout {FRAGE}"
    done = unmoor("audit", data, *proposal.split(), "--language", "en")
    assert f"Layout {FRAGE}, as --layout says." in done.output
    assert done.output.splitlines()[-1].endswith(f"{data} --layout {FRAGE} --language en --policy dolphin -o RUN")


@pytest.mark.parametrize("verb", ["audit", "filter"])
def test_a_column_that_is_not_there_is_refused_before_anything_is_written(tmp_path: Path, verb: str) -> None:
    data, run = _written(tmp_path / "data.jsonl", "frage", "antwort"), tmp_path / "run"
    done = unmoor(verb, data, "--layout", "columns:user=frage,assistant=antwert", "-o", run)
    assert isinstance(done.exception, UsageError)
    assert 'Did you mean "antwort"? Columns: frage, antwort. Next: assistant=NAME' in str(done.exception)
    assert not run.exists()


def test_a_filtered_run_says_how_it_is_made_again_and_can_be_applied_and_undone(tmp_path: Path) -> None:
    data, run = _written(tmp_path / "data.jsonl", "frage", "antwort"), tmp_path / "run"
    loose = tmp_path / "loose.toml"
    loose.write_text('name = "loose"\nversion = 1\nextends = "dolphin"\n[limits]\nmax_removed_share = 1.0\n')
    given = ("--layout", "columns:assistant=antwort,user=frage", "--language", "en", "--policy", loose)
    done = unmoor("filter", data, *given, "-o", run, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["layout"] == FRAGE
    made = json.loads((run / "report.json").read_text())["reproduce"][0]
    assert "--layout columns:assistant=antwort,user=frage --language en --policy" in made
    before = {path.name: path.read_bytes() for path in run.glob("*.jsonl")}
    applied = unmoor("apply", run)
    assert applied.exit_code == 0, applied.output
    assert {path.name: path.read_bytes() for path in run.glob("*.jsonl")} == before
    assert unmoor("restore", run, "-o", tmp_path / "again.jsonl").exit_code == 0
    assert (tmp_path / "again.jsonl").read_bytes() == data.read_bytes()
    assert unmoor("verify", run).exit_code == 0


def _preflight(folder: Path, base: Path, data: Sequence[Path], *more: object) -> Result:
    from tests.training.test_twins import write_recipe

    named = [flag for path in data for flag in ("--data", f"{path.stem}={path}")]
    recipe = write_recipe(folder, base)
    return unmoor("train", recipe, *named, "-o", folder / "out", "--preflight", *more)


@pytest.fixture(scope="module")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.tiny import make_tiny_base

    return make_tiny_base(tmp_path_factory.mktemp("tiny") / "base")


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"system": "Be brief."}])
def test_training_learns_from_columns_what_it_learns_from_messages(
    tmp_path: Path, tiny_base: Path, more: dict[str, str]
) -> None:
    pairs = _written(tmp_path / "pairs.jsonl", "question", "answer", **more)
    named = _written(tmp_path / "named.jsonl", "frage", "antwort", **({"regel": more["system"]} if more else {}))
    system = [{"role": "system", "content": more["system"]}] if more else []
    rows = [json.loads(line) for line in pairs.read_text().splitlines()]
    chats = [
        [*system, {"role": "user", "content": row["question"]}, {"role": "assistant", "content": row["answer"]}]
        for row in rows
    ]
    messages = tmp_path / "messages.jsonl"
    messages.write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in chats))
    layouts = {pairs: (), messages: (), named: ("--layout", FRAGE + (",system=regel" if more else ""))}
    seen = []
    for data, given in layouts.items():
        folder = tmp_path / f"of-{data.stem}"
        folder.mkdir()
        done = _preflight(folder, tiny_base, [data], *given)
        assert done.exit_code == 0, done.output
        twin = json.loads((folder / "out" / "preflight.json").read_text())["twins"][data.stem]
        shown = done.output[done.output.index("learned is what stands in") : done.output.index("Nothing was trained")]
        seen.append(({key: value for key, value in twin.items() if key != "data"}, shown))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0]["rows_trained"] == 12


@pytest.mark.slow
def test_training_refuses_columns_that_are_not_there(tmp_path: Path, tiny_base: Path) -> None:
    raw, other = (
        _written(tmp_path / "raw.jsonl", "frage", "antwort"),
        _written(tmp_path / "other.jsonl", "frage", "andere"),
    )
    assert isinstance(_preflight(tmp_path, tiny_base, [raw]).exception, LayoutError)
    wrong = _preflight(tmp_path, tiny_base, [raw], "--layout", "columns:user=frage,assistant=antwor")
    assert isinstance(wrong.exception, UsageError) and 'Did you mean "antwort"' in str(wrong.exception)
    half = _preflight(tmp_path, tiny_base, [raw, other], "--layout", FRAGE)
    assert isinstance(half.exception, BadDataError) and "Twin other: 12 of 12 rows" in str(half.exception)


@pytest.mark.slow
def test_a_twin_is_never_mistaken_for_one_that_read_its_rows_otherwise(tmp_path: Path, tiny_base: Path) -> None:
    from functools import partial

    from tests.training.test_twins import write_recipe
    from unmoor.commands.training_rows import read_or_say
    from unmoor.errors import RunFolderError
    from unmoor.training import Training, train_twins

    data = {"raw": _written(tmp_path / "raw.jsonl", "frage", "antwort")}
    recipe = write_recipe(tmp_path, tiny_base, max_steps=1)

    def trained(layout: str) -> dict[str, Any]:
        read = partial(read_or_say, layout_name=layout)
        return train_twins(recipe, data, tmp_path / "out", read, options=Training(layout=layout))

    assert trained(FRAGE)["layout"] == FRAGE
    with pytest.raises(RunFolderError, match="rows read in another layout"):
        trained("columns:user=antwort,assistant=frage")
