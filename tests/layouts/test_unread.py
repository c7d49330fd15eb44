"""A file of which no row can be read is told by what it seems to be, and the command that is proposed makes rows of it."""

from __future__ import annotations

import gzip
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unmoor.errors import LayoutError
from unmoor.layouts import MAX_ROW_BYTES, first_layout, read_rows

ROW = '{"instruction": "Name a café.", "output": "Café Central."}'
UNREAD = {
    "table.csv": ('instruction,output\nName a tree.,"An oak,\nor an elm."\n', "row 1, NOT_JSON", "a table in text"),
    "table.tsv": ("instruction\toutput\nName a tree.\tAn oak, or an elm.\n", "row 1, NOT_JSON", "a table in text"),
    "table.jsonl": ("instruction,output\nName a tree.,An oak.\n", "row 1, NOT_JSON", "a table in text"),
    "latin.jsonl": (f"{ROW}\n".encode("latin-1"), "row 1, INVALID_UTF8", "Latin-1"),
    "mac.jsonl": (f"{ROW}\r{ROW}\r", "row 1, LONE_CR", "carriage return alone"),
    "wide.jsonl": (
        ROW.replace("{", "{\n").replace(", ", ",\n").replace("}", "\n}\n") * 2,
        "row 1, TRUNCATED",
        "one line",
    ),
    "nested.jsonl": (f'{{"version": 1, "data": [{ROW}, {ROW}]}}\n', "Keys of the first row: data, version", '"data"'),
}


@pytest.mark.parametrize("kind", ["plain", "gzip", "in a folder"])
@pytest.mark.parametrize("name", sorted(UNREAD))
def test_what_a_file_seems_to_be_is_said_and_the_command_that_is_proposed_works(
    tmp_path: Path, name: str, kind: str
) -> None:
    content, first, seems = UNREAD[name]
    folder = tmp_path / "it's here"
    folder.mkdir()
    path = folder / name
    raw = content if isinstance(content, bytes) else content.encode()
    if kind == "gzip":
        path = path.with_name(f"{name}.gz")
        raw = gzip.compress(raw)
    path.write_bytes(raw)
    if kind == "in a folder":
        (folder / "empty.jsonl").touch()
        path = folder / "*"
    with pytest.raises(LayoutError) as caught:
        first_layout(path)
    said = str(caught.value)
    assert first in said and seems in said
    line = next(line for line in reversed(said.splitlines()) if seems in line)
    command = line.split("Next: ")[-1].removeprefix("If it is Latin-1: ")
    words = shlex.split(command)
    if missing := [tool for tool in ("gzip", "iconv", "jq", "tr") if tool in words and shutil.which(tool) is None]:
        pytest.skip(f"{missing[0]} is not installed")
    command = command.replace("python ", f"{shlex.quote(sys.executable)} ", 1) if words[0] == "python" else command
    subprocess.run(
        command.replace("| python ", f"| {shlex.quote(sys.executable)} "), shell=True, check=True, cwd=tmp_path
    )
    (made,) = (file for file in tmp_path.iterdir() if file.name.startswith("rows."))
    assert first_layout(made).name == "alpaca"


@pytest.mark.parametrize("frame", ["{0}\n{0}\n", "[{0},\n{0}]"])
def test_turns_written_as_text_are_read_after_the_command_that_is_proposed(tmp_path: Path, frame: str) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    turns = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "An oak."}]
    path = tmp_path / "text.json"
    path.write_text(frame.replace("{0}", json.dumps({"messages": json.dumps(turns)})))
    with pytest.raises(LayoutError, match="JSON written as text") as caught:
        first_layout(path)
    command = str(caught.value).partition("Next: ")[2].partition(", ")[0]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert [row["messages"] for _, row in read_rows(tmp_path / "rows.jsonl")] == [turns, turns]


def test_other_text_is_asked_to_be_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text("Dear diary!\nToday it rained.\n")
    with pytest.raises(LayoutError, match=r"row 1, NOT_JSON.*\n.*see that it is JSON Lines"):
        first_layout(path)


def test_a_file_of_one_row_that_is_too_long_does_not_say_that_it_holds_none(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(b'{"instruction": "' + b"x" * 2 * MAX_ROW_BYTES + b'", "output": "y"}\n')
    with pytest.raises(LayoutError, match="row 1, ROW_TOO_LARGE"):
        first_layout(path)


def test_a_file_without_rows_says_so(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    pq.write_table(pa.table({"instruction": pa.array([], pa.string()), "output": pa.array([], pa.string())}), path)
    with pytest.raises(LayoutError, match=r"none\.parquet holds no row$"):
        first_layout(path)
