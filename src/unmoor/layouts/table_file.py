"""From tables to a Parquet file of the same types, views of text and bytes too."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from unmoor.layouts.one_schema import in_schema
from unmoor.layouts.types import rebuilt, without_views

__all__ = ["TableFile"]

_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "write_page_checksum": True,
    "use_compliant_nested_type": False,  # the items of lists keep the name that they have, be it `element` or `item`
}
_ARROW = "ARROW:schema"
"""Where a footer says which of Arrow's types the columns are of."""


class TableFile:
    """A Parquet file being written. Use as a context, or `close` it.

    pyarrow 26 writes no views inside of lists. So all views are written as plain text or bytes, which Parquet does not tell from
    them, and the footer says that they are views.
    """

    def __init__(self, path: Path, schema: Any) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.schema = schema
        plain = [field.with_type(rebuilt(field.type, without_views)) for field in schema]
        self._plain = pa.schema(plain, schema.metadata)
        self._has_views = not self._plain.equals(schema)
        self._file = pq.ParquetWriter(path, self._plain, store_schema=not self._has_views, **_OPTIONS)

    def write(self, table: Any) -> None:
        """Write the rows of a table of the same schema as a row group."""
        self._file.write_table(in_schema(table, self._plain) if self._has_views else table)

    def close(self) -> None:
        """Write the footer."""
        if self._has_views:
            told = base64.b64encode(self.schema.serialize().to_pybytes())
            self._file.add_key_value_metadata({**(self.schema.metadata or {}), _ARROW: told})
        self._file.close()

    def __enter__(self) -> TableFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
