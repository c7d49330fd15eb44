"""Runs what can be measured on any machine and writes bench/RESULTS.md: date, machine, tables of ratios."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import start_time

import unmoor

TARGET = Path(__file__).with_name("RESULTS.md")


def main() -> None:
    """Measure and write."""
    head = (
        "# Measured\n\n"
        f"unmoor {unmoor.__version__}, Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores, "
        f"{datetime.now(UTC):%Y-%m-%d}. Written by `make bench`; ratios hold between machines, seconds do not.\n"
    )
    sections = {"Start time": start_time.measure()}
    body = "".join(f"\n## {title}\n\n" + "\n".join(lines) + "\n" for title, lines in sections.items())
    TARGET.write_text(head + body, encoding="utf-8")


if __name__ == "__main__":
    main()
