"""A file of which no row can be read is told by what it seems to be, and the command that is proposed makes rows of it."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from unmoor.errors import BadDataError, LayoutError, UsageError
from unmoor.layouts import MAX_ROW_BYTES, first_layout, read_rows
from unmoor.storage import Address

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


@pytest.mark.parametrize("kind", ["plain", "gzip", "in a folder", "with a hyphen in front"])
@pytest.mark.parametrize("name", sorted(UNREAD))
def test_what_a_file_seems_to_be_is_said_and_the_command_that_is_proposed_works(
    tmp_path: Path, name: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, first, seems = UNREAD[name]
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "it's here"
    folder.mkdir()
    path = folder / name
    raw = content if isinstance(content, bytes) else content.encode()
    if kind == "gzip":
        path = path.with_name(f"{name}.gz")
        raw = gzip.compress(raw)
    path.write_bytes(raw)
    if kind == "with a hyphen in front":
        path = path.rename(f"-{name}")
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


_LINES = f"{ROW}\n{ROW}\n".encode()
_PACKED_TWICE = gzip.compress(gzip.compress(_LINES))
_LONG = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})


@pytest.mark.parametrize("name", ["it's.jsonl", "-d"])
@pytest.mark.parametrize(
    ("content", "tools"),
    [
        (bz2.compress(_LINES), "bzip2"),
        (lzma.compress(_LINES), "xz"),
        (_PACKED_TWICE, "gzip"),
        (zstd.compress(gzip.compress(_LINES)), "zstd"),
        (_LONG.compress(_LINES * 9) + _LONG.flush(), "zstd"),
        (f"[{ROW}][{ROW}]".encode(), "jq"),
        (_LINES.decode().encode("utf-16"), "iconv"),
        (gzip.compress(_LINES.decode().encode("utf-16")), "iconv gzip"),
        (_LINES.decode().encode("utf-32"), "iconv"),
        (_LINES.decode().replace("\n", "\r\n").encode("utf-16-le"), "iconv"),
        (_LINES.decode().encode("utf-16-be"), "iconv"),
        (_LINES.decode().encode("utf-32-le"), "iconv"),
    ],
    ids=[
        "bzip2",
        "xz",
        "gzip twice",
        "gzip in zstd",
        "long window",
        "two arrays",
        "UTF-16",
        "UTF-16 in gzip",
        "UTF-32",
        "UTF-16 without a mark",
        "UTF-16, the other order",
        "UTF-32 without a mark",
    ],
)
def test_the_command_for_what_is_not_read_as_it_is_makes_rows(
    tmp_path: Path, content: bytes, tools: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if any(shutil.which(tool) is None for tool in tools.split()):
        pytest.skip(f"{tools} is not installed")
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(content)
    with pytest.raises((UsageError, BadDataError)) as caught:
        list(read_rows(Path(name)))
    subprocess.run(str(caught.value).split("Next: ")[1].split(", then")[0], shell=True, check=True)
    (made,) = (path for path in Path().iterdir() if path.name != name)
    assert {row["output"] for _, row in read_rows(made)} == {"Café Central."}


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_the_command_for_an_object_reads_a_copy_of_it(tmp_path: Path, name: str) -> None:
    content = UNREAD[name][0]
    address = Address(f"memory://set//it's/{name}")
    system, at = address.storage()
    system.pipe_file(at, content if isinstance(content, bytes) else content.encode())
    with pytest.raises(LayoutError) as caught:
        first_layout(address)
    system.rm("/set", recursive=True)
    lines = [line for line in str(caught.value).splitlines() if "copy " in line]
    assert lines and all(f"copy memory://set//it's/{name} here, then " in line for line in lines)
    command = lines[-1].split("here, then ")[1]
    assert shlex.split(command.split(" > ")[0])[-1] == name


@pytest.mark.parametrize("frame", ["{0}\n{0}\n", "[{0},\n{0}]"])
def test_turns_written_as_text_are_read_after_the_command_that_is_proposed(tmp_path: Path, frame: str) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    turns = [{"role": "user", "content": "Name a tree."}, {"role": "assistant", "content": "An oak."}]
    path = tmp_path / "text.json"
    path.write_text(frame.replace("{0}", json.dumps({"messages": json.dumps(turns)})))
    with pytest.raises(LayoutError, match="JSON written as text") as caught:
        first_layout(path)
    command = str(caught.value).partition("Next: ")[2].partition("\n")[0]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    assert [row["messages"] for _, row in read_rows(tmp_path / "rows.jsonl")] == [turns, turns]


@pytest.mark.parametrize(("speaker", "words"), [("role", "content"), ("from", "value")])
@pytest.mark.parametrize(
    "frame", ["[{0}, {0}]", "[\n  {0},\n  {0}\n]\n", "[{0},\n{0}]", "{0}\n{0}\n", "[{0}]\n[{0}]\n"]
)
def test_rows_that_are_bare_lists_of_turns_are_read_after_the_command_that_is_proposed(
    tmp_path: Path, frame: str, speaker: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    monkeypatch.chdir(tmp_path)
    turns = [{speaker: "user", words: "Name a tree."}, {speaker: "assistant", words: "An oak."}]
    Path("chats.json").write_text(frame.replace("{0}", json.dumps(turns)))
    with pytest.raises((LayoutError, BadDataError), match="list of turns") as caught:
        first_layout(Path("chats.json"))
    subprocess.run(str(caught.value).partition("Next: ")[2], shell=True, check=True)
    read = first_layout(Path("rows.jsonl"))
    rows = [row for _, row in read_rows(Path("rows.jsonl"))]
    assert [[turn.text for turn in read.read(row).turns] for row in rows] == [["Name a tree.", "An oak."]] * 2


@pytest.mark.parametrize(("speaker", "words"), [("role", "content"), ("from", "value")])
@pytest.mark.parametrize("frame", ["[{0}, {1}]", "{0}\n{1}\n"])
def test_a_file_that_is_one_conversation_is_read_after_the_command_that_is_proposed(
    tmp_path: Path, frame: str, speaker: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    monkeypatch.chdir(tmp_path)
    turns = [{speaker: "user", words: "Name a tree."}, {speaker: "assistant", words: "An oak."}]
    Path("chat.json").write_text(frame.replace("{0}", json.dumps(turns[0])).replace("{1}", json.dumps(turns[1])))
    with pytest.raises(LayoutError, match="the whole file is one conversation and no data set") as caught:
        first_layout(Path("chat.json"))
    assert "--layout columns" not in str(caught.value)
    command = str(caught.value).partition("Next: if it is one conversation, ")[2].partition(" makes one row")[0]
    subprocess.run(command, shell=True, check=True)
    ((_, row),) = read_rows(Path("rows.jsonl"))
    assert [turn.text for turn in first_layout(Path("rows.jsonl")).read(row).turns] == ["Name a tree.", "An oak."]


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


def test_a_row_that_speaks_of_ustar_at_the_wrong_place_is_no_tar_archive(tmp_path: Path) -> None:
    start = '{"instruction": "'
    text = start + "x" * (257 - len(start)) + 'ustar is the magic.", "output": "It stands at 257."}\n'
    path = tmp_path / "rows.jsonl"
    path.write_text(text)
    assert len(list(read_rows(path))) == 1
