"""A word list run over raw bytes gives the outcome, the ledger and the quarantine that reading every row gives."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmoor.engines import Options, merge, raw_rows, run_job
from unmoor.engines.chunks import ChunkWorker
from unmoor.engines.job import ChunkResult, Job
from unmoor.engines.raw_rows import sample_of
from unmoor.layouts import Chunk, open_data_set, parse, shard_of
from unmoor.policy import load_policy
from unmoor.report import ChunkFacts

PHRASES = (
    "kelvin scale",
    "i cannot",
    "straße",
    'say "no"',
    "a/b",
    "c:\\temp",
    "ολοσ",
    "ολος",
    "été",
    "näin\tön",
    "çok iyi",
)
TEXTS = (
    "The \u212aelvin scale begins at zero.",
    "I CANNOT do it.",
    "Die STRASSE ist lang. Die Straße auch.",
    'They say "No" often.',
    "Choose A/B or C:\\Temp.",
    "ΟΛΟΣ ο κόσμος",
    "L'\u00c9T\u00c9 dernier, E\u0301T\u00c9",
    "N\u00c4IN\t\u00d6N",
    "\u00c7OK \u0130Y\u0130",
    "Nothing of the kind stands here.",
    "plain",
    "",
)
BROKEN = (
    b"null",
    b"",
    b"  \r",
    b"[1]",
    b'{"messages": [}',
    b'{"a": 1}{"b": 2}',
    b'{"messages": [{"role": "user", "content": "x", "content": "y"}]}',
    b'{"messages": [{"role": "narrator", "content": "x"}]}',
    b'{"messages": [{"role": "assistant", "content": 7}]}',
    b'{"messages": []}',
    b'{"frage": "x"}',
    b'{"instruction": "q", "output": "a"}',
    b'{"messages": [{"role": "assistant", "content": "\xff"}]}',
    b'{"messages": [{"role": "assistant", "content": "\\ud835 i cannot"}]}',
    b'{"n": NaN, "messages": [{"role": "assistant", "content": "i cannot"}]}',
    b'{"x": ' + b"[" * 70 + b"]" * 70 + b', "messages": [{"role": "assistant", "content": "a"}]}',
)


def _row(text: str, *, ascii_only: bool, request: str) -> bytes:
    row: dict[str, Any] = {"messages": [{"role": "user", "content": request}, {"role": "assistant", "content": text}]}
    return json.dumps(row, ensure_ascii=ascii_only).encode()


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> tuple[ChunkWorker, ChunkWorker]:
    pytest.importorskip("hyperscan")
    folder = tmp_path_factory.mktemp("list")
    (folder / "list.txt").write_text("\n".join(PHRASES) + "\n", encoding="utf-8")
    (folder / "drop.toml").write_text(
        'name = "drop"\nversion = 1\nextends = "label-only"\n[actions]\nwordlist = "drop"\n'
    )
    policy = load_policy(str(folder / "drop.toml"))
    job = Job("messages", policy, ("wordlist",), ("en",), folder / "list.txt")
    fast, slow = ChunkWorker(job), ChunkWorker(job)
    assert fast._raw is not None
    slow._raw = None
    return fast, slow


def _told(result: ChunkResult) -> dict[str, Any]:
    return {
        "files": {name: content for name, content in result.files.items() if content},
        "outcomes": +result.outcomes,
        "behaviours": result.behaviour_rows,
        "layouts": result.layouts,
        "first_bad": result.first_bad,
        "rows": result.languages.total(),
    }


@given(seed=st.integers(0, 2**31), rows=st.integers(0, 40), last_newline=st.booleans(), first_row=st.integers(1, 10**7))
@settings(max_examples=400, deadline=None)
def test_the_raw_scan_tells_what_reading_every_row_tells(
    workers: tuple[ChunkWorker, ChunkWorker], seed: int, rows: int, last_newline: bool, first_row: int
) -> None:
    random = Random(seed)
    lines = [
        random.choice(BROKEN)
        if random.random() < 0.25
        else _row(
            " ".join(random.choices(TEXTS, k=random.randint(1, 3))),
            ascii_only=random.random() < 0.5,
            request=random.choice(TEXTS),
        )
        for _ in range(rows)
    ]
    data = b"\n".join(lines) + b"\n" * last_newline
    chunk = Chunk(0, first_row, 17, data)
    fast, slow = (_told(worker.process(chunk)) for worker in workers)
    assert fast == slow


@pytest.mark.parametrize("cap", ["MAX_ROW_BYTES", "MAX_NESTED"])
def test_a_row_over_a_cap_is_quarantined_as_it_is_where_every_row_is_read(
    workers: tuple[ChunkWorker, ChunkWorker], monkeypatch: pytest.MonkeyPatch, cap: str
) -> None:
    for module in (parse, raw_rows):
        monkeypatch.setattr(module, cap, 20)
    turns = [{"role": role, "content": "plain"} for role in ("user", "assistant") * 10]
    over = {
        "MAX_ROW_BYTES": _row("plain", ascii_only=True, request="?"),
        "MAX_NESTED": json.dumps({"messages": turns}).encode(),
    }
    fast, slow = (_told(worker.process(Chunk(0, 1, 0, over[cap] + b"\n" * 2))) for worker in workers)
    assert fast == slow and slow["outcomes"]["quarantined"] == 1


def test_the_fast_way_does_not_read_most_rows(workers: tuple[ChunkWorker, ChunkWorker]) -> None:
    assert workers[0]._raw is not None
    data = b"".join(_row("plain " * 5, ascii_only=True, request="?") + b"\n" for _ in range(3000))
    wanted, ends = workers[0]._raw.wanted(Chunk(0, 1, 0, data))
    assert len(ends) == 3000 and 20 < len(wanted) < 90


def test_the_sample_is_the_same_however_the_rows_are_cut() -> None:
    ends = np.cumsum([Random(number).randint(50, 900) for number in range(5000)])
    cuts = [0, *ends[616:-1:617].tolist()]
    rows = np.searchsorted(ends, cuts, side="right").tolist()
    parts = zip(cuts, rows, [*rows[1:], 5000], strict=True)
    cut = [first + index for start, first, last in parts for index in sample_of(start, ends[first:last] - start)]
    assert sample_of(0, ends) == cut
    assert 50 < len(cut) < 110


@pytest.mark.parametrize("count", [2, 5])
def test_a_word_list_tells_the_same_of_the_shards_as_of_the_whole(tmp_path: Path, count: int) -> None:
    pytest.importorskip("hyperscan")
    (tmp_path / "list.txt").write_text("oak\n")
    said = (
        "Die Eiche ist ein großer Baum in Europa.",
        "The elm is a tall tree of the north.",
        "Le chêne est un arbre.",
    )
    for name, rows in (("a.jsonl", 3000), ("b.jsonl", 1500)):
        lines = [_row(said[number % 3], ascii_only=False, request=str(number)) for number in range(rows)]
        (tmp_path / name).write_bytes(b"\n".join(lines))
    job = Job("messages", load_policy("label-only"), ("wordlist",), wordlist=tmp_path / "list.txt", observer=ChunkFacts)
    data = open_data_set(f"{tmp_path}/*.jsonl")
    whole = run_job(data, job, tmp_path / "whole")
    parts = [tmp_path / f"part-{number}" for number in range(1, count + 1)]
    for number, part in enumerate(parts, 1):
        run_job(shard_of(data, number, count), job, part, Options(shard=(number, count)))
    joined = merge(parts, tmp_path / "joined", ChunkFacts)
    assert joined.languages == whole.languages and whole.languages["de"] > 10
    assert joined.observed.as_json() == whole.observed.as_json()


def test_a_list_is_found_wherever_hyperscan_is_missing_too(
    workers: tuple[ChunkWorker, ChunkWorker], tmp_path: Path
) -> None:
    from unmoor.detectors.wordlist import Wordlist

    (tmp_path / "list.txt").write_text("\n".join(PHRASES), encoding="utf-8")
    words = Wordlist.read(tmp_path / "list.txt")
    for text in TEXTS:
        lowered = text.lower()
        assert [f.rule for f in words.find_many([(0, text, "text")])[0]] == [
            p for p in words.phrases if p in lowered
        ] or "\u0130" in text
