"""From text to the words by which SQLite finds it, and from what a person types to the question that finds them.

Most scripts part words by spaces. Of those that do not, and of Korean, whose endings stand on the words, each character goes in
with the one after it, the last of a run alone: so any part of a run is found, a single character too.
"""

from __future__ import annotations

from unmoor.records import Conversation
from unmoor.records.patterns import pattern_when_used

__all__ = ["query_of", "storable", "text_of_row", "words_in"]

_ROW_CHARS = 10_000
"""Code points of a row that are searched: a data set of whole books would have an index as large as itself."""

_UNSPACED = (
    "["
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
    "\uac00-\ud7a3"  # Hangul
    "]+"
)
_RUN, _RUN_AT_END = pattern_when_used(_UNSPACED), pattern_when_used(rf"{_UNSPACED}\Z")


def storable(value: object) -> str:
    """Return text that SQLite takes: unpaired surrogates replaced."""
    return ("" if value is None else str(value)).encode("utf-8", "replace").decode()


def text_of_row(read: Conversation) -> str:
    """Return what a row says to search in, all its turns and their reasoning, up to 10,000 code points."""
    said, size = [], 0
    for text in (text for turn in read.turns for text in (turn.reasoning, turn.text) if text):
        said.append(text[: _ROW_CHARS - size])
        size += len(said[-1])
        if size >= _ROW_CHARS:
            break
    return storable(" ".join(said))


def words_in(text: str) -> str:
    """Return text as it is put in to be found."""
    return text if text.isascii() else _RUN.sub(lambda run: f" {' '.join(_pairs(run[0]))} ", text)


def query_of(text: str) -> str:
    """Return the question, in SQLite's own language, for every word in `text`; empty where there is none."""
    return " ".join(map(_asked_for, text.replace("\0", " ").split()))


def _asked_for(word: str) -> str:
    """Return one word as a phrase; the run at its end may go on where it is found."""
    last = _RUN_AT_END.search(word)
    said = words_in(word).replace('"', '""')
    if last is None:
        return f'"{said}"'
    return f'"{said}"*' if len(last[0]) == 1 else f'"{said.rstrip()[:-1]}"'


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run))]
