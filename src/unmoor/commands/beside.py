"""From what a plain list and our own detectors found to what a person reads of both side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from unmoor.commands.terminal import console, plural, short, table, wrapped
from unmoor.engines import FOUND_BY, Summary
from unmoor.report.visible import share

__all__ = ["compared", "print_list_beside", "print_only_one_right"]

_SHOWN = 3
"""Rows shown of a kind; the JSON has more."""
_ID_CHARS, _WORDS = 200, 200
"""Characters that are shown of the name of a row, which is copied, and of its words."""
_NAMES = {"wordlist": "your list", "unmoor": "unmoor"}
_FOUND_BY = dict(zip(FOUND_BY, ("both", "only your list", "only unmoor"), strict=True))


def print_list_beside(summary: Summary) -> None:
    """Say how many rows list and detectors, or one of them alone, take for refusals, and show the first; nothing without a list."""
    if summary.beside is None:
        return
    told = summary.beside.as_json()
    listing = table("refusals found by", "rows", "share", right=("rows", "share"))
    for kind, name in _FOUND_BY.items():
        rows = told[kind]["rows"]
        listing.add_row(name, f"{rows:,}", share(summary.share_of_readable(rows)))
    click.echo("\nYour list beside unmoor's own detectors:\n")
    console().print(listing)
    for kind, name in _FOUND_BY.items():
        if examples := told[kind]["examples"][:_SHOWN]:
            click.echo(f"\n{name.capitalize()}, {len(examples)} of {told[kind]['rows']:,}:")
            for example in examples:
                _print_example(example)


def _print_example(example: Mapping[str, Any]) -> None:
    by = [f'"{example["wordlist"]}"'] if example["wordlist"] else []
    by += [example["unmoor"]] if example["unmoor"] else []
    _say(short(f"row {example['row']}: {', '.join(by)}", _WORDS))
    _say(short(example["evidence"], _WORDS), "    ")


def compared(stem: str, listed: dict[str, Any], ours: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield a source, then each of its languages if it has several; below each what was measured, and by whom with which counts."""
    scopes = [(stem, listed, ours)]
    if len(listed["languages"]) > 1:
        scopes += [
            (f"language {code}", counts, ours["languages"][code]) for code, counts in listed["languages"].items()
        ]
    for scope, of_list, of_ours in scopes:
        yield scope, None
        for what in ("any", "full"):
            yield f"{what} refusal", None
            yield f"  {_NAMES['wordlist']}", of_list[what]
            yield f"  {_NAMES['unmoor']}", of_ours[what]


def print_only_one_right(stem: str, right: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Say about how many rows of a source only one of them is right, and show the first of each kind with what was found."""
    click.echo()
    rows = plural(len(right["unmoor"]), "row")
    _say(f"Only unmoor is right about {rows} of {stem}, only your list about {len(right['wordlist']):,}.")
    for finder, one_right in (
        ("unmoor", "unmoor"),
        ("wordlist", "unmoor"),
        ("wordlist", "wordlist"),
        ("unmoor", "wordlist"),
    ):
        if found := [row for row in right[one_right] if row["found_by"] == finder]:
            _print_kind(stem, finder, found, is_right=finder == one_right)


def _print_kind(stem: str, finder: str, rows: Sequence[Mapping[str, Any]], *, is_right: bool) -> None:
    name = _NAMES[finder]
    if is_right:
        told = f"{plural(len(rows), 'refusal')} in {stem} that only {name} finds"
    else:
        refusals = "a refusal" if len(rows) == 1 else "refusals"
        told = f"{plural(len(rows), 'answer')} in {stem} that only {name} takes for {refusals}"
    click.echo()
    _say(f"{told}, {_SHOWN} of them:" if len(rows) > _SHOWN else f"{told}:")
    for row in rows[:_SHOWN]:
        click.echo(short(row["id"], _ID_CHARS))
        by = f'"{row["rule"]}"' if finder == "wordlist" else f"{row['rule']}, probability {row['probability']:.2f}"
        _say(short(f"{row['label']}, found by {by}", _WORDS), "    ")
        _say(short(row["evidence"], _WORDS), "    ")


def _say(text: str, indent: str = "") -> None:
    click.echo(wrapped(text, indent=indent))
