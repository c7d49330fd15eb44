"""`unmoor explain RUN ROW`."""

from __future__ import annotations

import re
import sys
from typing import Any

import click

from unmoor.commands.checked import rules_that_ship
from unmoor.commands.places import Place
from unmoor.commands.terminal import print_json, short, typed, visible, wrapped
from unmoor.engines import explain_row, rows_with
from unmoor.errors import UsageError, nearest_name
from unmoor.policy import nearest_rule
from unmoor.records import BEHAVIOURS, LEFT_ALONE, OUTCOMES
from unmoor.storage import AnyPath

_OUTCOMES = ", ".join(OUTCOMES[:-1]) + f" or {OUTCOMES[-1]}"
_QUOTE_CHARS, _MOST_FINDINGS = 80, 12
"""Characters of the words of a finding that are shown, and findings of a row."""
_NUMBER = r"([0-9]{1,18}(?:,[0-9]{3}){0,5})"
_OF_ALL = re.compile(rf"(?:row )?{_NUMBER}(?: \(row .+\))?", re.IGNORECASE)
_OF_A_FILE = re.compile(rf"row {_NUMBER} of (.+)|(.+):{_NUMBER}", re.IGNORECASE | re.DOTALL)


@click.command("explain")
@click.argument("run", type=Place())
@click.argument("row", nargs=-1)
@click.option("--file", metavar="NAME", help="Of several files the one in which ROW counts, or rows are looked for.")
@click.option(
    "--behaviour", metavar="NAME", help="In place of ROW: rows in which this was found, such as refusal.policy."
)
@click.option("--outcome", type=click.Choice(OUTCOMES), metavar="NAME", help=f"Rows that were {_OUTCOMES}.")
@click.option(
    "--rule", metavar="NAME", help="Rows in which this rule found something, such as en.refusal.against-guidelines."
)
@click.option("--waiting", is_flag=True, help="Rows that wait for a person.")
@click.option("--first", type=click.IntRange(1), default=10, show_default=True, help="How many of these rows to tell.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole ledger entry for a script.")
def command(run: AnyPath, row: tuple[str, ...], *, file: str | None, first: int, as_json: bool, **wanted: Any) -> None:
    """Say in one sentence why ROW (1 is the first) went where it went, and in which file it stands where there are several;
    of a row with several findings, below it, what followed from each.

    Without ROW the first rows are told that have all that --behaviour, --outcome, --rule and --waiting name, and stand in --file
    where that is given.

    ROW is a number in the whole input, as reports and the review page have it, or NAME:ROW in one of its files.
    The sentence counts turns from 1, the system prompt among them; the ledger, which --json prints, counts them from 0.
    Several rows are told one after the other; one row or one of those four options has to be named.
    Example: unmoor explain runs/house 17
    Example: unmoor explain runs/house --behaviour moralising --outcome removed
    """
    asked = {name: value for name, value in wanted.items() if value}
    if bool(row) == bool(asked):
        both = ", and not both" if row else ""
        raise UsageError(
            f"Name rows, or which to look for by --behaviour, --outcome, --rule or --waiting{both}. "
            f"Next: {typed('unmoor explain', run, '1')}, or {typed('unmoor explain', run, '--outcome removed')}"
        )
    if asked:
        _hold_known(asked.get("behaviour"))
        entries = rows_with(run, file=file, first=first, **asked)
        if not entries:
            _hold_known_rule(run, asked.get("rule"))
    else:
        entries = [explain_row(run, *_place(text, file)) for text in _texts(row)]
    if as_json:
        print_json(entries if asked or entries[1:] else entries[0])
        return
    if not entries:
        click.echo("No row of this run has all of that.")
    for entry in entries:
        _tell(_sentence(entry))
        for line in _each(entry):
            _tell(line, indent="  ")


def _tell(words: str, *, indent: str = "") -> None:
    """Print a line, on a terminal wrapped; where another program reads it stays one line."""
    shown = visible(words)
    click.echo(wrapped(shown, indent=indent) if sys.stdout.isatty() else indent + shown)


def _each(entry: dict[str, Any]) -> list[str]:
    """Return, of a row with several findings, each of them with what followed; what the sentence says of one is all of that."""
    findings = entry["findings"]
    if len(findings) < 2:
        return []
    fates = dict.fromkeys(entry.get("acted_on", ()), "acted on")
    left = entry.get("left_alone", {}).items()
    fates |= {place: LEFT_ALONE.get(why, why) for why, places in left for place in places}
    waiting = set(entry.get("waits_for", ()))
    lines = []
    for place, one in sorted(enumerate(findings), key=lambda found: (found[1]["turn"], found[1]["start_char"])):
        fate = (f"turn {one['turn'] + 1}", fates.get(place, ""), "a person is asked" if place in waiting else "")
        said = f"{one['behaviour']} {one['probability']:.2f} by {one['rule']}: “{short(one['quote'], _QUOTE_CHARS)}”"
        lines.append(f"{', '.join(filter(None, fate))}: {said}")
    more = len(lines) - _MOST_FINDINGS
    return [*lines[:_MOST_FINDINGS], f"and {more:,} more, which --json lists"] if more > 0 else lines


def _hold_known(behaviour: str | None) -> None:
    """Raise UsageError if a behaviour's name looks like a slip; one unlike any of ours a third party's detector may find."""
    if behaviour and behaviour not in BEHAVIOURS and (near := nearest_name(behaviour, BEHAVIOURS)):
        raise UsageError(f'There is no behaviour "{behaviour}".{near}')


def _hold_known_rule(run: AnyPath, rule: str | None) -> None:
    """Raise UsageError if a rule neither ships nor found anything in the run, as one of another pack or detector may have."""
    if rule is None or rule in (known := rules_that_ship()) or rows_with(run, rule=rule, first=1):
        return
    told = f'No rule that ships is called "{rule}", and nothing in this run was found by one of that name'
    raise UsageError(f"{told}.{nearest_rule(rule, known)} The run's report and ledger name the rules")


def _sentence(entry: dict[str, Any]) -> str:
    """Return what became of a row, and why."""
    review = " It waits for review." if entry.get("needs_review") else ""
    place = f" (row {entry['row_in_file']} of {entry['file']})" if "file" in entry else ""
    return f"Row {entry['row']}{place} was {entry['reason'] if 'reason' in entry else entry['outcome']}.{review}"


def _texts(words: tuple[str, ...]) -> list[str]:
    """Return what names each row: every word, or all of them together, as in "row 2 of b.jsonl"."""
    each = all(_OF_ALL.fullmatch(word) or _OF_A_FILE.fullmatch(word) for word in words)
    return list(words) if each else [" ".join(words)]


def _place(text: str, file: str | None) -> tuple[int, str | None]:
    """Return the number of a row and the file in which it counts, None for the whole input.

    Raises:
        UsageError: it says no row, or a file although one is named already.
    """
    if whole := _OF_ALL.fullmatch(text):
        return int(whole[1].replace(",", "")), file
    part = _OF_A_FILE.fullmatch(text) if file is None else None
    if part is None:
        raise UsageError(
            f'ROW is a number such as 17, or NAME:17 for a row of one of several files, found "{text}". '
            "Next: the number that the report, the ledger or the review page has"
        )
    return int((part[1] or part[4]).replace(",", "")), part[2] or part[3]
