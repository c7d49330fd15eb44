"""A disk that is full while a person reviews or verdicts are applied is one message, and nothing is half-written."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.test_data_commands import unmoor
from tests.review.web.runs import filtered, row
from unmoor.errors import MachineError, RunFolderError
from unmoor.review.store import Store, View

REFUSAL = "I'm sorry, but I can't assist with that."
PLAIN = "Ask the locksmith on the corner; she opens at eight."
FULL = "no space left on the disk"
ROWS = 700


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MiB of its own, with a run on it; to make one takes rights that most people do not have."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no disk can be made here")
    try:
        filtered(folder, [row(number, (REFUSAL, PLAIN)[number % 2]) for number in range(2 * ROWS)])
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, *, but_bytes: int = 0) -> None:
    """Take all the room of the disk, or all but some."""
    filling = disk / "filling"
    with filling.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - but_bytes))


@pytest.mark.parametrize("but_bytes", [0, 20_000, 400_000, 1_200_000, 1_900_000])
def test_applying_on_a_full_disk_is_one_message(disk: Path, but_bytes: int) -> None:
    fill(disk, but_bytes=but_bytes)
    before = sorted(path.name for path in disk.iterdir())
    done = unmoor("apply", "house", cwd=disk)
    assert done.returncode == 4, done.stderr
    assert FULL in done.stderr and "Next: " in done.stderr and len(done.stderr.splitlines()) == 1
    checkpoint = disk / ".house.unfinished" / "checkpoint.json"  # on a busy machine it works for seconds before that
    left = [".house.unfinished"] if checkpoint.exists() else []
    assert sorted(path.name for path in disk.iterdir()) == sorted([*before, *left])
    (disk / "filling").unlink()
    assert unmoor("apply", "house", cwd=disk).returncode == 0
    assert not checkpoint.exists()


def test_a_verdict_that_finds_no_room_is_not_said_to_stand(disk: Path) -> None:
    store = Store.open(disk / "house", "ada")
    fill(disk)
    with pytest.raises(MachineError, match=FULL):
        for _ in range(1000):
            store.decide_all(View(), "wrong", expected_count=ROWS)
    (disk / "filling").unlink()
    stands = len(list(store.verdicts()))
    assert stands in (0, ROWS)
    store.decide_all(View(), "correct", expected_count=ROWS)
    assert {verdict.judgement for verdict in store.verdicts()} == {"correct"}
    store.close()


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this system limits no file's size")
@pytest.mark.parametrize("has_index", [False, True])
@pytest.mark.parametrize("limit", [0, 4096, 100_000, 1_000_000])
def test_a_limit_on_the_size_of_a_file_is_called_what_it_is(tmp_path: Path, limit: int, has_index: bool) -> None:
    run = filtered(tmp_path, [row(number, (REFUSAL, PLAIN)[number % 2]) for number in range(2 * ROWS)])
    if has_index:
        Store.open(run, "ada").close()
        (run / "review" / "verdicts.sqlite").unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        with pytest.raises(
            MachineError, match=r"sqlite: the file would be larger .* raise the limit, which `ulimit -f`"
        ):
            store = Store.open(run, "ada")
            for _ in range(1000):
                store.decide_all(View(), "wrong", expected_count=ROWS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    store = Store.open(run, "ada")
    assert len(list(store.verdicts())) in (0, ROWS)
    store.close()


def test_a_record_that_is_no_database_is_named(tmp_path: Path) -> None:
    run = filtered(tmp_path, [row(1, REFUSAL), row(2, PLAIN)])
    (run / "review").mkdir()
    (run / "review" / "verdicts.sqlite").write_text("no database" * 1000)
    with pytest.raises(RunFolderError, match=r"verdicts.sqlite was altered or cut short: .* Next: put it back"):
        Store.open(run, "ada")
