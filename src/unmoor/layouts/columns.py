"""From two or three columns of text, whatever they are called, to a conversation of one exchange.

Which columns they are is the layout's name, `columns:user=question,assistant=answer,system=rules`: one string, which plans,
shards and workers carry like any other. A person gives it, or `pair_of` finds it where a row's own names leave no doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import islice
from shlex import quote
from typing import NamedTuple

from unmoor.errors import UsageError, nearest_name
from unmoor.layouts import alpaca
from unmoor.layouts.answers import answers_beside, is_message_list
from unmoor.layouts.kto import KTO_KEYS
from unmoor.layouts.layout import Layout, no_mask, no_removal, text_turn
from unmoor.layouts.request import SYSTEM_KEYS
from unmoor.records import Conversation, Row, Turn

__all__ = [
    "FORM",
    "Columns",
    "columns_layout",
    "doubt",
    "guess_pair",
    "hold_columns",
    "is_columns",
    "is_side",
    "pair_of",
    "side_of",
]

PREFIX = "columns:"
FORM = f"{PREFIX}user=NAME,assistant=NAME[,system=NAME]"
PARTS = ("user", "assistant", "system")

FAMILIES = (
    (
        frozenset(("question", "query", "input", "instruction", "problem", "prompt")),
        frozenset(("answer", "response", "output", "completion", "solution", "reply")),
    ),
    (frozenset(("user", "human")), frozenset(("assistant", "gpt", "bot"))),
)
"""Names of requests and of their answers in public sets; upper or lower case is the same."""
TARGETS = (frozenset(("input", "inputs")), frozenset(("target", "targets")))
"""As FLAN, Aya, xP3 and Firefly call the two; asked where nothing else is an answer, since other sets call a label so."""
_REQUESTS, _ANSWERS = (frozenset().union(*names) for names in zip(*FAMILIES, strict=True))
_MORE = frozenset(
    (
        *("messages", "conversations", "conversation", "dialogue", "dialog", "history", "turns", "tools", "functions"),
        *("context", "contexts", "passage", "document", "article", "choices", "options", "definition"),
    )
)
"""Columns that hold another part of the request, or the whole: a pair beside them is not all that is said."""
_SIDES = ("chosen", "reject")
ROWS_TO_LOOK_THROUGH = 10_000
"""Rows in which a column that was named must show itself."""


class Columns(NamedTuple):
    """Which column holds what; without a `system` the usual names are looked for."""

    user: str
    assistant: str
    system: str = ""

    @property
    def name(self) -> str:
        """Return the name of the layout."""
        return PREFIX + ",".join(f"{part}={column}" for part, column in self._asdict().items() if column)


def is_columns(name: str) -> bool:
    """Return whether a layout's name says columns, well or badly."""
    return name.partition(":")[0].strip() == "columns"


def columns_layout(name: str) -> Layout:
    """Return the layout that `name` describes; its own name has the parts in their usual order.

    Raises:
        UsageError: a part is unknown, missing, empty or given twice, or a name cannot be written so.
    """
    return _layout(_parsed(name))


def _parsed(name: str) -> Columns:
    told: dict[str, str] = {}
    for part in filter(None, name.partition(":")[2].split(",")):
        key, equals, column = part.partition("=")
        key = key.strip()
        if not equals or key not in PARTS:
            raise _misused(name, f'"{key}" is none of {", ".join(PARTS)}.{nearest_name(key, PARTS)}')
        if key in told:
            raise _misused(name, f"{key} is given twice.")
        if not column or "=" in column or not column.isprintable():
            raise _misused(name, f'{key} cannot be "{column}".')
        if column in told.values():
            raise _misused(name, f'"{column}" is given for two parts.')
        told[key] = column
    for key in ("user", "assistant"):
        if key not in told:
            raise _misused(name, f"{key} is missing.")
    return Columns(**told)


def _misused(name: str, why: str) -> UsageError:
    return UsageError(
        f"--layout {name}: {why} Next: --layout {FORM}, with the names as the rows have them, spaces and dots too; "
        "a column whose name has a comma, an equals sign or a control character must be renamed first"
    )


@lru_cache(maxsize=256)
def _layout(columns: Columns) -> Layout:
    user, assistant, system = columns
    usual = tuple(key for key in SYSTEM_KEYS if key not in columns)

    def recognises(row: Row) -> bool:
        return user in row and assistant in row

    def system_turn(row: Row) -> tuple[Turn, ...]:
        key = system or next((key for key in usual if isinstance(row.get(key), str) and row[key]), "")
        return (text_turn("system", row[key], (key,)),) if row.get(key) else ()

    def read(row: Row) -> Conversation:
        asked = text_turn("user", row.get(user), (user,))
        return Conversation(
            (*system_turn(row), asked, text_turn("assistant", row.get(assistant), (assistant,), is_target=True))
        )

    def is_plain(row: Row) -> bool:
        return type(row.get(user)) is str and type(row.get(assistant)) is str and type(row.get(system, "")) is str

    return Layout(columns.name, "columns that you name", recognises, read, no_removal, no_mask, is_plain)


def hold_columns(layout: Layout, rows: Iterable[Row]) -> None:
    """Make sure that each column that the layout's name says is there and holds text, as far as the first rows tell.

    Raises:
        UsageError: one is in no row, or holds no text; names the nearest.
    """
    columns = _parsed(layout.name)
    missing = {column: part for part, column in columns._asdict().items() if column}
    kinds: dict[str, str] = {}
    looked_at = 0
    for row in islice(rows, ROWS_TO_LOOK_THROUGH):
        looked_at += 1
        kinds |= {key: "text" if isinstance(value, str) else _kind(value) for key, value in row.items()}
        missing = {column: part for column, part in missing.items() if not isinstance(row.get(column), str)}
        if not missing:
            return
    for column, part in missing.items() if looked_at else ():
        _refuse(column, part, kinds, f"the {looked_at:,} rows that were looked at")


def _kind(value: object) -> str:
    return "nothing" if value is None else f"values such as {value!r:.40}"


def _refuse(column: str, part: str, kinds: dict[str, str], where: str) -> None:
    if column not in kinds:
        raise UsageError(
            f'--layout: none of {where} has a column "{column}".{nearest_name(column, kinds)} '
            f"Columns: {', '.join(list(kinds)[:20])}. Next: {part}=NAME with one of them"
        )
    if part == "system" and kinds[column] == "nothing":
        return
    raise UsageError(
        f'--layout: the column "{column}" holds no text in {where}, but {kinds[column]}. '
        f"Next: {part}=NAME with a column of text, or turn that one into text first"
    )


def pair_of(row: Row) -> Layout | None:
    """Return the layout of a row whose own names say which text answers which, or None."""
    pair = _pair_named(row)
    return _layout(pair) if pair and isinstance(row[pair.user], str) and isinstance(row[pair.assistant], str) else None


def is_side(name: str) -> bool:
    """Return whether a column is called as a request or an answer."""
    return side_of(name) != ""


def side_of(name: str) -> str:
    """Return whose words a column holds by its name, `user` or `assistant`; empty where the name does not say."""
    called = name.casefold()
    return "user" if called in _REQUESTS else "assistant" if called in _ANSWERS else ""


def _pair_named(row: Row) -> Columns | None:
    """Return the one request and the one answer among the names of a row; None if there are more, or other things said."""
    pair = _one_of_each(row)
    return pair if pair and not _beside(row, pair) else None


def _one_of_each(row: Row) -> Columns | None:
    names = {key.casefold(): key for key in row}
    if len(names) != len(row):
        return None
    asked, said = names.keys() & _REQUESTS, names.keys() & _ANSWERS
    if not said:
        asked, said = names.keys() & (_REQUESTS | TARGETS[0]), names.keys() & TARGETS[1]
    is_one = len(asked) == len(said) == 1
    if not is_one or not any(asked <= these and said <= those for these, those in (*FAMILIES, TARGETS)):
        return None
    return Columns(names[min(asked)], names[min(said)])


def _beside(row: Row, pair: Columns) -> list[str]:
    """Return the columns that make a pair beside them doubtful: more of the request, another side or answer, a verdict."""
    answers = set(answers_beside(row, pair.assistant)) - {pair.user}
    return [key for key, value in row.items() if key in answers or _is_doubtful(key.casefold(), value)]


def _is_doubtful(name: str, value: object) -> bool:
    return name in _MORE or any(side in name for side in _SIDES) or (name in KTO_KEYS and isinstance(value, int))


def doubt(rows: Sequence[Row]) -> str:
    """Return why rows with a request and an answer are not taken for a pair, as a sentence; empty if there are none."""
    for row in rows:
        pair = _one_of_each(row)
        if pair and (beside := _beside(row, pair)):
            return (
                f'"{pair.user}" and "{pair.assistant}" are not taken for request and answer beside '
                f"{', '.join(beside)}, which may say more. {_instead(row, pair)}"
            )
    return ""


def _instead(row: Row, pair: Columns) -> str:
    """Return how a row is read whole, or else what a model seems to have said to the same request; empty where there is no way."""
    if alpaca.LAYOUT.recognises(row):
        return f"To read these too: --layout {alpaca.LAYOUT.name}. "
    other = next(iter(answers_beside(row, pair.assistant)), "")
    if other and isinstance(row[other], str):
        return f"If {other} is the answer: --layout {quote(pair._replace(assistant=other).name)}. "
    return f"If {other} is the conversation: rename it to messages. " if is_message_list(row.get(other)) else ""


def guess_pair(layout: Layout, rows: Sequence[Row]) -> Layout | None:
    """Return the pair that most of `rows` are, with the system's column if they have one; None if some row casts doubt."""
    pair = _parsed(layout.name)
    these = [row for row in rows if layout.recognises(row)]
    if any(_pair_named(row) != pair for row in these):
        return None
    systems = {key for row in these for key in SYSTEM_KEYS if isinstance(row.get(key), str) and row[key]}
    return _layout(pair._replace(system=systems.pop())) if len(systems) == 1 else layout
