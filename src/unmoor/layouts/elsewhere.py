"""From a name to a layout that another package registers, as an entry point of group `unmoor.layouts`."""

from __future__ import annotations

from dataclasses import replace

from unmoor.errors import BadRow, UsageError
from unmoor.layouts.layout import Layout
from unmoor.records import Conversation, Row
from unmoor.records.registered import Registered, load_registered, registered_names

__all__ = ["GROUP", "layout_elsewhere", "names_elsewhere"]

GROUP = "unmoor.layouts"


def names_elsewhere() -> list[str]:
    """Return the names of layouts that installed packages register."""
    return registered_names(GROUP)


def layout_elsewhere(name: str) -> Layout | None:
    """Return the layout that a package registers as `name`; None if none does.

    Raises:
        UsageError: it cannot be loaded, or is no layout of that name.
    """
    registered = load_registered(GROUP, name)
    if registered is None:
        return None
    layout = registered.value
    if not isinstance(layout, Layout) or layout.name != name:
        found = f'one called "{layout.name}"' if isinstance(layout, Layout) else type(layout).__name__
        raise UsageError(
            f'{registered.package} should register a Layout called "{name}" under that name, found {found}'
        )
    return replace(layout, read=lambda row: _read(layout, registered, row))


def _read(layout: Layout, registered: Registered, row: Row) -> Conversation:
    try:
        return layout.read(row)
    except BadRow:
        raise
    except Exception as error:
        raise UsageError(
            f'The layout "{layout.name}" of {registered.package} failed on a row: {type(error).__name__}: {error}. '
            "Next: mend that package; for a row that cannot be read it raises BadRow"
        ) from error
