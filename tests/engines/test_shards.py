"""A data set cut into shards and joined again gives the bytes of one run; a run of several files gives each file back."""

from __future__ import annotations

import codecs
import gzip
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unmoor.engines import Job, Options, explain_row, merge, restore, run_job
from unmoor.errors import BadDataError, RunFolderError, UsageError
from unmoor.layouts import files, open_data_set, parse, read_data_set, shard_of
from unmoor.layouts.files import CHUNK_BYTES
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts
from unmoor.run_folder import read_manifest, verify
from unmoor.run_folder.files import self_hash

ANSWERS = (
    "Oak, ash and elm are three trees that grow well in a cool climate.",
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I do not have personal preferences. However, here are three trees: oak, ash and elm.",
    "Jag är ledsen, men jag kan inte hjälpa till med det.",
)


def _row(number: int) -> dict[str, Any]:
    answer = ANSWERS[number * 7919 % len(ANSWERS)]
    return {
        "messages": [
            {"role": "user", "content": f"Name three trees. ({number})"},
            {"role": "assistant", "content": answer + " " + "x" * (number % 90)},
        ]
    }


def _lines(start: int, stop: int, *, last_newline: bool = True) -> bytes:
    body = b"\n".join(json.dumps(_row(n)).encode() for n in range(start, stop))
    return body + b"\n" * last_newline


def _jsonl(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + _lines(0, 40, last_newline=False))
    (folder / "b.jsonl").write_bytes(_lines(40, 43) + b"\n\nnull\n" + b'{"messages": [}\n' + _lines(43, 70))
    (folder / "c.jsonl").write_bytes(b"")
    (folder / "sub").mkdir()
    (folder / "sub" / "d.jsonl").write_bytes(_lines(70, 90, last_newline=False))


def _compressed(folder: Path) -> None:
    for number in range(5):
        text = _lines(20 * number, 20 * number + 20, last_newline=number % 2 == 0)
        (folder / f"{number}.jsonl.gz").write_bytes(gzip.compress(text, mtime=0))
    for name in ("0a", "9"):
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(b"", mtime=0))


def _arrays(folder: Path) -> None:
    for number in range(3):
        (folder / f"{number}.json").write_text(
            json.dumps([_row(n) for n in range(30 * number, 30 * number + 25)], indent=number)
        )


def _parquet(folder: Path) -> None:
    for number in range(2):
        table = pa.Table.from_pylist([_row(n) for n in range(50 * number, 50 * number + 50)])
        pq.write_table(table, folder / f"{number}.parquet", row_group_size=7)


MAKERS = {"jsonl": _jsonl, "compressed": _compressed, "arrays": _arrays, "parquet": _parquet}


@pytest.fixture(params=sorted(MAKERS))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    MAKERS[request.param](made)
    return made


def _job(*, observed: bool = True) -> Job:
    return Job("messages", load_policy("dolphin"), languages=("en", "sv"), observer=ChunkFacts if observed else None)


LOOSE = Options(max_bad_rows=100)


def _whole(data: Path, run: Path) -> dict[str, bytes]:
    run_job(open_data_set(data), _loose(_job()), run, LOOSE)
    assert verify(run) == []
    return _files(run)


def _loose(job: Job) -> Job:
    assert job.policy is not None
    return replace(job, policy=replace(job.policy, max_removed_share=1.0))


def _files(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.iterdir() if path.name not in ("MANIFEST.json", "run.json")}


def _shards(data: Path, runs: Path, count: int, chunk_bytes: int = CHUNK_BYTES) -> list[Path]:
    made = []
    for number in range(1, count + 1):
        options = Options(shard=(number, count), max_bad_rows=100, chunk_bytes=chunk_bytes)
        run_job(shard_of(open_data_set(data), number, count), _loose(_job()), runs / str(number), options)
        made.append(runs / str(number))
    return made


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_shards_joined_in_any_order_give_the_bytes_of_one_run(folder: Path, tmp_path: Path, count: int) -> None:
    if count > len(list(folder.iterdir())) and not {".jsonl", ".parquet"} & {path.suffix for path in folder.iterdir()}:
        with pytest.raises(UsageError, match="cannot be cut into"):
            shard_of(open_data_set(folder), 1, count)
        return
    expected = _whole(folder, tmp_path / "whole")
    shards = _shards(folder, tmp_path / "shards", count)
    Random(count).shuffle(shards)
    summary = merge(shards, tmp_path / "joined", ChunkFacts)
    assert _files(tmp_path / "joined") == expected
    assert verify(tmp_path / "joined") == []
    joined, whole = read_manifest(tmp_path / "joined"), read_manifest(tmp_path / "whole")
    assert joined["counts"] == whole["counts"] and joined["arrays"] == whole["arrays"]
    assert [file["rows"] for file in joined["inputs"]] == [file["rows"] for file in whole["inputs"]]
    again = ChunkFacts()
    run_job(open_data_set(folder), _loose(_job()), tmp_path / "third", LOOSE)
    again.load(summary.observed.as_json())
    assert again.rows == sum(joined["counts"][name] for name in ("kept", "mended", "masked", "labelled", "removed"))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("chunk_bytes", [200, 2_000, 20_000])
def test_a_row_over_the_cap_is_told_alike_by_one_run_and_by_shards_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, chunk_bytes: int
) -> None:
    for module in (files, parse):
        monkeypatch.setattr(module, "MAX_ROW_BYTES", 1_000)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_bytes(
        _lines(0, 3) + b'{"messages": "' + b"x" * 1_500 + b'"}\n' + _lines(3, 5)
    )
    (tmp_path / "data" / "b.jsonl").write_bytes(_lines(5, 8))
    expected = _whole(tmp_path / "data", tmp_path / "whole")
    shards = _shards(tmp_path / "data", tmp_path / "shards", count, chunk_bytes)
    merge(shards, tmp_path / "joined", ChunkFacts)
    joined = _files(tmp_path / "joined")
    for name in ("kept.jsonl", "ledger.jsonl", "quarantine.jsonl", "quarantine.raw"):
        assert joined[name] == expected[name]


def test_the_whole_names_the_first_bad_row_of_a_file_that_shards_cut(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_bytes(_lines(0, 100))
    (tmp_path / "data" / "b.jsonl").write_bytes(_lines(100, 180) + b'{"a"\n' + _lines(180, 200))
    shards = _shards(tmp_path / "data", tmp_path / "shards", 5, 1_000)
    summary = merge(shards, tmp_path / "joined", ChunkFacts)
    assert "row 181 (row 81 of b.jsonl" in summary.first_bad_row()


def test_every_file_of_a_folder_comes_back(folder: Path, tmp_path: Path) -> None:
    _whole(folder, tmp_path / "whole")
    restore(tmp_path / "whole", tmp_path / "again")
    for path in (path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix().removesuffix(".gz")
        if path.suffix == ".parquet":
            assert pq.read_table(tmp_path / "again" / name).equals(pq.read_table(path))
        else:
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert (tmp_path / "again" / name).read_bytes() == content


def test_files_that_would_have_one_name_without_their_compression_come_back_under_two(tmp_path: Path) -> None:
    """A folder may be called as a file is, which Spark does, and so may several files but for their endings."""
    data = tmp_path / "data"
    (data / "a.jsonl").mkdir(parents=True)
    (data / "b.jsonl.gz").mkdir()
    files = ("a.jsonl/part-0.json", "a.jsonl.gz", "a.jsonl.zst", "b.jsonl", "b.jsonl.gz/c.jsonl", "b.jsonl.zst")
    for number, name in enumerate((*files, "b.jsonl.zst.jsonl")):
        pack = {".gz": gzip.compress, ".zst": zstd.compress}.get(Path(name).suffix, bytes)
        (data / name).write_bytes(pack(_lines(number, number + 1)))
    _whole(data, tmp_path / "whole")
    restore(tmp_path / "whole", tmp_path / "again")
    back = {path.relative_to(tmp_path / "again").as_posix(): path for path in (tmp_path / "again").rglob("*.*")}
    assert {name: path.read_bytes() for name, path in back.items() if path.is_file()} == {
        "a.jsonl/part-0.json": _lines(0, 1),
        "a.jsonl.gz.jsonl": _lines(1, 2),
        "a.jsonl.zst.jsonl": _lines(2, 3),
        "b.jsonl": _lines(3, 4),
        "b.jsonl.gz/c.jsonl": _lines(4, 5),
        "b.jsonl.zst.2.jsonl": _lines(5, 6),
        "b.jsonl.zst.jsonl": _lines(6, 7),
    }


def test_a_row_is_explained_by_file_and_number(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    _jsonl(data)
    _whole(data, tmp_path / "whole")
    entry = explain_row(tmp_path / "whole", 46)
    assert (entry["file"], entry["row_in_file"], entry["outcome"]) == ("b.jsonl", 6, "quarantined")


def test_a_cut_within_a_byte_order_mark_loses_no_row(tmp_path: Path) -> None:
    """One file of 1,070 bytes and one with a mark: half of all bytes is the mark's second."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = _lines(0, 8)
    (folder / "a.jsonl").write_bytes(rows)
    marked = codecs.BOM_UTF8 + rows
    (folder / "b.jsonl").write_bytes(marked[: len(rows) - 1] + b"\n" * 5)
    data = open_data_set(folder)
    total = sum(source.path.stat().st_size for source in data.files)
    assert 0 < total // 2 - len(rows) < 3
    held = [b"".join(chunk.data for chunk in read_data_set(shard_of(data, number, 2))) for number in (1, 2)]
    assert b"".join(held) == rows + (folder / "b.jsonl").read_bytes().removeprefix(codecs.BOM_UTF8)


@given(
    lines=st.lists(st.sampled_from([b"{}", b"", b'{"a": 1}', b"x" * 40, b"\r", b'"' + b"y" * 200 + b'"']), max_size=30),
    last_newline=st.booleans(),
    mark=st.sampled_from([b"", codecs.BOM_UTF8]),
    count=st.integers(1, 9),
    chunk_bytes=st.integers(3, 60),
)
@example(lines=[b"{}"], last_newline=True, mark=codecs.BOM_UTF8, count=6, chunk_bytes=3)
@settings(max_examples=300, deadline=None)
def test_shards_hold_every_line_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    lines: list[bytes],
    last_newline: bool,
    mark: bytes,
    count: int,
    chunk_bytes: int,
) -> None:
    path = tmp_path_factory.mktemp("cut") / "data.jsonl"
    content = b"\n".join(lines) + b"\n" * last_newline
    if not content:
        return
    path.write_bytes(mark + content)
    data = open_data_set(path)
    parts = [
        b"".join(chunk.data for chunk in read_data_set(shard_of(data, number, count), chunk_bytes))
        for number in range(1, count + 1)
    ]
    assert b"".join(parts) == content
    assert all(part.endswith(b"\n") for part in parts[:-1] if part and b"".join(parts[parts.index(part) + 1 :]))


def test_what_cannot_be_joined_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    _jsonl(data)
    one, two, three = _shards(data, tmp_path / "shards", 3)
    with pytest.raises(UsageError, match="Shard 2 of 3 is missing\\. Next: "):
        merge([one, three], tmp_path / "joined")
    with pytest.raises(UsageError, match="Shards 1, 3 of 3 are missing\\. Next: "):
        merge([two], tmp_path / "joined")
    with pytest.raises(UsageError, match=r"no shard to join. Next: "):
        merge([], tmp_path / "joined")
    with pytest.raises(UsageError, match=r"are both shard 1. Next: "):
        merge([one, one, two], tmp_path / "joined")
    (two / "kept.jsonl").write_bytes((two / "kept.jsonl").read_bytes() + b"{}\n")
    with pytest.raises(RunFolderError, match="Next: run this shard again"):
        merge([one, two, three], tmp_path / "joined")
    run_job(open_data_set(data), _loose(_job()), tmp_path / "whole", LOOSE)
    with pytest.raises(RunFolderError, match="no shard"):
        merge([tmp_path / "whole"], tmp_path / "joined")
    with pytest.raises(RunFolderError, match="is a shard"):
        restore(one, tmp_path / "again")
    for target in (
        two / "joined",
        two / "deep" / "joined",
        two,
        tmp_path / "shards" / ".." / two.parent.name / two.name,
    ):
        with pytest.raises(UsageError, match=r"which is one of the shards\. Next: -o and the name of a folder beside"):
            merge([one, two, three], target, force=True)
    assert not (tmp_path / "joined").exists()


def test_a_shard_says_that_it_is_a_part_where_a_row_is_not_in_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    _jsonl(data)
    shards = _shards(data, tmp_path / "shards", 3)
    held = read_manifest(shards[1])["counts"]["input"]
    assert explain_row(shards[1], held)["row"] == held
    told = f"this run is shard 2 of 3 of data, and its rows are numbered 1 to {held}. Next: join"
    with pytest.raises(UsageError, match=told):
        explain_row(shards[1], held + 1)
    merge(shards, tmp_path / "joined")
    assert explain_row(tmp_path / "joined", held + 1)["row"] == held + 1


def test_shards_of_another_policy_are_told_apart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    _jsonl(data)
    one, _ = _shards(data, tmp_path / "shards", 2)
    other = Job("messages", load_policy("vendor-free"), languages=("en", "sv"))
    run_job(shard_of(open_data_set(data), 2, 2), other, tmp_path / "other", Options(shard=(2, 2), max_bad_rows=100))
    with pytest.raises(RunFolderError, match="differs from shard 1 in policy"):
        merge([one, tmp_path / "other"], tmp_path / "joined")


def test_shards_of_two_policies_of_one_name_say_by_which_keys_these_differ(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    _jsonl(data)
    runs = [tmp_path / "1", tmp_path / "2"]
    for number, said in ((1, ""), (2, '[actions]\n"moralising" = "keep"\n[thresholds]\ndefault = 0.9\n')):
        (tmp_path / "own.toml").write_text(f'name = "own"\nversion = 1\nextends = "dolphin"\n{said}')
        policy = replace(load_policy(str(tmp_path / "own.toml")), max_removed_share=1.0)
        job = Job("messages", policy, languages=("en", "sv"))
        options = Options(shard=(number, 2), max_bad_rows=100)
        run_job(shard_of(open_data_set(data), number, 2), job, runs[number - 1], options)
    with pytest.raises(RunFolderError) as caught:
        merge(runs, tmp_path / "joined")
    assert str(caught.value).endswith(
        'differs from shard 1 in policy: they are not of one run. policy.actions.moralising is "keep" and not "mend", '
        "policy.thresholds.default is 0.9 and not 0.8. Next: run shard 2 again as shard 1 was run"
    )


def test_a_file_that_was_written_again_between_two_shards_is_told(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"

    def filtered(number: int) -> Path:
        run = tmp_path / str(number)
        run_job(shard_of(open_data_set(path), number, 2), _job(), run, Options(shard=(number, 2)))
        return run

    path.write_bytes(_lines(10, 40) + _lines(50, 90))
    size = path.stat().st_size
    one, two = filtered(1), filtered(2)
    merge([one, two], tmp_path / "joined", ChunkFacts)
    assert "written_ns" not in (tmp_path / "joined" / "MANIFEST.json").read_text()
    path.write_bytes(_lines(50, 90) + _lines(10, 40))
    assert path.stat().st_size == size
    shutil.rmtree(two)
    filtered(2)
    with pytest.raises(
        RunFolderError, match=r"data.jsonl changed between the shards: .* Next: run again the shards that"
    ):
        merge([one, two], tmp_path / "again", ChunkFacts)


@pytest.mark.parametrize("kind", ["jsonl.gz", "json"])
def test_a_shard_that_no_file_falls_to_is_joined_like_any_other(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, rows in (("a", 90), ("b", 3), ("c", 3)):
        lines = _lines(0, rows)
        array = json.dumps([json.loads(line) for line in lines.splitlines()]).encode()
        (folder / f"{name}.{kind}").write_bytes(gzip.compress(lines, mtime=0) if kind == "jsonl.gz" else array)
    data = open_data_set(folder)
    for number in (1, 2, 3):
        run_job(shard_of(data, number, 3), _job(), tmp_path / str(number), Options(shard=(number, 3)))
    held = [read_manifest(tmp_path / str(number))["counts"]["input"] for number in (1, 2, 3)]
    assert 0 in held and sum(held) == 96
    merge([tmp_path / str(number) for number in (1, 2, 3)], tmp_path / "joined", ChunkFacts)
    run_job(data, _job(), tmp_path / "whole")
    restore(tmp_path / "joined", tmp_path / "back")
    for name in "abc":
        joined = (tmp_path / "back" / f"{name}.{kind.removesuffix('.gz')}").read_bytes()
        original = (folder / f"{name}.{kind}").read_bytes()
        assert joined == (gzip.decompress(original) if kind == "jsonl.gz" else original)
    assert (tmp_path / "joined" / "ledger.jsonl").read_bytes() == (tmp_path / "whole" / "ledger.jsonl").read_bytes()


def test_what_any_shard_found_beside_the_data_is_named_by_the_whole(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    _jsonl(folder)
    runs = [tmp_path / "1", tmp_path / "2"]
    for number, names in ((1, ("a.csv", "both.csv")), (2, ("both.csv", "c.csv"))):
        for name in names:
            (folder / name).write_text("a,b\n")
        run_job(shard_of(open_data_set(folder), number, 2), _job(), runs[number - 1], Options(shard=(number, 2)))
        (folder / names[0]).unlink()
    merge(runs, tmp_path / "joined", ChunkFacts)
    told = read_manifest(tmp_path / "joined")["not_read"]
    assert (told["files"], told["folders"], sorted(told["names"])) == (3, 0, ["a.csv", "both.csv", "c.csv"])


@pytest.mark.parametrize("change", ["a file before", "a file after", "a file shorter", "other rows in as many bytes"])
def test_shards_of_a_folder_that_changed_between_them_are_not_joined(change: str, tmp_path: Path) -> None:
    """Files that are read whole, each by one shard: no shard has seen what another one read."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(4):
        packed = gzip.compress(_lines(10 * number, 10 * number + 10), compresslevel=0, mtime=0)
        (folder / f"f{number}.jsonl.gz").write_bytes(packed)
    runs = [tmp_path / "1", tmp_path / "2"]
    run_job(shard_of(open_data_set(folder), 1, 2), _job(), runs[0], Options(shard=(1, 2)))
    if change == "a file shorter":
        (folder / "f1.jsonl.gz").write_bytes(gzip.compress(_lines(0, 2), mtime=0))
    elif change == "other rows in as many bytes":
        said = (folder / "f1.jsonl.gz").read_bytes()
        other = gzip.decompress(said).replace(b"Name", b"List")
        (folder / "f1.jsonl.gz").write_bytes(gzip.compress(other, compresslevel=0, mtime=0))
        assert len((folder / "f1.jsonl.gz").read_bytes()) == len(said)
    else:
        name = {"a file before": "e0", "a file after": "z0"}[change]
        (folder / f"{name}.jsonl.gz").write_bytes(gzip.compress(_lines(50, 60), mtime=0))
    run_job(shard_of(open_data_set(folder), 2, 2), _job(), runs[1], Options(shard=(2, 2)))
    with pytest.raises(RunFolderError, match=r"Shard 2 was made of other files than shard 1: .* Next: run again"):
        merge(runs, tmp_path / "joined", ChunkFacts)


def test_the_limit_on_removed_rows_holds_for_the_whole(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_bytes(_lines(0, 60))
    strict = replace(_job(), policy=replace(load_policy("dolphin"), max_removed_share=0.1))
    runs = []
    for number in (1, 2):
        data = shard_of(open_data_set(tmp_path / "data.jsonl"), number, 2)
        run_job(data, strict, tmp_path / str(number), Options(shard=(number, 2)))
        runs.append(tmp_path / str(number))
    with pytest.raises(BadDataError, match="over its limit of 10%"):
        merge(runs, tmp_path / "joined", ChunkFacts)


def test_a_file_that_cannot_be_cut_says_so(tmp_path: Path) -> None:
    (tmp_path / "data.jsonl.gz").write_bytes(gzip.compress(_lines(0, 10)))
    with pytest.raises(UsageError, match="cannot be cut into 4 shards"):
        [shard_of(open_data_set(tmp_path / "data.jsonl.gz"), number, 4) for number in (1, 2, 3, 4)]
    with pytest.raises(UsageError, match="I from 1 to N, found 5/4"):
        shard_of(open_data_set(tmp_path / "data.jsonl.gz"), 5, 4)


def test_shards_of_another_number_are_not_joined(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(0, 60))
    data = open_data_set(tmp_path / "rows.jsonl")
    job = Job("messages", load_policy("dolphin"), languages=("en",))
    for number, count in ((1, 2), (2, 2), (3, 5)):
        run_job(shard_of(data, number, count), job, tmp_path / f"{number}of{count}", Options(shard=(number, count)))
    with pytest.raises(UsageError, match="one of 5 shards"):
        merge([tmp_path / "1of2", tmp_path / "2of2", tmp_path / "3of5"], tmp_path / "whole")


def test_what_an_altered_run_would_give_back_is_not_called_the_input(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(_lines(0, 20))
    run_job(open_data_set(tmp_path / "rows.jsonl"), Job("messages", load_policy("dolphin")), tmp_path / "run")
    kept = tmp_path / "run" / "kept.jsonl"
    kept.write_bytes(kept.read_bytes().replace(b"Oak", b"Fir", 1))
    with pytest.raises(RunFolderError, match="altered"):
        restore(tmp_path / "run", tmp_path / "back.jsonl")
    assert not (tmp_path / "back.jsonl").exists()


def test_no_file_is_restored_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        (tmp_path / "in" / f"{name}.jsonl").write_bytes(_lines(0, 5))
    run_job(open_data_set(tmp_path / "in"), Job("messages", load_policy("dolphin")), tmp_path / "run")
    manifest = json.loads((tmp_path / "run" / "MANIFEST.json").read_bytes())
    manifest["inputs"][1]["name"] = "../../evil.jsonl"
    manifest["manifest_sha256"] = self_hash(manifest)
    (tmp_path / "run" / "MANIFEST.json").write_text(json.dumps(manifest))
    with pytest.raises(RunFolderError, match="evil"):
        restore(tmp_path / "run", tmp_path / "deep" / "er")


def _with_broken(path: Path, good: int, broken: Sequence[int]) -> Path:
    """Write `good` rows with a broken one of the same length behind each of those numbered."""
    lines = [
        line + (b"x" * (len(line) - 1) + b"\n") * (n in broken) for n in range(good) for line in [_lines(n, n + 1)]
    ]
    path.write_bytes(b"".join(lines))
    return path


def _in_shards(path: Path, runs: Path, **limits: Any) -> list[Path]:
    for number in range(1, 5):
        options = Options(shard=(number, 4), **limits)
        run_job(shard_of(open_data_set(path), number, 4), _loose(_job()), runs / str(number), options)
    return [runs / str(number) for number in range(1, 5)]


@pytest.mark.parametrize("limits", [{"max_bad_rows": 1}, {"max_bad_share": 0.05}])
def test_a_limit_on_broken_rows_is_held_over_the_whole(tmp_path: Path, limits: dict[str, Any]) -> None:
    shards = _in_shards(_with_broken(tmp_path / "rows.jsonl", 40, (4, 14, 24, 34)), tmp_path, **limits)
    with pytest.raises(
        BadDataError,
        match=r"4 of 44 rows cannot be read, over the limit of .*\nNext: .*unmoor merge with --max-bad-rows",
    ):
        merge(shards, tmp_path / "joined")
    assert not (tmp_path / "joined").exists()


def test_a_share_of_broken_rows_that_the_whole_keeps_stops_no_shard(tmp_path: Path) -> None:
    shards = _in_shards(_with_broken(tmp_path / "rows.jsonl", 40, (36, 37, 38, 39)), tmp_path, max_bad_share=0.1)
    assert merge(shards, tmp_path / "joined").outcomes["quarantined"] == 4


def test_shards_of_which_no_row_can_be_read_are_not_joined(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1, "messages": 3}\n' * 8)
    shards = _in_shards(tmp_path / "rows.jsonl", tmp_path)
    again = r"make the shards again \(--layout of unmoor filter and audit .*; unmoor merge with --max-bad-rows 100%"
    with pytest.raises(BadDataError, match=rf"None of the 8 rows can be read(?s:.*){again}"):
        merge(shards, tmp_path / "joined")


def test_ray_holds_the_limits_of_this_run_and_not_those_of_shards_left_from_another(tmp_path: Path) -> None:
    shards = _in_shards(_with_broken(tmp_path / "rows.jsonl", 40, (4, 14, 24, 34)), tmp_path, max_bad_rows=1)
    assert merge(shards, tmp_path / "joined", limits=Options(max_bad_rows=4)).outcomes["quarantined"] == 4


def test_a_share_is_taken_as_it_is_written(tmp_path: Path) -> None:
    path = _with_broken(tmp_path / "rows.jsonl", 71, range(29))
    for share, is_held in ((0.29, True), (0.2899, False)):
        options = Options(max_bad_share=share, force=True)
        if is_held:
            run_job(open_data_set(path), _loose(_job()), tmp_path / "run", options)
        else:
            with pytest.raises(BadDataError, match=r"over the limit of 28\.99%"):
                run_job(open_data_set(path), _loose(_job()), tmp_path / "run", options)
