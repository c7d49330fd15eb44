"""From conversations to numbers that are equal where rows say the same, and nearly equal where they say nearly the same.

Exact: a hash of 128 bits over all that a row teaches. Near: MinHash (Broder 1997) over five words in a row, of five characters in
scripts without spaces, of what is asked and of what is answered apart: a long instruction that rows share makes no duplicates of
them, nor does one answer to many questions. What is no text (tool calls, images, labels), the system prompt and the rejected
answer of a pair must be equal either way, and so must the numbers and symbols of a short text, which it is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from unmoor.errors import MissingExtraError
from unmoor.layouts import Unread
from unmoor.records import Conversation, Row
from unmoor.records.patterns import pattern_when_used

__all__ = ["SEED", "Alike", "Exact", "Keys", "MinHash", "Signatures", "hides_something"]

Signatures = NDArray[np.uint32]
Keys = NDArray[np.uint64]
SEED = 2718
"""Of the MinHash permutations: the same rows are duplicates in every run."""
_PERMUTATIONS = 128
"""For each of the two sides; the standard error of an estimate of 0.8 is 0.035."""
_MOST_BANDS = 24
_FOUND_SHARE = 0.98
"""How many of the pairs that are just alike enough should meet in a band."""
_SHINGLE = 5
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHORT = 50
"""Tokens of a side up to which its numbers and symbols must be equal; at .8 a longer one can differ anywhere and be alike."""
_UNEQUAL = np.float32(0.9999)
"""The most that rows are alike which differ in anything at all."""
_TOKEN = pattern_when_used(
    r"\w+"
    r"|[^\w\s.,:;!?\"'\u2018-\u201f\u00ab\u00bb\u2026\u2013\u2014\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f\u300c-\u300f\uff08\uff09]"
    r"|[.,:;!?](?=[\w=])"
    r"|[\"'](?:(?<=[(\[{=].)|(?<== .))"
)
"""A word, or any other sign but those that only close or quote a sentence; within words (3.5, a.b) and in code these count too."""
_VISIBLE = pattern_when_used(r"\S")
_UNSPACED = pattern_when_used(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]"
)
"""Thai, Lao, Burmese, Khmer, kana and Han."""
_LISTS = (
    *("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns", "contents", "segments"),
    *("prompt", "completion", "chosen"),
)
_PARTS = ("content", "parts")
_BESIDE_TEXT = frozenset(
    (
        *("tools", "functions", "label", "kto_tag", "media", "pixel_values", "file", "files", "document", "documents"),
        *(
            f"{kind}{end}"
            for kind in ("image", "audio", "video")
            for end in ("", "s", "_path", "_paths", "_url", "_urls")
        ),
    )
)
_COPIES = frozenset((*_LISTS, "text", "formatted", "formatted_chat", "chat_template", "raw"))
"""Columns that, where they are not read, hold what is read once more, as lists or set in a template."""
_ABOUT = pattern_when_used(
    r"\A(?:ids?|u?uid|guid|idx|index|row|key|number|sources?|src|origin|dataset|subset|split|config|file|filename|path|link"
    r"|licen[cs]e|categor(?:y|ies)|topics?|tags?|domain|type|kind|task|difficulty|level|lang(?:uage)?|locale|country|models?|generator"
    r"|engine|author|user|username|worker|date|time|version|created|updated|rank|reward|flags|length|tokens|turn|status|header"
    r"|usage|role|from|train|weight|embeddings?|logprobs|redacted|views|(?:model|dataset|file|task|user|subset|source)_name)\Z"
    r"|(?:_|\A)(?:ids?|uuid|at|source|dataset|model|type|url|count|length|index|lang|language|date|time|version|category|split"
    r"|reward|ip)\Z"
    r"|\A(?:num|n|is|has)_"
    r"|(?:_|\A)(?:hash|md5|sha\d+|metadata|meta|scores?|ratings?|quality|moderation|toxic(?:ity)?|identifier|avatar|annotators?"
    r"|timestamp|detoxify)(?:_|\Z)|url\Z"
)
"""How columns are called that say where a row is from or how good it is, and nothing that it teaches."""
_PICTURE = pattern_when_used(
    r"\A(?:image|img|audio|video)s?(?:_(?!(?:counts?|num|seen|size|width|height)\Z)|\Z)|_(?:image|img|audio|video)s?\Z"
)
"""How columns are called that hold pictures or sounds, or name them, by numbers too."""
_ABOUT_A_TURN = pattern_when_used(r"\A(?:header|state|title|notes?|comments?|info|extra|status|feedback)\Z")
"""The same of keys beside what a turn says."""
_OTHER_SIDE = "reject"
"""In the name of a column: the answer of a pair that is trained away from."""

_TOLD = (str, list, dict, Unread)
"""Values that may teach something; numbers do not."""


class Alike(Protocol):
    """A way to tell that rows say the same."""

    threshold: float
    width: int

    def sign(self, rows: Sequence[tuple[Row, Conversation]]) -> tuple[Signatures, Keys]:
        """Return signatures (rows × width) and keys (rows × bands); rows with an equal key in a band may be alike."""

    def similarity(self, one: Signatures, other: Signatures) -> NDArray[np.float32]:
        """Return how alike the rows of two equally long lists of signatures are, 0 to 1."""


class Exact:
    """Rows that teach the same: equal roles, texts, tools, pictures, labels, rejected answers and all other columns that hold text,
    lists or objects, but for those that say where a row is from and how good it is.
    """

    threshold, width = 1.0, 4

    def sign(self, rows: Sequence[tuple[Row, Conversation]]) -> tuple[Signatures, Keys]:
        """Return 128 bits of BLAKE2b for each row, and the first 64 of them as its key."""
        digests = b"".join(_digest(_whole(row, conversation)) for row, conversation in rows)
        signatures = np.frombuffer(digests, dtype="<u4").reshape(-1, 4)
        return signatures, np.frombuffer(digests, dtype="<u8").reshape(-1, 2)[:, :1]

    def similarity(self, one: Signatures, other: Signatures) -> NDArray[np.float32]:
        """Return 1 for equal signatures, 0 for others."""
        equal: NDArray[np.float32] = (one == other).all(axis=1).astype(np.float32)
        return equal


class MinHash:
    """Rows whose requests and whose answers are both at least `threshold` alike, as an estimate of Jaccard's measure.

    Raises:
        MissingExtraError: rensa is not installed.
    """

    width = 2 * _PERMUTATIONS + 4

    def __init__(self, threshold: float) -> None:
        try:
            from rensa import RMinHash
        except ImportError as error:
            raise MissingExtraError("--dedup minhash", "dedup") from error
        self._rensa = RMinHash
        self.threshold = threshold
        self._bands, self._band_rows = _bands_for(threshold)

    def sign(self, rows: Sequence[tuple[Row, Conversation]]) -> tuple[Signatures, Keys]:
        """Return the MinHashes of both sides, 64 bits of all that must be equal and 64 of the whole, which no key mixes in."""
        if not rows:
            return np.empty((0, self.width), np.uint32), np.empty((0, self._bands), np.uint64)
        said = [[_said(conversation, is_answer=side) for _, conversation in rows] for side in (False, True)]
        sides = [self._side(texts) for texts in said]
        frame = _eight_bytes(_frame(*row, texts) for row, texts in zip(rows, zip(*said, strict=True), strict=True))
        whole = _eight_bytes(_whole(*row) for row in rows)
        signatures = np.hstack([*sides, *(each.view("<u4").reshape(-1, 2) for each in (frame, whole))])
        return signatures.astype(np.uint32), self._keys(sides, frame)

    def similarity(self, one: Signatures, other: Signatures) -> NDArray[np.float32]:
        """Return the lesser of how alike the requests and the answers are; 0 where what must be equal is not, 1 where all is."""
        equal = one == other
        sides = equal[:, : 2 * _PERMUTATIONS].reshape(-1, 2, _PERMUTATIONS).mean(axis=2, dtype=np.float32)
        alike: NDArray[np.float32] = sides.min(axis=1) * equal[:, 2 * _PERMUTATIONS : -2].all(axis=1)
        return np.where(equal[:, -2:].all(axis=1), alike, np.minimum(alike, _UNEQUAL))

    def _side(self, texts: list[list[str]]) -> Signatures:
        hashes = self._rensa.hash_token_sets(texts)
        ends = np.cumsum([len(row) for row in hashes])
        flat, offsets = _shingled(np.concatenate([np.array(row, dtype=np.uint64) for row in hashes]), ends)
        matrix = self._rensa.digest_matrix_from_flat_token_hashes(flat, offsets, _PERMUTATIONS, SEED)
        return np.array(matrix.to_rows(), dtype=np.uint32)

    def _keys(self, sides: list[Signatures], frame: Keys) -> Keys:
        keys = np.empty((len(frame), self._bands), np.uint64)
        with np.errstate(over="ignore"):
            for band in range(self._bands):
                key = frame + np.uint64(band)
                for side in sides:
                    for column in range(band * self._band_rows, (band + 1) * self._band_rows):
                        key = _mixed(key ^ side[:, column].astype(np.uint64))
                keys[:, band] = key
        return keys


def _bands_for(threshold: float) -> tuple[int, int]:
    """Return bands and rows of each side in a band: the longest bands that still let nearly all pairs at the threshold meet."""
    for rows in range(8, 0, -1):
        bands = min(_MOST_BANDS, _PERMUTATIONS // rows)
        if 1 - (1 - threshold ** (2 * rows)) ** bands >= _FOUND_SHARE:
            return bands, rows
    return _MOST_BANDS, 1


def _shingled(flat: Keys, ends: NDArray[np.int64]) -> tuple[Keys, Keys]:
    """Return a hash of every five tokens in a row, and where each row's begin and end; a shorter row is one shingle."""
    starts = np.concatenate(([0], ends[:-1]))
    lengths = ends - starts
    mixed = _mixed(flat)
    padded = np.concatenate([mixed, np.zeros(_SHINGLE, np.uint64)])
    place = np.arange(len(flat)) - np.repeat(starts, lengths)
    left = np.repeat(lengths, lengths) - place
    hashes = np.zeros(len(flat), np.uint64)
    with np.errstate(over="ignore"):
        for step in range(_SHINGLE):
            inside = np.where(left > step, padded[step : step + len(flat)], np.uint64(0))
            hashes = _mixed(hashes + inside)
    wanted = (place == 0) | (left >= _SHINGLE)
    counts = np.where(lengths > 0, np.maximum(lengths - _SHINGLE + 1, 1), 0)
    return hashes[wanted], np.concatenate(([0], np.cumsum(counts))).astype(np.uint64)


def _mixed(values: Keys) -> Keys:
    """Spread each value over all 64 bits, as the finaliser of SplitMix64 does (Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        values = values + _MIX
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))


def _said(conversation: Conversation, *, is_answer: bool) -> list[str]:
    """Return the words, or the characters, of the assistant's turns or of the others'; the system prompt is neither."""
    turns = (turn for turn in conversation.turns if turn.role != "system" and (turn.role == "assistant") is is_answer)
    return _tokens("\n".join(f"{turn.reasoning}\n{turn.text}" if turn.reasoning else turn.text for turn in turns))


def _tokens(text: str) -> list[str]:
    """Return the words and symbols of a text, or the characters of one without spaces; of bare punctuation, every sign."""
    tokens = _TOKEN.findall(_storable(text).casefold())
    if not tokens:
        return _VISIBLE.findall(text)
    if not text.isascii():
        joined = "".join(tokens)
        if 2 * len(_UNSPACED.findall(joined)) > len(joined):
            return list(joined)
    return tokens


def _frame(row: Row, conversation: Conversation, said: Iterable[list[str]]) -> bytes:
    """Return what near duplicates have in common: the system prompts but for case and punctuation, and all that is no text.

    `said` is the tokens of each side; a short side's numbers and symbols belong to it.
    """
    system = [_tokens(turn.text) for turn in conversation.turns if turn.role == "system"]
    signs = [[token for token in tokens if not token.isalpha()] if len(tokens) <= _SHORT else None for tokens in said]
    return orjson.dumps([system, _learned(conversation), signs]) + _beside_text(row, conversation)


def _learned(conversation: Conversation) -> list[bool]:
    """Return which answers are there to be learned; one word for all where they are alike."""
    learned = [turn.is_target for turn in conversation.turns if turn.role == "assistant"]
    return learned if len(set(learned)) > 1 else learned[:1]


def _whole(row: Row, conversation: Conversation) -> bytes:
    turns = [(turn.role, turn.is_target, turn.text, turn.reasoning) for turn in conversation.turns]
    return repr(turns).encode() + _beside_text(row, conversation)  # which writes half surrogates and backslashes out


def _beside_text(row: Row, conversation: Conversation) -> bytes:
    """Return what a row says without words, and in columns and keys of turns that its layout does not read. Rows with tool calls or
    parts that are no text, or a tool's result as an object, are told apart by their whole lists.
    """
    paths = [piece.path for turn in conversation.turns for piece in turn.pieces]
    roots, keys = {path[0] for path in paths}, {path[-1] for path in paths}
    beside = {
        key: value
        for key, value in row.items()
        if (value is not None and _is_beside_text(key, value)) or (key not in roots and _teaches(key, value))
    }
    for root in map(str, roots & row.keys()):
        beside |= _beside_in_turns(root, row[root], keys)
    lists = {str(key): row[key] for key in (*_LISTS, *roots) if key in row}
    if any(turn.has_tool_calls for turn in conversation.turns) or _has_parts(lists):
        beside |= lists
    return repr(sorted(beside.items())).encode("utf-8", "surrogatepass") if beside else b""


def hides_something(row: Row) -> bool:
    """Return whether a value that may tell a row from another cannot be read, so that it is equal to none."""
    return any(
        isinstance(value, Unread) and (_is_beside_text(key, value) or _teaches(key, value))
        for key, value in row.items()
    )


def _teaches(key: str, value: Any) -> bool:
    """Return whether a column that is not read may hold what a row teaches: not how it came to be, nor a copy of the rest."""
    name = key.casefold()
    if _PICTURE.search(name):
        return value is not None
    return bool(value) and isinstance(value, _TOLD) and name not in _COPIES and not _ABOUT.search(name)


def _beside_in_turns(root: str, turns: Any, read: Set[Any]) -> dict[str, Any]:
    """Return what the objects of a list of turns hold beside what is read of them, such as who speaks or a thought."""
    if not isinstance(turns, list):
        return {}
    extras = [
        {
            key: value
            for key, value in turn.items()
            if key not in read and not _ABOUT_A_TURN.search(key) and (key == "name" or _teaches(key, value))
        }
        for turn in turns
        if isinstance(turn, dict)
    ]
    return {f"{root}, beside": extras} if any(extras) else {}


def _is_beside_text(key: str, value: Any) -> bool:
    return key in _BESIDE_TEXT or (_OTHER_SIDE in key.casefold() and isinstance(value, (*_TOLD, bool)))


def _has_parts(lists: Mapping[str, Any]) -> bool:
    return any(
        isinstance(each, dict) and any(isinstance(each.get(key), list | dict) for key in _PARTS)
        for messages in lists.values()
        if isinstance(messages, list)
        for each in messages
    )


def _storable(text: str) -> str:
    """Return the text with half surrogates, which UTF-8 cannot hold, written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _eight_bytes(contents: Iterable[bytes]) -> Keys:
    return np.frombuffer(b"".join(_digest(content)[:8] for content in contents), dtype="<u8")


def _digest(content: Any) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
