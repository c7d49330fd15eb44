"""A review that is killed keeps every key that was confirmed, and an index that is killed half-way is made again."""

from __future__ import annotations

import errno
import gzip
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.review.generate_run import generate
from tests.review.test_store import read_row
from unmoor.errors import RunFolderError
from unmoor.records.verdict import Verdict
from unmoor.review.row_files import Reading
from unmoor.review.store import Store, View
from unmoor.run_folder import RunWriter, places

_JUDGE = """
import sys
from pathlib import Path
from unmoor.review.store import Store
store = Store.open(Path(sys.argv[1]), "ada")
for item in range(1, 201):
    store.decide(item, "wrong")
    print(item, flush=True)
"""
_LONG_ENOUGH_SECONDS = 0.3
"""For a thread that nothing holds up to be done."""
_INDEX = """
import os, signal, sys
from pathlib import Path
from unmoor.review import index
from unmoor.review.store import Store
def killed(database):
    os.kill(os.getpid(), signal.SIGKILL)
index._draw = killed
Store.open(Path(sys.argv[1]), "ada")
"""
_INDEX_OF_A_SECOND = """
import gzip, os, signal, sys
from pathlib import Path
from unmoor.review import index
from unmoor.review.row_files import Reading
from unmoor.review.store import Store
def killed(database):
    os.kill(os.getpid(), signal.SIGKILL)
def build(*made_from):
    print("it is not there yet", flush=True)
    sys.stdin.readline()
    index._draw = killed
    built(*made_from)
built, index._build = index._build, build
rows_of = lambda path: iter(gzip.decompress(path.read_bytes()).splitlines())
Store.open(Path(sys.argv[1]), "bo", reading=Reading(rows_of))
"""


def test_a_killed_review_loses_at_most_the_last_key(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 200)
    with subprocess.Popen([sys.executable, "-c", _JUDGE, str(run)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        confirmed = [next(process.stdout) for _ in range(25)]
        process.send_signal(signal.SIGKILL)
        confirmed += process.stdout.readlines()
    store = Store.open(run, "ada")
    try:
        held = len(list(store.verdicts()))
        assert len(confirmed) <= held <= len(confirmed) + 1
        for _ in range(held):
            assert store.undo() is not None
        assert store.undo() is None
    finally:
        store.close()


def test_an_index_that_was_killed_half_way_is_made_again_and_its_remains_are_cleared(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 50)
    done = subprocess.run([sys.executable, "-c", _INDEX, str(run)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [path.name for path in (run / "review").glob(".index.*")]
    store = Store.open(run, "ada")
    try:
        assert store.counts(View())["items"] == 50
        assert not list((run / "review").glob(".index.*"))
    finally:
        store.close()


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """A run whose rows have no place of their own in its files."""
    run = generate(tmp_path / "packed", 20)
    for name in ("kept.jsonl", "removed.jsonl"):
        (run / f"{name}.gz").write_bytes(gzip.compress((run / name).read_bytes()))
        (run / name).unlink()
    return run


def _opened(run: Path) -> Store:
    reading = Reading(lambda path: iter(gzip.decompress(path.read_bytes()).splitlines()))
    return Store.open(run, "ada", read_row=read_row, reading=reading)


def _are_whole(store: Store) -> bool:
    return not any(store.item(line.id).missing for line in store.page(View(sample=True), None, 100))


def test_who_makes_an_index_at_the_same_time_does_not_spoil_the_rows_that_another_s_names(packed: Path) -> None:
    command = [sys.executable, "-c", _INDEX_OF_A_SECOND, str(packed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        assert second.stdout.readline()
        store = _opened(packed)
        second.communicate("go on\n")
    assert second.returncode == -signal.SIGKILL
    assert _are_whole(store)
    store.close()


def test_an_index_whose_copy_of_the_rows_is_not_as_it_was_is_made_again(packed: Path) -> None:
    _opened(packed).close()
    (copy,) = (packed / "review").glob("rows.*.jsonl")
    for damage in (lambda: copy.write_bytes(copy.read_bytes()[:-100]), copy.unlink):
        damage()
        store = _opened(packed)
        assert _are_whole(store)
        store.close()


def test_where_the_copy_of_the_rows_goes_while_a_page_is_open_the_ledger_s_excerpt_is_shown(packed: Path) -> None:
    store = _opened(packed)
    for copy in (packed / "review").glob("rows.*.jsonl"):
        copy.unlink()
    assert not _are_whole(store)
    store.close()


def test_a_review_is_opened_by_a_relative_path_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(tmp_path / "house", 5)
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        Store.open(Path("house"), "ada").close()


def test_a_review_that_was_open_while_the_run_was_replaced_says_so_instead_of_losing_verdicts(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 5)
    store = Store.open(run, "ada")
    store.decide(1, "wrong")
    shutil.copytree(run, tmp_path / "new")
    run.rename(tmp_path / "old")
    with pytest.raises(RunFolderError, match="is not where it was when this review began, so nothing was written down"):
        store.decide(2, "wrong")
    (tmp_path / "new").rename(run)
    with pytest.raises(RunFolderError, match="was written again"):
        store.decide(2, "wrong")
    with pytest.raises(RunFolderError, match="start the review again"):
        store.undo()
    store.close()
    again = Store.open(run, "ada")
    assert [verdict.row for verdict in again.verdicts()] == [1]
    again.close()


def _written_again(run: Path) -> None:
    """Put a run of the same files in the place of `run`, as `unmoor apply` does where verdicts change nothing."""
    manifest = json.loads((run / "MANIFEST.json").read_text())
    with RunWriter(run, force=True) as writer:
        for name in manifest.pop("files"):
            writer.write(name, (run / name).read_bytes())
        writer.finish(manifest)


def test_a_verdict_given_while_the_run_is_replaced_is_refused_or_moves_on_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, told = generate(tmp_path / "house", 5), []

    def judge() -> None:
        try:
            store.decide(2, "wrong")
            told.append("confirmed")
        except RunFolderError:
            told.append("refused")

    judging = Thread(target=judge)

    def reach(point: str) -> None:
        if point == "before-rename":  # the review is copied by now
            judging.start()
            judging.join(_LONG_ENOUGH_SECONDS)

    monkeypatch.setattr(places, "fail_point", reach)
    store = Store.open(run, "ada")
    store.decide(1, "wrong")
    _written_again(run)
    judging.join()
    again = Store.open(run, "ada")
    held = [verdict.row for verdict in again.verdicts()]
    assert (told, held) in [(["refused"], [1]), (["confirmed"], [1, 2])]
    again.close()
    store.close()


def test_a_run_is_replaced_only_when_the_verdicts_being_written_are_on_the_disk(tmp_path: Path) -> None:
    run = generate(tmp_path / "house", 5)
    store = Store.open(run, "ada")
    replacing = Thread(target=_written_again, args=(run,))

    def said() -> Iterator[tuple[int, Verdict]]:
        yield store._verdict(1, "wrong", "", None)
        replacing.start()
        replacing.join(_LONG_ENOUGH_SECONDS)
        yield store._verdict(2, "wrong", "", None)

    store._said.add(said())
    replacing.join()
    again = Store.open(run, "ada")
    assert [verdict.row for verdict in again.verdicts()] == [1, 2]
    again.close()
    store.close()


def test_where_folders_cannot_be_locked_people_judge_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_number: int, _operation: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # what NFS says of a folder

    monkeypatch.setattr("fcntl.flock", refuse)
    store = Store.open(generate(tmp_path / "house", 5), "ada")
    store.decide(1, "wrong")
    assert [verdict.row for verdict in store.verdicts()] == [1]
    store.close()
