"""From a name to a layout that another package registers, as an entry point of group `unmoor.layouts`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from unmoor.errors import BadRow, UsageError
from unmoor.layouts.changes import Change
from unmoor.layouts.layout import Layout
from unmoor.records import Conversation, Piece, Role, Turn
from unmoor.records.registered import load_registered, others_code, registered_names

__all__ = ["GROUP", "layout_elsewhere", "names_elsewhere"]

GROUP = "unmoor.layouts"
_ROLES = get_args(Role)


def names_elsewhere() -> list[str]:
    """Return the names of layouts that installed packages register."""
    return registered_names(GROUP)


def layout_elsewhere(name: str) -> Layout | None:
    """Return the layout that a package registers as `name`; None if none does. Whatever its functions do wrong is a UsageError
    that names the package.

    Raises:
        UsageError: it cannot be loaded, or is no layout of that name.
    """
    registered = load_registered(GROUP, name)
    if registered is None:
        return None
    layout, package = registered.value, registered.package
    if not isinstance(layout, Layout) or layout.name != name:
        found = f'one called "{layout.name}"' if isinstance(layout, Layout) else type(layout).__name__
        raise UsageError(f'{package} should register a Layout called "{name}" under that name, found {found}')

    def wrong(why: str) -> UsageError:
        return UsageError(
            f'The layout "{name}" of {package} failed on a row: {why}. '
            "Next: mend that package; for a row that cannot be read it raises BadRow"
        )

    def held(does: Callable[..., Any], fault: Callable[[Any], str] | None = None) -> Callable[..., Any]:
        def checked(*args: Any) -> Any:
            with others_code(wrong, (BadRow,) if does is layout.read else ()):
                made = does(*args)
                why = fault(made) if fault else ""
            if why:
                raise wrong(why)
            return made

        return checked

    read = held(layout.read, _no_conversation)
    return replace(
        layout,
        recognises=held(layout.recognises),
        read=lambda row: _whole(read(row)),
        remove=held(layout.remove, lambda made: _no_changes("remove", made)),
        mask=held(layout.mask, lambda made: _no_changes("mask", made)),
        is_plain=held(layout.is_plain),
        has_equal_sides=held(layout.has_equal_sides),
    )


def _whole(conversation: Conversation) -> Conversation:
    """Return a conversation whose turns are a tuple, as all that reads them expects."""
    return replace(conversation, turns=tuple(conversation.turns))


def _no_conversation(made: Any) -> str:
    """Return what is wrong with what `read` returned; empty if nothing is."""
    if not isinstance(made, Conversation):
        return f"read should return a Conversation, found {type(made).__name__}"
    if not isinstance(made.turns, tuple | list) or not all(isinstance(turn, Turn) for turn in made.turns):
        return "the turns of its Conversation should be a tuple of Turn"
    return next(filter(None, map(_no_turn, made.turns)), "")


def _no_turn(turn: Turn) -> str:
    if turn.role not in _ROLES:
        return f"the role of a turn should be one of {', '.join(_ROLES)}, found {turn.role!r}"
    if not all(isinstance(said, str) for said in (turn.text, turn.reasoning)):
        return "text and reasoning of a turn should be text"
    if not all(isinstance(piece, Piece) and isinstance(piece.path, tuple) and piece.path for piece in turn.pieces):
        return "the pieces of a turn should be a tuple of Piece, each with the path of keys to its text"
    return ""


def _no_changes(what: str, made: Any) -> str:
    """Return what is wrong with what `remove` or `mask` returned; empty if nothing is."""
    if made is None or (isinstance(made, tuple | list) and all(isinstance(one, Change) for one in made)):
        return ""
    return f"{what} should return None or a tuple of changes, found {made!r}"
