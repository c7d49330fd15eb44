"""Chunks put together are the file, whatever the chunk size, compression or line endings."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Literal

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from unmoor.errors import BadDataError, UsageError
from unmoor.layouts import arrays as arrays_module
from unmoor.layouts import files as files_module
from unmoor.layouts import open_data_set, read_chunks, read_data_set, recognise_source

lines = st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), min_size=1, max_size=20)


def _write(folder: Path, content: bytes, compression: str = "") -> Path:
    path = folder / "data.jsonl"
    packers = {"": bytes, "gzip": gzip.compress, "zstd": zstd.compress}
    path.write_bytes(packers[compression](content))
    return path


@given(lines, st.integers(1, 60), st.sampled_from(["", "gzip", "zstd"]), st.booleans())
def test_lines_in_chunks_are_the_file(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes], size: int, compression: str, final: bool
) -> None:
    content = b'{"a": 1}\n' + b"\n".join(parts) + (b"\n" if final else b"")
    source = recognise_source(_write(tmp_path_factory.mktemp("lines"), content, compression))
    chunks = list(read_chunks(source, size))
    assert b"".join(chunk.data for chunk in chunks) == content
    for chunk in chunks:
        assert content[chunk.offset :].startswith(chunk.data)
        assert chunk.first_row == content[: chunk.offset].count(b"\n") + 1


@given(st.lists(st.text(max_size=8), max_size=8), st.integers(1, 40), st.sampled_from([None, 0, 2]))
def test_elements_and_gaps_are_the_array(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], size: int, indent: int | None
) -> None:
    rows = [{"a": text, "b": [1, {"]": "["}]} for text in texts]
    content = b" \n" + json.dumps(rows, indent=indent, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
    source = recognise_source(_write(tmp_path_factory.mktemp("array"), content))
    assert source.format == "json"
    chunks = list(read_chunks(source, size))
    items = [item for chunk in chunks for item in chunk.items]
    gaps = [gap for chunk in chunks for gap in chunk.gaps]
    assert b"".join(gap + item for gap, item in zip(gaps, items, strict=True)) + chunks[-1].tail == content
    assert [json.loads(item) for item in items] == json.loads(content)


@pytest.mark.parametrize("size", range(1, 40))
def test_a_string_over_several_blocks_ends_where_it_ends(tmp_path: Path, size: int) -> None:
    texts = ['"', "\\", '\\"', '\\\\" ],[', 'a "b" \\" c' * 5, "\\" * 33, '"' * 33, "", "]" * 33]
    content = json.dumps([{text: text} for text in texts]).encode()
    chunks = list(read_chunks(recognise_source(_write(tmp_path, content)), size))
    assert [json.loads(item) for chunk in chunks for item in chunk.items] == json.loads(content)


@pytest.mark.parametrize("first", [b'[{"role": "user"}, 1]', b"null", b'"a"', b"[]"])
@pytest.mark.parametrize("frame", [b"[%b, %b]", b"[%b,\n%b]\n", b"[\n %b,\n %b\n]", b"[%b\n,\n%b]"])
def test_an_array_is_one_whatever_its_first_element_is(tmp_path: Path, frame: bytes, first: bytes) -> None:
    chunks = list(read_chunks(recognise_source(_write(tmp_path, frame % (first, b'{"a": 1}')))))
    assert [item for chunk in chunks for item in chunk.items] == [first, b'{"a": 1}']


@pytest.mark.parametrize("first", [b'[[{"a": 1}], 2]', b"[null]", b'["a', b"[1, 2"])
def test_a_line_that_is_an_array_or_the_beginning_of_one_takes_no_other_with_it(tmp_path: Path, first: bytes) -> None:
    source = recognise_source(_write(tmp_path, first + b'\n{"a": 1}\n'))
    assert source.format == "jsonl"


def test_an_empty_file_beside_arrays_holds_no_row(tmp_path: Path) -> None:
    for name, content in (("a", b'[{"a": 1}]'), ("b", b""), ("c", gzip.compress(b"")), ("d", b'[{"a": 2}]')):
        (tmp_path / f"{name}.json").write_bytes(content)
    chunks = list(read_data_set(open_data_set(tmp_path)))
    assert [item for chunk in chunks for item in chunk.items] == [b'{"a": 1}', b'{"a": 2}']


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["empty", "empty once decompressed"])
def test_an_empty_file_alone_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match="there is no row in it"):
        open_data_set(tmp_path / "a.jsonl")
    (tmp_path / "b.jsonl").write_bytes(content)
    with pytest.raises(UsageError, match="All 2 files are empty"):
        open_data_set(tmp_path)


def test_an_array_cut_short_keeps_its_whole_rows_and_one_broken(tmp_path: Path) -> None:
    source = recognise_source(_write(tmp_path, b'[{"a": 1}, {"a": 2}, {"a": "cu'))
    items = [item for chunk in read_chunks(source) for item in chunk.items]
    assert items == [b'{"a": 1}', b'{"a": 2}', b'{"a": "cu']


@pytest.mark.parametrize("size", [3, 4096])
@pytest.mark.parametrize("rest", [b"", b",", b" \n", b",\n\n"])
def test_an_array_cut_short_between_two_rows_is_not_taken_for_whole(tmp_path: Path, rest: bytes, size: int) -> None:
    source = recognise_source(_write(tmp_path, b'[{"a": 1}, {"a": [2]}' + rest))
    with pytest.raises(BadDataError, match=r"the array has no end: .* Next: the whole file"):
        list(read_chunks(source, size))


@pytest.mark.parametrize(
    ("broken", "size"),
    [
        (b'{bad,"str",null,[1]', 4096),
        (b"{bad", 7),
        (b'{"a": "no end}', 4096),
        (b'{"a": [{"b": 1}', 9),
        (b'{"a": [1]]}', 4096),
    ],
)
def test_a_broken_element_takes_none_that_follows_with_it(tmp_path: Path, broken: bytes, size: int) -> None:
    good = [b'{"a": %d, "b": [{"c": 1}, {"c": 2}]}' % number for number in range(6)]
    source = recognise_source(_write(tmp_path, b"[" + b", ".join([*good[:2], broken, *good[2:]]) + b"]\n"))
    chunks = list(read_chunks(source, size))
    items = [item for chunk in chunks for item in chunk.items]
    assert [item for item in items if item in good] == good
    assert 1 <= len(items) - len(good) <= 2
    gaps = [gap for chunk in chunks for gap in chunk.gaps]
    whole = b"".join(gap + item for gap, item in zip(gaps, items, strict=True)) + chunks[-1].tail
    assert whole == source.path.read_bytes()


def test_a_broken_element_in_a_large_array_takes_a_cap_of_bytes_with_it_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays_module, "MAX_ROW_BYTES", 1000)
    good = [b'{"a": %d}' % number for number in range(500)]
    source = recognise_source(_write(tmp_path, b"[" + b",".join([good[0], b"{bad", *good[1:]]) + b"]"))
    items = [item for chunk in read_chunks(source, 100) for item in chunk.items]
    assert items == [good[0], b"{bad", *good[1:]]


class _CountedLooks:
    """The splitter's pattern, which counts how often it is asked for the next token."""

    def __init__(self) -> None:
        self.looks = 0

    def search(self, rest: bytes, at: int) -> re.Match[bytes] | None:
        self.looks += 1
        return _TOKEN.search(rest, at)


_TOKEN = arrays_module._TOKEN


@pytest.mark.parametrize("last", [b"", b"]]]}"])
def test_many_broken_elements_do_not_have_all_that_follows_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: bytes
) -> None:
    tokens = _CountedLooks()
    monkeypatch.setattr(arrays_module, "_TOKEN", tokens)
    monkeypatch.setattr(arrays_module, "_LOOK_ON_BYTES", 100)
    broken = [b'{"a": %d, "b": [{"c": 1}, {"c": 2}' % number + last for number in range(300)]
    content = b'[{"a": 0},\n' + b",\n".join(broken) + b"]\n"
    items = [item for chunk in read_chunks(recognise_source(_write(tmp_path, content))) for item in chunk.items]
    begun = [item for item in items if item.startswith(b'{"a"')]
    assert len(begun) == 301 and begun[1:-1] == [one.removesuffix(b"]}") for one in broken[:-1]]
    assert tokens.looks < 10 * len(_TOKEN.findall(content))


def test_an_element_with_objects_that_begin_as_it_does_is_whole_behind_a_broken_one(tmp_path: Path) -> None:
    rows = [b'{"a": 1}', b'{"a": [2}', b'{"a": 3, "b": [{"c": 1}, {"a": 4}]}', b'{"a": 5}']
    source = recognise_source(_write(tmp_path, b"[" + b", ".join(rows) + b"]"))
    assert [item for chunk in read_chunks(source) for item in chunk.items] == rows


def _spaced(rows: int, behind: int) -> bytes:
    return b"[" + b" " * rows + b'{"a": 1}]' + b"\n" * behind


@pytest.mark.parametrize(("rows", "behind", "words"), [(30, 0, "hold no element"), (0, 30, "follow the end of the")])
def test_more_space_than_stands_between_rows_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, behind: int, words: str
) -> None:
    monkeypatch.setattr(arrays_module, "_MOST_BETWEEN_BYTES", 20)
    with pytest.raises(BadDataError, match=rf"over 20 bytes .*{words}"):
        list(read_chunks(recognise_source(_write(tmp_path, _spaced(rows, behind))), 4))
    (chunk, last) = read_chunks(recognise_source(_write(tmp_path, _spaced(rows // 2, behind // 2))), 4)
    assert chunk.gaps[0] + chunk.items[0] + last.tail == _spaced(rows // 2, behind // 2)


@pytest.mark.parametrize("size", [3, 4096])
@pytest.mark.parametrize("rest", [b'\n[{"a": 2}]\n', b'{"a": 2}'])
def test_json_after_the_array_is_never_passed_over(tmp_path: Path, rest: bytes, size: int) -> None:
    source = recognise_source(_write(tmp_path, b'[{"a": 1}]' + rest))
    with pytest.raises(BadDataError, match=r"more JSON follows .* Next: jq -c .*data.jsonl > rows.jsonl"):
        list(read_chunks(source, size))


@pytest.mark.parametrize("size", [3, 4096])
def test_other_text_after_the_array_is_a_row_of_its_own(tmp_path: Path, size: int) -> None:
    source = recognise_source(_write(tmp_path, b'[{"a": 1}] garbage ]\n'))
    chunks = list(read_chunks(source, size))
    assert [item for chunk in chunks for item in chunk.items] == [b'{"a": 1}', b"garbage ]"]
    assert [gap for chunk in chunks for gap in chunk.gaps] == [b"[", b"] "]
    assert chunks[-1].tail == b"\n"


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_a_byte_order_mark_is_not_part_of_an_array(tmp_path: Path, compression: str) -> None:
    source = recognise_source(_write(tmp_path, b'\xef\xbb\xbf [{"a": 1}, {"a": 2}]', compression))
    chunks = list(read_chunks(source))
    assert chunks[0].items == (b'{"a": 1}', b'{"a": 2}') and chunks[0].gaps[0] == b" ["
    assert chunks[0].offset == 3


def test_a_byte_order_mark_is_not_part_of_the_first_row(tmp_path: Path) -> None:
    source = recognise_source(_write(tmp_path, b'\xef\xbb\xbf{"a": 1}\n'))
    assert source.has_bom
    assert next(read_chunks(source)).data == b'{"a": 1}\n'


def test_a_row_over_the_cap_goes_by_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "MAX_ROW_BYTES", 1000)
    content = b'{"a": 1}\n{"b": "' + b"x" * 5000 + b'"}\n{"c": 1}\n'
    chunks = list(read_chunks(recognise_source(_write(tmp_path, content)), 200))
    assert b"".join(chunk.data for chunk in chunks) == content
    assert max(len(chunk.data) for chunk in chunks) < 1500
    assert [chunk.oversize for chunk in chunks if chunk.oversize][-1] == "end"
    assert chunks[-1].first_row == 3


def _tar(mode: Literal["w", "w:gz"]) -> bytes:
    """Return an archive with one file of rows."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        entry = tarfile.TarInfo("rows.jsonl")
        entry.size = 9
        archive.addfile(entry, io.BytesIO(b'{"a": 1}\n'))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe{\x00", "UTF-16. Next: iconv -f UTF-16 -t UTF-8 /.*x.jsonl > utf8.jsonl"),
        (
            gzip.compress("{}".encode("utf-16"), mtime=0),
            r"UTF-16. Next: gzip -dc /.*x.jsonl \| iconv -f UTF-16 -t UTF-8 /dev/stdin > utf8.jsonl",
        ),
        (b"\xff\xff\xff\xff\x10\x00\x00\x00", "a stream of Arrow, which is not read. Next: with pyarrow"),
        (b"\xff\xfe\x00\x00{\x00\x00\x00", "UTF-32. Next: iconv -f UTF-32 "),
        (gzip.compress(b"", mtime=0), "nothing once decompressed"),
        (
            gzip.compress(gzip.compress(b"{}\n", mtime=0), mtime=0),
            "is gzip inside gzip, .* Next: gzip -dc .*x.jsonl > rows.jsonl.gz",
        ),
        (
            gzip.compress(zstd.compress(b"{}\n"), mtime=0),
            "is zstd inside gzip, .* Next: gzip -dc .*x.jsonl > rows.jsonl.zst",
        ),
        (zstd.compress(bz2.compress(b"{}\n")), "is bzip2 inside zstd, .* Next: zstd -dc .*x.jsonl > rows.jsonl.bz2"),
        (
            gzip.compress(b"PAR1" + bytes(9), mtime=0),
            "is Parquet inside gzip, .* Next: gzip -dc .*x.jsonl > rows.parquet",
        ),
        (_tar("w"), "is a tar archive, .* Next: mkdir rows && tar -xf .*x.jsonl -C rows, then that folder"),
        (_tar("w:gz"), "is a tar archive, .* Next: mkdir rows && tar -xf .*x.jsonl -C rows"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        recognise_source(path)


def _zipped(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            said = "application/vnd.oasis.opendocument.spreadsheet" if name == "mimetype" else "x"
            archive.writestr(name, said)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bz2.compress(b'{"a": 1}\n'), "bzip2, which is not read. Next: bzip2 -dc .*data.jsonl > rows.jsonl"),
        (lzma.compress(b'{"a": 1}\n'), "with xz, which is not read. Next: xz -dc"),
        (b"PARE" + bytes(20), "Parquet with an encrypted footer"),
        (b"PK\x03\x04" + bytes(20), "a zip archive, .* Next: unzip"),
        (
            _zipped("[Content_Types].xml", "xl/workbook.xml"),
            "a spreadsheet, .* Next: save the sheet as CSV, and name that file",
        ),
        (_zipped("mimetype", "content.xml"), "a spreadsheet, .* Next: save the sheet as CSV, and name that file"),
        (_zipped("rows.jsonl"), "a zip archive, .* Next: unzip"),
    ],
)
def test_a_file_of_a_kind_that_is_not_read_is_called_what_it_is(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        recognise_source(_write(tmp_path, content))


@pytest.mark.parametrize("nibble", [0, 15])
def test_zstd_may_begin_with_a_frame_to_be_skipped(tmp_path: Path, nibble: int) -> None:
    frame = bytes([0x50 + nibble]) + b"\x2a\x4d\x18\x04\0\0\0abcd"
    source = recognise_source(_write(tmp_path, frame + zstd.compress(b'{"a": 1}\n')))
    assert source.compression == "zstd"
    assert b"".join(chunk.data for chunk in read_chunks(source)) == b'{"a": 1}\n'


@pytest.mark.parametrize("rows_before", [0, 200_000])
def test_zstd_with_a_dictionary_or_a_long_window_is_not_called_damaged(tmp_path: Path, rows_before: int) -> None:
    before = zstd.compress(b'{"a": 1}\n' * rows_before) if rows_before else b""
    rows = b'{"messages": "long enough to be found in a dictionary"}\n' * 5
    dictionary = zstd.train_dict([b'{"messages": %d, "a": "b"}\n' % n * 5 for n in range(2000)], 2000)
    path = tmp_path / "x.zst"
    path.write_bytes(before + zstd.compress(rows, zstd_dict=dictionary))
    with pytest.raises(UsageError, match=r"needs a dictionary.* Next: zstd -dc -D DICTIONARY .*x.zst > rows.jsonl"):
        list(read_chunks(recognise_source(path)))
    long = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 28})
    path.write_bytes(before + long.compress(rows) + long.flush())
    with pytest.raises(UsageError, match=r"a window over 128 MiB.* Next: zstd -dc --long=31 .*x.zst > rows.jsonl"):
        list(read_chunks(recognise_source(path)))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        recognise_source(tmp_path / "absent.jsonl")
    with pytest.raises(UsageError, match="is a folder"):
        recognise_source(tmp_path)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_damaged_compression_is_bad_data_and_not_a_traceback(tmp_path: Path, compression: str) -> None:
    path = _write(tmp_path, b'{"a": "long enough to be cut"}\n' * 3000, compression)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(BadDataError, match=rf"damaged or cut short: .* Next: .*{compression} -dc \S+ > rows\.jsonl"):
        list(read_chunks(recognise_source(path)))


def test_files_of_several_formats_are_counted_with_a_pattern_that_takes_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    (tmp_path / "c.json").write_text('[{"a": 1}]')
    with pytest.raises(UsageError, match=r"\(of 3 files: 2 JSON Lines, 1 JSON array\)\. .*\*\.jsonl\*"):
        open_data_set(str(tmp_path))


def test_files_of_which_some_are_compressed_are_not_all_said_to_be(tmp_path: Path) -> None:
    line = b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line))
    assert open_data_set(tmp_path).describe() == "JSON Lines, gzip"
    (tmp_path / "b.jsonl").write_bytes(line)
    assert open_data_set(tmp_path).describe() == "2 files, JSON Lines, some gzip"
    assert open_data_set(tmp_path / "b.jsonl").describe() == "JSON Lines"
