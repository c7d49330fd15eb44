"""From the text of a CSV file to its rows, however long a cell is."""

from __future__ import annotations

import csv
import io

__all__ = ["csv_rows"]


def csv_rows(text: str, delimiter: str = ",") -> csv.DictReader[str]:
    """Return a reader of the rows. Python takes cells of 131,072 characters; that limit, the process's, is raised if need be."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    return csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
