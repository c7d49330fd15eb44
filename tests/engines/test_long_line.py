"""A line of 300 MB goes through a whole filter run, and back, without being held in memory."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from backports import zstd

pytestmark = pytest.mark.slow
MOST_MB = 600
LONG_MB = 300
PLAIN = b'{"messages": [{"role": "user", "content": "Say hi."}, {"role": "assistant", "content": "Hi."}]}\n'
RUN = """
import json, re, resource, sys
from pathlib import Path
from unmoor.engines import Job, restore, run_job
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.run_folder import read_lines_of, verify
source, folder = Path(sys.argv[1]), Path(sys.argv[2])
summary = run_job(open_data_set(source), Job("messages", load_policy("dolphin")), folder / "run")
wrong = verify(folder / "run")
restore(folder / "run", folder / "again")
(entry,) = read_lines_of(folder / "run", "quarantine.jsonl")
status = Path("/proc/self/status")  # where there is one: Linux lets a child inherit its parent's ru_maxrss
peak_kb = int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1]) if status.exists() else 0
peak_mb = (peak_kb or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024) / 1024
print(json.dumps([summary.counts()["kept"], entry["code"], entry["size_bytes"], wrong, peak_mb]))
"""


def _write(path: Path, *, packed: bool) -> str:
    """Write a good row, a row of 300 MB and a good row; return the SHA-256 of the text."""
    told = hashlib.sha256()
    with zstd.open(path, "wb") if packed else path.open("wb") as file:
        for part in (PLAIN, b'{"messages": "', *[b"xyz\\u00e5" * 111_111] * (LONG_MB + 1), b'"}\n', PLAIN):
            file.write(part)
            told.update(part)
    return told.hexdigest()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zstd"])
def test_a_row_of_three_hundred_megabytes_is_set_aside_and_comes_back(tmp_path: Path, packed: bool) -> None:
    expected = _write(tmp_path / "data", packed=packed)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path / "data"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    kept, code, size, wrong, peak_mb = json.loads(done.stdout)
    assert (kept, code, wrong) == (2, "ROW_TOO_LARGE", []) and size > LONG_MB * 900_000
    with (tmp_path / "again").open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == expected
    print(f"peak {peak_mb:.0f} MB")
    assert peak_mb < MOST_MB
