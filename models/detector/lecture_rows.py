"""From `lectures/*.toml` to rows: answers with the spans that lecture, answers that only look so, ordinary ones, lectures alone."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LectureRow", "languages", "lecture_rows"]

_FOLDER = Path(__file__).resolve().parent / "lectures"


@dataclass(frozen=True, slots=True)
class LectureRow:
    """One answer; `spans` are the code points that lecture."""

    language: str
    prompt: str
    answer: str
    spans: tuple[tuple[int, int], ...]
    is_all: bool = False


def languages() -> list[str]:
    """Return the languages that there are rows for."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def lecture_rows(language: str) -> list[LectureRow]:
    """Return the rows of a language, in their order."""
    texts = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    rows = [_joined(language, *row, lectures=True) for row in texts["lectures"]]
    rows += [_joined(language, *row, lectures=False) for row in texts["alike"]]
    rows += [LectureRow(language, prompt, answer, ((0, len(answer)),), is_all=True) for prompt, answer in texts["only"]]
    return rows + [LectureRow(language, prompt, answer, ()) for prompt, answer in texts["ordinary"]]


def _joined(language: str, prompt: str, body: str, said: str, where: str, *, lectures: bool) -> LectureRow:
    """Return an answer of a body and a sentence beside it, in a paragraph of its own or not, as the words' hash decides."""
    gap = "\n\n" if hashlib.md5((prompt + said).encode(), usedforsecurity=False).digest()[0] % 2 else " "
    middle = body.find(". ")
    if where == "open":
        answer, start = said + gap + body, 0
    elif where == "mid" and middle > 0:
        answer, start = f"{body[: middle + 1]} {said} {body[middle + 2 :]}", middle + 2
    else:
        answer, start = body + gap + said, len(body + gap)
    return LectureRow(language, prompt, answer, ((start, start + len(said)),) if lectures else ())
