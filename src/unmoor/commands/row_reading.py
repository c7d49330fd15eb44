"""From the bytes of a run's rows to what they say, for the rooms that may not ask the layouts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from unmoor.errors import BadRow, UsageError
from unmoor.records import Conversation
from unmoor.run_folder import read_manifest

__all__ = ["row_reader", "rows_of"]


def row_reader(run: Path) -> Callable[[bytes], Conversation | None]:
    """Return what reads the bytes of a row in the layout that the run was read in, or in the row's own."""
    from unmoor.layouts import LAYOUTS, ParsedRow, layout_named, layout_of_row, parsed_rows

    try:
        first = layout_named(str(read_manifest(run).get("layout")))
    except UsageError:  # a name that only another version knows: each row's own layout is asked
        first = next(iter(LAYOUTS.values()))

    def read_row(raw: bytes) -> Conversation | None:
        for _, parsed in parsed_rows([(1, raw)]):
            layout = layout_of_row(parsed.readable, first) if isinstance(parsed, ParsedRow) else None
            if layout is not None and isinstance(parsed, ParsedRow):
                try:
                    return layout.read(parsed.readable)
                except BadRow:  # the page then shows the ledger's excerpt and says so
                    return None
        return None

    return read_row


def rows_of(path: Path) -> Iterator[bytes]:
    """Yield each row of a data file in any format as a line of JSON."""
    import orjson

    from unmoor.layouts import read_rows

    for _, row in read_rows(path):
        yield orjson.dumps(row, default=str)
