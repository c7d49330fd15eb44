"""Real runs for the page's tests: rows of our own filtered by the command, and a ledger with payloads in every field."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.forked import run_forked

ANSWERS = (
    "I'm sorry, but I can't assist with that.",
    "As an AI language model, I have no hands, but start with what you have and write down the order of the steps.",
    "Fine: put the key in and turn it.",
    "Turn it to the left. Remember that it is always important to act responsibly and ethically.",
    "Ask the locksmith on the corner; she opens at eight.",
    "Oil it first, then try again in an hour.",
)


def row(number: int, answer: str = "", before: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """Return one row in the layout of messages."""
    said = answer or ANSWERS[number % len(ANSWERS)]
    asked = {"role": "user", "content": f"How do locks work, case {number}?"}
    return {"id": f"row-{number}", "messages": [*before, asked, {"role": "assistant", "content": said}]}


def filtered(folder: Path, rows: Sequence[dict[str, Any]], name: str = "rows.jsonl") -> Path:
    """Write `rows` to a file called `name` and return the run that `unmoor filter` makes of it."""
    data, run = folder / name, folder / "house"
    data.write_text("".join(json.dumps(value) + "\n" for value in rows), encoding="utf-8")
    policy = folder / "policy.toml"
    policy.write_text('name = "house"\nversion = 1\nextends = "dolphin"\n\n[limits]\nmax_removed_share = 0.95\n')
    arguments = ["filter", str(data), "-o", str(run), "--policy", str(policy), "--workers", "1", "--language", "en"]
    done = run_forked(arguments, Path.cwd(), dict(os.environ))
    assert done.returncode == 0, done.stderr
    return run


def rewrite(run: Path, name: str, lines: Sequence[Any]) -> None:
    """Put `lines` in the place of a file of the run, and their hash in its manifest."""
    content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode("utf-8", "surrogatepass")
    (run / name).write_bytes(content)
    manifest = json.loads((run / "MANIFEST.json").read_text())
    manifest["files"][name] = {"size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (run / "MANIFEST.json").write_text(json.dumps(manifest))


def lines_of(run: Path, name: str) -> list[Any]:
    """Return the objects of a JSON Lines file of the run."""
    return [json.loads(line) for line in (run / name).read_text(encoding="utf-8").splitlines()]


@contextmanager
def served(run: Path, *options: str, person: str = "ada") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Yield the link that `unmoor review` prints, and its process."""
    command = [sys.executable, "-u", "-m", "unmoor", "review", str(run), "--no-browser", "--person", person, *options]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "http://" in line:
                yield line[line.index("http://") :].split()[0], process
                break
        else:
            raise AssertionError("no link was printed: " + "".join(said))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
