"""From a plan of a training to what a person reads before a step of it: counts, one example with its mask, commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from unmoor.commands.terminal import console, plural, table, visible

if TYPE_CHECKING:
    from unmoor.training import Plan

__all__ = ["masked_text", "print_commands", "print_counts", "print_example", "print_experts"]

OPEN, CLOSE = "[[", "]]"
"""Around what is learned, where there is no colour."""

ARMS_NOTED = 3
"""Arms whose rows are spoken of one by one; leak arms are many and much alike."""

MOST_SHOWN = 1500
"""Characters of an example that are shown; a long conversation shows its shape as well in these."""


def print_counts(plan: Plan) -> None:
    """Print what the trainer will make of each arm's rows, in 80 columns."""
    columns = ("rows", "dropped", "truncated", "trained on", "tokens", "steps")
    listing = table("twin", *columns, right=columns)
    for name, one in plan.checked.items():
        counts = (one.rows, len(one.dropped), len(one.cuts), one.rows_trained, one.tokens_trained, plan.steps[name])
        listing.add_row(name, *(f"{count:,}" for count in counts))
    console().print(listing)
    noted = [(name, lines) for name, one in plan.checked.items() if (lines := _notes(one))]
    for name, lines in noted[:ARMS_NOTED]:
        for line in lines:
            click.echo(f"  {name}: {line}")
    if len(noted) > ARMS_NOTED:
        click.echo(f"  and so on for {len(noted) - ARMS_NOTED} more: {plan.out / 'preflight.json'}")
    if told := plan.template_told():
        click.echo(f"  {told}")


def print_experts(plan: Plan) -> None:
    """Print what the recipe does to a mixture of experts, a sentence a line; nothing for a model without experts, or where
    another package trains, of whose keys and loss nothing is known.
    """
    if plan.backend.registered_by:
        return
    from unmoor.training.experts import experts_of

    told = experts_of(plan.recipe.base, plan.recipe.values)
    for sentence in told.sentences if told is not None else ():
        click.echo(f"  {sentence}")


def _notes(one: Any) -> list[str]:
    """Return what a person should know of a twin's rows beside the counts, one plain line each."""
    lines = [f"row {row} dropped: {visible(why)}" for row, why in list(one.dropped.items())[:3]]
    if len(one.dropped) > len(lines):
        lines.append(f"and {len(one.dropped) - len(lines):,} more dropped")
    if one.cuts:
        first = one.cuts[0]
        kept = f"{first.kept_from + 1} to {first.kept_to} of {first.tokens:,}"
        lines.append(f"{one.tokens_lost:,} tokens to learn are cut off (row {first.row} keeps {kept})")
    if one.odd:
        row, why = next(iter(one.odd.items()))
        lines.append(f"{plural(len(one.odd), 'row')} with odd roles, kept (row {row}, {why})")
    if one.wordless:
        row, why = next(iter(one.wordless.items()))
        lines.append(f"{plural(len(one.wordless), 'row')} with answers without words (row {row}: {why})")
    if one.unended:
        row = next(iter(one.unended))
        lines.append(
            f"{plural(len(one.unended), 'row')} with calls of tools after words, whose end is not learned (row {row})"
        )
    if not one.has_mask:
        lines.append("the chat template does not mark what the assistant says")
    return lines


def print_example(stretches: list[tuple[str, bool]]) -> None:
    """Print one row as the trainer sees it: what is learned bold and coloured, or in brackets where there is no colour."""
    from rich.text import Text

    screen = console()
    has_colour = screen.is_terminal and not screen.no_color
    what = "in bold" if has_colour else f"in {OPEN}{CLOSE}"
    click.echo(f"\nThe first row that is trained on; learned is what stands {what}:\n")
    if not has_colour:
        click.echo(_wrapped(masked_text(stretches)))
        return
    text = Text()
    for part, is_learned in stretches:
        text.append(visible(part), style="bold green" if is_learned else "dim")
    screen.print(text[:MOST_SHOWN], soft_wrap=False)


def masked_text(stretches: list[tuple[str, bool]]) -> str:
    """Return the stretches as one text with what is learned in double brackets."""
    return "".join(f"{OPEN}{part}{CLOSE}" if is_learned else part for part, is_learned in stretches)


def _wrapped(text: str) -> str:
    import textwrap

    lines = visible(text[:MOST_SHOWN]).split("\n")
    return "\n".join(part for line in lines for part in textwrap.wrap(line, 78, replace_whitespace=False) or [""])


def print_commands(commands: Mapping[str, str], difference: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the command of each twin whole, on a line of its own so that it can be copied, and what differs."""
    click.echo("\nThe commands that train them with the trainer alone:\n")
    for line in commands.values():
        click.echo(line)
    click.echo("\nWhat differs between the twins, and nothing else:\n")
    for setting, values in difference.items():
        click.echo(f"  {setting}")
        for name, value in values.items():
            click.echo(f"    {name}: {value}")
