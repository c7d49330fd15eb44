"""A small file that unfolds without end stops, in words, within 600 MB of memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

pytestmark = pytest.mark.slow
MOST_MB = 600
READ = """
import json, re, resource, sys
from pathlib import Path
from unmoor.errors import BadRow, UnmoorError
from unmoor.layouts import chunk_rows, open_data_set, read_data_set
said = []
try:
    for chunk in read_data_set(open_data_set(Path(sys.argv[1]))):
        if chunk.oversize == "end":
            said.append("ROW_TOO_LARGE")
        said += [row.code for _, row in chunk_rows(chunk) if isinstance(row, BadRow)]
except UnmoorError as error:
    said.append(str(error))
status = Path("/proc/self/status")  # where there is one: Linux lets a child inherit its parent's ru_maxrss
peak_kb = int(re.search(r"VmHWM:\\s*(\\d+)", status.read_text())[1]) if status.exists() else 0
print(json.dumps([said, (peak_kb or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024) / 1024]))
"""
PLAIN = b'{"messages": [{"role": "user", "content": "x"}]}\n'


def _gzip(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        for _ in range(700):
            file.write(b" " * 2**20)


def _zstd(path: Path) -> None:
    with zstd.open(path, "wb") as file:
        for _ in range(700):
            file.write(b" " * 2**20)


def _brackets(path: Path) -> None:
    path.write_bytes(PLAIN + b"[" * 50_000_000 + b"\n")


def _empty_lists(path: Path) -> None:
    path.write_bytes(PLAIN + b'{"a": [[]' + b",[]" * 9_000_000 + b"]}\n")


def _digits(path: Path) -> None:
    path.write_bytes(PLAIN + b'{"a": ' + b"9" * 50_000_000 + b"}\n")


def _long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(PLAIN + b'{"a": "')
        for _ in range(300):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n')


def _parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int32()), pa.array(["x" * 2_000_000]))
    pq.write_table(pa.table({"text": values}), path, compression="zstd", store_schema=False)


def _short_row_first(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = pa.array(["Hi", "x" * 2_000_000])
    values = pa.DictionaryArray.from_arrays(pa.array([0] + [1] * 1000, pa.int32()), texts)
    pq.write_table(pa.table({"text": values}), path, compression="zstd", store_schema=False)


def _commas(path: Path) -> None:
    path.write_bytes(b"[" + PLAIN.strip() + b" ," * 10_000_000 + b"]")


def _nested_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    zeros = pa.array([0] * 40_000_000, pa.int64())
    lists = pa.ListArray.from_arrays(pa.array([0, 40_000_000], pa.int32()), zeros)
    pq.write_table(pa.table({"numbers": lists}), path, compression="zstd")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_gzip, "compression bomb"),
        (_zstd, "compression bomb"),
        (_brackets, "TOO_DEEP"),
        (_empty_lists, "TOO_MANY_VALUES"),
        (_digits, "NUMBER_TOO_LONG"),
        (_long_line, "ROW_TOO_LARGE"),
        (_parquet, ""),
        (_short_row_first, ""),
        (_nested_parquet, "unfolds to"),
        (_commas, "hold no element. Next: "),
    ],
)
def test_a_bomb_stops_within_its_memory(tmp_path: Path, make: Callable[[Path], None], words: str) -> None:
    path = tmp_path / "data.bin"
    make(path)
    done = subprocess.run([sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True)
    said, peak_mb = json.loads(done.stdout)
    assert words in " ".join(said)
    assert peak_mb < MOST_MB, (said, peak_mb)
