"""A manifest that somebody edited ends every command in a sentence, whatever it says and even if it holds its own hash."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmoor.commands import cli
from unmoor.errors import RunFolderError, UnmoorError
from unmoor.run_folder import dump_json
from unmoor.run_folder.files import self_hash

ROWS = [
    {
        "instruction": f"Name tree {n}.",
        "input": "",
        "output": ("An oak.", "I'm sorry, but I can't help with that.")[n % 2],
    }
    for n in range(4)
]
WRONG: tuple[Any, ...] = (None, -1, 10**30, "x", [], {"a": 1}, [[1]])
ABSENT = object()
COMMANDS = {
    "verify": ["verify", "{run}"],
    "explain": ["explain", "{run}", "2"],
    "explain --waiting": ["explain", "{run}", "--waiting"],
    "compare": ["compare", "{run}", "{run}"],
    "restore": ["restore", "{run}", "-o", "{back}", "--force"],
    "review": ["review", "{run}", "--no-browser", "--person", "ada"],
    "apply": ["apply", "{run}", "--workers", "1"],
    "merge": ["merge", "{run}", "{other}", "-o", "{whole}"],
}
SAID = (1, 2, 3)
"""Exit codes: found what `verify` looks for, misused or altered, bad data."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of an array, of tables of two schemas, and of two shards."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "rows.json").write_text(json.dumps(ROWS))
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "tables").mkdir()
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "tables" / "a.parquet")
    pq.write_table(pa.Table.from_pylist([{**row, "n": 1} for row in ROWS]), folder / "tables" / "b.parquet")
    for name, data, *more in (
        ("array", "rows.json"),
        ("tables-run", "tables"),
        ("shard-1", "rows.jsonl", "--shard", "1/2"),
        ("shard-2", "rows.jsonl", "--shard", "2/2"),
    ):
        run("filter", folder / data, "--language", "en", "--policy", "dolphin", *more, "-o", folder / name)
    return folder


def run(*arguments: object) -> None:
    cli.main([str(argument) for argument in arguments], prog_name="unmoor", standalone_mode=False)


def places(value: Any, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the keys that lead to each part of a manifest; of a list only to the first."""
    if above:
        yield above
    named = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, part in named:
        yield from places(part, *above, key)


def forged(manifest: dict[str, Any], place: tuple[str | int, ...], wrong: Any) -> dict[str, Any]:
    """Return the manifest with something wrong at a place, and the hash that it then has."""
    edited = copy.deepcopy(manifest)
    part: Any = edited
    for key in place[:-1]:
        part = part[key]
    if wrong is ABSENT:
        del part[place[-1]]
    else:
        part[place[-1]] = wrong
    return edited | {"manifest_sha256": self_hash(edited)}


@pytest.mark.parametrize("verb", COMMANDS)
@pytest.mark.parametrize("name", ["array", "tables-run", "shard-1"])
def test_an_edited_manifest_is_a_sentence_to_every_command(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, verb: str
) -> None:
    monkeypatch.setattr("unmoor.review.web.server.serve", lambda *_, **__: None)
    monkeypatch.setattr("os.fsync", lambda _: None)
    names = {"run": tmp_path / "run", "back": tmp_path / "back", "other": made / "shard-2", "whole": tmp_path / "whole"}
    manifest = json.loads((made / name / "MANIFEST.json").read_bytes())
    todo = [place for place in places(manifest) if place[0] not in ("files", "manifest_sha256")]
    for number, place in enumerate([*todo, ("files",), ("files", "run.json"), ("files", "run.json", "size_bytes")]):
        for wrong in (ABSENT, WRONG[number % len(WRONG)]):
            if verb == "apply" or number == 0:
                shutil.rmtree(tmp_path / "run", ignore_errors=True)
                shutil.copytree(made / name, tmp_path / "run")
            for left in ("back", "whole"):
                shutil.rmtree(tmp_path / left, ignore_errors=True)
            (tmp_path / "run" / "MANIFEST.json").write_bytes(dump_json(forged(manifest, place, wrong)))
            try:
                run(*(part.format(**names) for part in COMMANDS[verb]))
            except UnmoorError as error:
                assert error.exit_code in SAID, (place, wrong)
                assert str(error).strip()


def test_a_manifest_that_does_not_hold_its_hash_gives_nothing_back(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "array", tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "MANIFEST.json").read_bytes())
    (tmp_path / "run" / "MANIFEST.json").write_bytes(dump_json({**manifest, "layout": "messages"}))
    for verb in ("restore", "apply"):
        with pytest.raises(RunFolderError, match="does not hold its own SHA-256"):
            run(verb, tmp_path / "run", *(["-o", tmp_path / "back"] if verb == "restore" else []))
