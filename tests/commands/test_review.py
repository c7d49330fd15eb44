"""`unmoor review`: what it refuses, and that it refuses before it takes a port or writes anything."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.review.generate_run import generate
from tests.review.web.runs import served
from unmoor.commands.review import command
from unmoor.errors import UsageError


def refused(*arguments: str) -> str:
    """Return what the command complains of; it has to end by itself with exit code 2."""
    command = [sys.executable, "-m", "unmoor", "review", *arguments, "--no-browser"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    assert "no run folder" in refused(str(tmp_path / "nowhere"))
    assert "MANIFEST.json" in refused(str(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "localhost"])
def test_another_place_is_refused_before_anything_is_written(tmp_path: Path, host: str) -> None:
    run = generate(tmp_path / "house", 3)
    assert "Next:" in refused(str(run), "--host", host)
    assert not (run / "review").exists()


def test_a_short_token_and_an_empty_name_are_refused(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 3)
    assert "16" in refused(str(run), "--host", "192.0.2.7", "--token", "short")
    assert "--person" in refused(str(run), "--person", " ")


def test_where_the_system_knows_no_name_for_who_is_logged_in_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(number: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    run = generate(tmp_path / "house", 3)
    done = CliRunner().invoke(command, [str(run), "--no-browser"])
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).endswith("Next: --person NAME")
    assert not (run / "review").exists()


def test_an_altered_ledger_is_refused(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 3)
    (run / "ledger.jsonl").write_bytes((run / "ledger.jsonl").read_bytes().replace(b"tides", b"tidal"))
    assert "altered" in refused(str(run))


def test_the_link_comes_with_what_to_do_once_one_has_judged(tmp_path: Path) -> None:
    run = generate(tmp_path / "my house", 3)
    with served(run) as (_, process):
        process.terminate()
        assert process.stdout is not None
        said = process.stdout.read()
    assert f"Next, when you have judged: unmoor apply '{run}'\n" in said


def test_who_reviews_a_shard_is_told_that_the_whole_does_not_take_the_verdicts_along(tmp_path: Path) -> None:
    run = generate(tmp_path / "part", 3)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    (run / "MANIFEST.json").write_text(json.dumps({**manifest, "shard": {"number": 1, "count": 2, "of": ""}}))
    with served(run) as (_, process):
        process.terminate()
        assert process.stdout is not None
        said = process.stdout.read()
    assert "is a shard: verdicts on it are not in what `unmoor merge` writes. Next" in said
    assert "unmoor apply" not in said
