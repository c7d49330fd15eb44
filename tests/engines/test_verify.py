"""One flipped bit anywhere in a finished run is found by verify."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from unmoor.engines import Job, explain_row, merge, restore, run_job
from unmoor.errors import RunFolderError, UnmoorError
from unmoor.layouts import open_data_set
from unmoor.policy import load_policy
from unmoor.run_folder import RUN, dump_json, verify
from unmoor.run_folder.files import self_hash

FLIPS = int(os.environ.get("UNMOOR_FLIPS", "200"))
SEED = 20_261
PLAIN = "Oak, ash and elm are three trees that grow well in a cool climate."
ANSWERS = (
    PLAIN,
    PLAIN,
    PLAIN,
    "I'm sorry, but I can't assist with that request.",
    "As an AI language model, I like oak.",
)


def _rows() -> list[dict[str, object]]:
    return [
        {"messages": [{"role": "user", "content": f"Tree {n}?"}, {"role": "assistant", "content": answer}]}
        for n in range(10)
        for answer in ANSWERS
    ]


def _finished_run(folder: Path, name: str) -> Path:
    path = folder / name
    if name.endswith("parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist([*_rows(), {"messages": []}]), path)
    else:
        path.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in _rows()) + b'{"messages": "cut\nnull\n')
    run_job(open_data_set(path), Job("messages", load_policy("dolphin"), languages=("en",)), folder / "run")
    return folder / "run"


def _is_found(run: Path) -> bool:
    try:
        return verify(run) != []
    except UnmoorError:
        return True


@pytest.mark.parametrize("name", ["data.jsonl", "data.parquet"])
def test_every_flipped_bit_is_found(tmp_path: Path, name: str) -> None:
    run = _finished_run(tmp_path, name)
    assert verify(run) == []
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    assert {"kept", "removed", "ledger", "quarantine", "MANIFEST"} <= {path.name.partition(".")[0] for path in files}
    chance = random.Random(SEED)
    missed = []
    for number in range(FLIPS):
        path = files[number % len(files)]
        whole = path.read_bytes()
        bit = chance.randrange(8 * len(whole))
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        path.write_bytes(broken)
        if not _is_found(run):
            missed.append((path.name, bit))
        path.write_bytes(whole)
    assert missed == []
    assert verify(run) == []


@pytest.mark.parametrize("lacking", [*RUN, "input.name", "files.ledger.jsonl"])
def test_a_manifest_that_lacks_something_is_one_message_that_names_it(tmp_path: Path, lacking: str) -> None:
    run = _finished_run(tmp_path, "data.jsonl")
    manifest = json.loads((run / "MANIFEST.json").read_text())
    key, _, inner = lacking.partition(".")
    manifest[key] = {**manifest[key], inner: None} if inner else 3.5
    (run / "MANIFEST.json").write_bytes(dump_json({**manifest, "manifest_sha256": self_hash(manifest)}))
    for use in (lambda: restore(run, tmp_path / "again"), lambda: explain_row(run, 1), lambda: merge([run], tmp_path)):
        with pytest.raises(RunFolderError, match=f"does not say {lacking} as every run does: .* Next: "):
            use()


@pytest.mark.parametrize("left", [0, 1])
def test_no_row_is_explained_by_a_ledger_that_lost_lines(tmp_path: Path, left: int) -> None:
    run = _finished_run(tmp_path, "data.jsonl")
    ledger = run / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:left]))
    with pytest.raises(RunFolderError, match=r"ledger\.jsonl has \d+ bytes, the manifest says.* Next: "):
        explain_row(run, 5)
