"""What a user may name, what is refused, and how an address answers: as a path would, with nothing cached."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from unmoor.errors import BadDataError, MachineError, MissingExtraError, UsageError
from unmoor.storage import Address, for_random_access, located, put
from unmoor.storage.troubles import said, storage_errors

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def memory() -> Any:
    system = fsspec.filesystem("memory", use_listings_cache=False)
    system.store.clear()
    return system


@pytest.mark.parametrize("name", ["data.jsonl", "a/b", "hf:owner/name", "C:/x", ".", "a::b.jsonl"])
def test_a_plain_name_is_a_path(name: str) -> None:
    assert located(name) == Path(name)


def test_a_file_address_is_a_path_of_this_machine() -> None:
    assert located("file:///data/set.jsonl") == Path("/data/set.jsonl")


def test_an_address_keeps_its_slashes_and_loses_the_last() -> None:
    address = located("S3://bucket/set/")
    assert str(address) == "s3://bucket/set" and str(address / "a.jsonl") == "s3://bucket/set/a.jsonl"
    assert isinstance(address, Address) and str(address.with_name("other")) == "s3://bucket/other"
    assert pickle.loads(pickle.dumps(address)) == address


@pytest.mark.parametrize(
    "name",
    [
        "sftp://me:hunter22@host/x.jsonl",
        "s3://KEYKEYKEY:hunter22@bucket/x.jsonl",
        "https://host/x.jsonl?X-Amz-Signature=hunter22",
        "https://hunter22@host/x.jsonl",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(UsageError, match="would stand in the run's plan") as caught:
        located(name)
    assert "hunter22" not in str(caught.value)


def test_the_container_of_an_azure_address_is_no_password() -> None:
    assert str(located("abfs://set@account.dfs.core.windows.net/x")) == "abfs://set@account.dfs.core.windows.net/x"


@pytest.mark.parametrize("name", ["simplecache::s3://bucket/x", "zip://a.jsonl::s3://bucket/x.zip", "s3://"])
def test_what_names_no_object_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="Next: "):
        located(name)


def test_the_order_is_that_of_paths(tmp_path: Path) -> None:
    names = ["a.jsonl", "a/b.jsonl", "a-b/c.jsonl", "B.jsonl", "a/b/c.jsonl", "é.jsonl"]
    by_path = sorted(Path("/bucket") / name for name in names)
    by_address = sorted(Address("s3://bucket") / name for name in names)
    assert [str(path)[8:] for path in by_path] == [str(address)[12:] for address in by_address]


def test_a_scheme_without_its_package_says_what_to_install() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'unmoor\[remote\]' gcsfs"):
        Address("gs://bucket/x").stat()


def test_an_unknown_scheme_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'ss3:// is no storage that fsspec knows\. Did you mean "s3"\?'):
        Address("ss3://bucket/x").stat()


def test_what_another_process_wrote_is_seen_at_once(memory: Any) -> None:
    folder = Address("memory://set")
    assert not folder.exists() and not folder.is_dir()
    memory.pipe_file("/set/a.jsonl", b"1\n")
    assert folder.is_dir() and [str(file) for file in folder.found()] == ["memory://set/a.jsonl"]
    memory.pipe_file("/set/sub/b.jsonl", b"22\n")
    assert [file.name for file in folder.iterdir()] == ["a.jsonl", "sub"]
    assert [file.stat().st_size for file in folder.found("**/*.jsonl")] == [2, 3]


def test_a_stream_gives_every_byte_from_anywhere(memory: Any) -> None:
    content = bytes(range(256)) * 40_000  # 10 MB: several blocks, the last of them fetched ahead
    memory.pipe_file("/big", content)
    with Address("memory://big").open() as file:
        assert file.read(10) == content[:10] and file.seek(5_000_000) and file.read(7) == content[5_000_000:5_000_007]
        file.seek(0)
        parts = iter(lambda: file.read(777_777), b"")
        assert b"".join(parts) == content
    with for_random_access(Address("memory://big")) as ranges:  # type: ignore[union-attr]
        ranges.seek(-3, 2)
        assert ranges.read() == content[-3:]


def test_an_object_written_again_while_it_is_read_is_named(memory: Any) -> None:
    memory.pipe_file("/x.jsonl", b"a" * 1_000_000)
    with Address("memory://x.jsonl").open() as file:
        file.read(10)
        memory.pipe_file("/x.jsonl", b"b" * 1_000)
        with pytest.raises(BadDataError, match=r"memory://x\.jsonl changed while it was read"):
            file.read()


def test_an_object_deleted_while_it_is_read_is_named(memory: Any) -> None:
    memory.pipe_file("/x.jsonl", b"a" * 1_000_000)
    with Address("memory://x.jsonl").open() as file:
        file.read(10)
        memory.rm_file("/x.jsonl")
        with pytest.raises(BadDataError, match=r"memory://x\.jsonl changed while it was read"):
            file.read()


def test_an_upload_says_what_the_storage_then_has(memory: Any, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert put(tmp_path / "x", Address("memory://y")).st_size == 3
    assert Address("memory://y").read_bytes() == b"abc"


def test_no_secret_of_the_environment_stands_in_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "AccountName=x;AccountKey=hunter2222")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter3333")
    told = said(OSError("no: AccountName=x;AccountKey=hunter2222 hunter3333 ?sig=hunter4444&x=1 https://a:hunter5@h/"))
    assert "hunter" not in told and told.startswith("OSError: no: ")
    with pytest.raises(MachineError) as caught, storage_errors("Reading s3://bucket/x"):
        raise RuntimeError("signature=hunter4444")
    assert "hunter" not in str(caught.value)
