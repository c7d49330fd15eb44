"""What tests on Ray share: a data set of two files with refusals and bad rows, and an observer that kills its worker once."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from unmoor.report import ChunkFacts

__all__ = ["dies_once", "write_two_files"]

_ANSWERS = (
    "Oak, ash and elm grow in a cool climate.",
    "I'm sorry, but I can't assist with that request.",
    "Sand and clay.",
)


def write_two_files(folder: Path, rows: int) -> Path:
    """Write two files of `rows` rows each, every third a refusal, and one bad row at their ends; return the folder."""
    folder.mkdir()
    for number in range(2):
        made = ({"instruction": f"({n})", "input": "", "output": _ANSWERS[n % 3]} for n in range(rows))
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in made) + "null\n")
    return folder


class _DiesOnce(ChunkFacts):
    """Kills its process when it is made, unless the marker is there already or there is no folder for one."""

    def __init__(self) -> None:
        super().__init__()
        marker = Path(os.environ.get("UNMOOR_TEST_MARKER", "/nonexistent"))
        if marker.parent.exists() and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def dies_once(marker: Path) -> Callable[[], ChunkFacts]:
    """Return what makes observers in workers, the first of which dies and leaves `marker`."""

    def make() -> ChunkFacts:
        os.environ["UNMOOR_TEST_MARKER"] = str(marker)
        return _DiesOnce()

    return make
