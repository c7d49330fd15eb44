"""From the numbers of a run to what a person reads in a terminal of 80 columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from unmoor.commands.terminal import console, plural, short, table, typed, visible, wrapped
from unmoor.detectors import MIN_ROWS, NOT_BELIEVED, PairedTopic
from unmoor.engines import Summary
from unmoor.engines.job import LIKELY, NOT_ASKED
from unmoor.policy import Policy
from unmoor.records import BEHAVIOURS, UNRECOGNISED_FROM
from unmoor.report.visible import left_said, share
from unmoor.storage import AnyPath

__all__ = ["print_done", "print_files", "print_found", "print_opinions"]

_NO_LANGUAGE = {"und": "not recognised", "none": "no answer to learn"}
"""What stands among the languages of rows and is none."""
_MORE_ROWS, _MORE_SHARE = 20, 0.1
"""Rows, and their share, from which it is told that a lower threshold would act on more."""
_MOST_LANGUAGES = 5
_MOST_FILES, _MOST_PAIRS = 15, 12
_HOW_COMPARED = "* differs, Fisher's exact test, Holm's correction; in brackets the rates' 95% intervals"
_SIDES = ("one side", "other side", "corrected p")
_NAMED = 3
"""Names shown of what was not read."""
_NO_ANSWER = "Next: check --judge, --judge-url and UNMOOR_JUDGE_KEY, then run this again."
_NO_JUDGE = "It was unsure, or wrong about a row with a known label. Next: another judge."
_NOTHING_ASKED = "The judge was asked about nothing: the detectors are sure of every {}refusal that they found."
_NO_TABLE = (
    "Rows of several layouts are no single table: `datasets` may refuse to load what is kept. "
    "Next: filter the rows of each layout as a file of their own."
)
_ACTING = ("behaviour", "found", "acted on", "from")
_NARROW = 64
"""Columns under which a table leaves out what a behaviour is, and figures of a file stand below its name: three
words a line help nobody."""


def print_found(
    path: AnyPath, summary: Summary, layout_asked: str | None = None, judge_asked: str | None = None
) -> None:
    """Say how the file was read and which behaviours it holds; the last two are what `--layout` and `--judge` said, if they did."""
    width = console().width
    told = f": {plural(summary.rows, 'row')}, {summary.source.describe()}"
    name = str(path) if len(str(path)) + len(told) <= width else path.name
    click.echo(wrapped(short(name, max(20, width - len(told))) + told))
    no_table = _NO_TABLE if summary.mixed_layouts() else ""
    languages = (_languages_said(summary), _unrecognised_said(summary), _answers_missed_said(summary))
    said = (_layout_said(summary, layout_asked), no_table, *languages)
    for words in filter(None, said):
        click.echo(wrapped(words))
    if not_read := summary.source.not_read():
        click.echo(wrapped(_not_read_said(**not_read["not_read"])))
    click.echo()
    names = summary.looked_for()
    explained = ("what it is",) if width >= _NARROW else ()
    listing = table("behaviour", "rows", "share", *explained, right=("rows", "share"), whole=("behaviour",))
    for name in names:
        if rows := summary.behaviour_rows[name]:
            sentence = (BEHAVIOURS.get(name, "matches your list"),) if explained else ()
            listing.add_row(name, f"{rows:,}", share(summary.share_of_readable(rows)), *sentence)
    if listing.row_count:
        console().print(listing)
    _print_absent(summary, names, has_any=bool(listing.row_count))
    bad = summary.outcomes["quarantined"]
    if bad:
        click.echo(wrapped(f"Rows that could not be read: {bad:,}. The first: {summary.first_bad_row()}"))
        if bad > summary.rows / 2:
            click.echo(wrapped("That is most of them: what is said above is said of the few others."))
    if judge_asked:
        print_opinions(summary.opinions, summary.judge_error)


def print_files(summary: Summary, *, with_removed: bool = False) -> None:
    """Say how many rows each of several files has, how many with a refusal, and how many were removed; the worst files first."""
    files = sorted(summary.by_file(), key=lambda file: (-(file["refusal_rows"] or 0), -file["rows"]))
    if len(files) < 2:
        return
    refusals = () if summary.is_list_alone else ("any refusal", "share")
    figures = ("rows", *refusals, *(("removed",) if with_removed else ()))
    shown = [(visible(file["name"]), [_cells(file)[name] for name in figures]) for file in files[:_MOST_FILES]]
    click.echo()
    if console().width < _NARROW:
        _print_below(shown, figures)
    else:
        listing = table("file", *figures, right=figures)
        for name, told in shown:
            listing.add_row(name, *told)
        console().print(listing)
    if len(files) > _MOST_FILES:
        most = "refusals" if refusals else "rows"
        click.echo(wrapped(f"The {_MOST_FILES} files with most {most}; --json lists all {len(files):,}."))


def _cells(file: dict[str, Any]) -> dict[str, str]:
    """Return the figures of one file as they are shown, by the head of their column."""
    readable, refusals = file["readable_rows"], file["refusal_rows"] or 0
    return {
        "rows": f"{file['rows']:,}",
        "any refusal": f"{refusals:,}",
        "share": share(refusals / readable) if readable else "-",
        "removed": f"{file['removed']:,}",
    }


def _not_read_said(files: int, folders: int, names: list[str]) -> str:
    """Return how many files, and links to folders or runs, lie beside the data and are not read, with the first of them."""
    counts = [plural(files, "file") if files else ""]
    counts += [plural(folders, "folder (a link, or a run)", "folders (links, or runs)") if folders else ""]
    shown = ", ".join(short(name, 24) for name in names[:_NAMED])
    more = f" and {files + folders - _NAMED:,} more" if files + folders > _NAMED else ""
    return f"Not read: {' and '.join(filter(None, counts))}: {shown}{more}"


def _layout_said(summary: Summary, asked: str | None) -> str:
    """Return in which layouts the rows were read, beside the one that was asked for or guessed."""
    read = summary.layouts.most_common()
    fits = summary.layouts[summary.layout]
    others = ", ".join(f"{name} {rows:,}" for name, rows in read if name != summary.layout)
    if asked and not fits and read:
        told = f"as {read[0][0]}" if len(read) == 1 else f"in others: {others}"
        return f"--layout {asked} fits none of the rows; they were read {told}."
    if asked and others:
        told = f"as --layout says, fits {fits:,} of {summary.layouts.total():,} rows"
        return f"Layout {summary.layout}, {told}; the others were read in others: {others}."
    mixed = f" (mixed: {', '.join(f'{name} {rows:,}' for name, rows in read)})" if len(read) > 1 else ""
    how = "as --layout says" if asked else "guessed from the first rows; --layout NAME overrides"
    return f"Layout {summary.layout}{mixed}, {how}."


def print_opinions(words: Counter[str], error: str) -> None:
    """Say what the judge said of uncertain refusals, why it could not answer, and of one that helped nowhere what to do."""
    words = Counter(words)
    if ordered := words.pop(NOT_ASKED, 0):
        are = plural(ordered, "refusal is in a row", "refusals are in rows")
        click.echo(
            wrapped(f"{are} whose system prompt orders to decline, which no judge sees: it was not asked, people are.")
        )
    if not words:
        click.echo(wrapped(_NOTHING_ASKED.format("other " if ordered else "")))
        return
    said = ", ".join(f"{word} {count:,}" for word, count in words.most_common())
    click.echo(wrapped(f"Second opinions on {plural(words.total(), 'uncertain finding')}: {said}"))
    if error:
        click.echo(wrapped(f"The first error: {visible(error)}"))
    left = words["unsure"] + words[NOT_BELIEVED]
    if left == words.total():
        click.echo(wrapped("The judge decided none of them. The findings stay as they were."))
        click.echo(wrapped(_NO_ANSWER if error else _NO_JUDGE))
    elif words[NOT_BELIEVED]:
        click.echo(wrapped("Not believed: in a batch where the judge got a row with a known label wrong."))


def paired_json(summary: Summary) -> dict[str, Any]:
    """Return the mirrored subjects under `pairs`, or nothing where none were asked for."""
    pairs = getattr(summary.observed, "pairs", None)
    return {} if pairs is None else {"pairs": [topic.as_json() for topic in pairs.results()]}


def print_pairs(summary: Summary) -> None:
    """Say how mirrored subjects are treated: what differs first, then how many could not be compared."""
    pairs = getattr(summary.observed, "pairs", None)
    if pairs is None:
        return
    results = pairs.results()
    told = [topic for topic in results if topic.p_corrected is not None]
    click.echo("\n" + wrapped(f"Mirrored subjects ({_HOW_COMPARED}):"))
    if told:
        _print_told_pairs(told[:_MOST_PAIRS])
    few = len(results) - len(told)
    if few:
        have = plural(few, "comparison has", "comparisons have")
        click.echo(wrapped(f"{have} fewer than {MIN_ROWS} rows on a side: nothing can be said of them."))


def _print_told_pairs(told: Sequence[PairedTopic]) -> None:
    cells = [
        (
            f"{topic.a} / {topic.b}",
            topic.treatment,
            _rate(topic.a_found, topic.a_rows, topic.a_rate),
            _rate(topic.b_found, topic.b_rows, topic.b_rate),
            f"{topic.p_corrected:.3g}{' *' if topic.verdict == 'differs' else ''}",
        )
        for topic in told
    ]
    if console().width < _NARROW:
        _print_below([(f"{pair}, {treatment}", figures) for pair, treatment, *figures in cells], _SIDES)
        return
    listing = table("pair", "treatment", *_SIDES, right=_SIDES[-1:])
    for row in cells:
        listing.add_row(*(cell.replace(" (", "\n(") for cell in row))
    console().print(listing)


def _rate(found: int, rows: int, rate: tuple[float, float, float] | None) -> str:
    """Return a count and its rate's 95% interval."""
    count = f"{found:,} of {rows:,}"
    return count if rate is None else f"{count} ({share(rate[1])}–{share(rate[2])})"


def _print_absent(summary: Summary, names: Sequence[str], *, has_any: bool) -> None:
    """Say what was looked for and not found, and how many rows refuse; of a list alone that nothing else was looked for."""
    if summary.is_list_alone:
        click.echo("\nNothing but your list was looked for: --detector wordlist")
        return
    absent = [name for name in names if not summary.behaviour_rows[name]]
    if absent:
        console().print(f"\nNot found: {', '.join(absent)}" if has_any else "No behaviour was found in any row.")
    refusing = share(summary.share_of_readable(summary.refusal_rows))
    click.echo(wrapped(f"Rows with any refusal: {summary.refusal_rows:,} ({refusing}{_of_readable(summary)})"))


def _of_readable(summary: Summary) -> str:
    """Return of how many rows a share is, where not all of them could be read."""
    readable = summary.readable_rows()
    return "" if readable == summary.rows else f" of {readable:,} that could be read"


def _print_below(rows: Iterable[tuple[str, Sequence[str]]], heads: Sequence[str]) -> None:
    """Print each name on a line of its own and its figures below it."""
    for name, figures in rows:
        click.echo(name)
        click.echo(wrapped(", ".join(map(" ".join, zip(heads, figures, strict=True))), indent="    "))


def _print_edited(summary: Summary) -> None:
    """Say in how many of the mended rows words were cut, and in how many a question went with its answer."""
    from unmoor.report.page import EDIT_WORDS

    if told := [f"in {rows:,} {EDIT_WORDS[action]}" for action, rows in summary.edited_rows.most_common()]:
        click.echo("\n" + wrapped(f"Of the mended rows: {', '.join(told)}."))


def _print_copied(summary: Summary) -> None:
    """Say in which other columns what was cut still stands: these are not read, and not changed."""
    for column, rows in summary.copied_rows.most_common(3):
        what = wrapped(
            f"What went from {plural(rows, 'row')} still stands in the column {visible(column)}, which is not read: "
            "who trains on it trains on that. Next: leave that column out before training"
        )
        click.echo("\n" + what)


def _print_excepted(summary: Summary, policy: Policy) -> None:
    """Say in how many rows each phrase of the policy left something alone: one that did in none may be misspelt."""
    counts = [(visible(phrase), summary.excepted_rows[phrase]) for phrase in policy.phrases]
    for phrase, rows in counts:
        what = (
            f"left something alone in {plural(rows, 'row')}"
            if rows
            else "is in no sentence in which something was found"
        )
        click.echo(wrapped(f"Excepted: “{phrase}” {what}."))


def _print_unreached(summary: Summary, policy: Policy) -> None:
    """Say in how many of the rows in which something was found the policy acts on it, where that is not in all of them."""
    found = [name for name in sorted(policy.acts_on()) if summary.behaviour_rows[name]]
    if all(summary.acted_rows[name] == summary.behaviour_rows[name] for name in found):
        return
    click.echo("\n" + wrapped(f"Policy {policy.shown_name} acts on what reaches its threshold:"))
    left = summary.left_alone()
    reasons = {name: left_said(left.get(name, {})) for name in found}
    is_wide = console().width >= _NARROW
    why = ("of the others",) if is_wide else ()
    listing = table(*_ACTING, *why, right=_ACTING[1:], whole=_ACTING[:1])
    for name in found:
        rows, acted = summary.behaviour_rows[name], summary.acted_rows[name]
        listing.add_row(
            name, f"{rows:,}", f"{acted:,}", f"{policy.threshold(name):.2f}", *([reasons[name]] if is_wide else [])
        )
    console().print(listing)
    if not is_wide:
        for name, told in reasons.items():
            click.echo(wrapped(f"Other rows with {name}: {told}") if told else "", nl=bool(told))
    if any("threshold" in here for here in left.values()):
        click.echo(wrapped(f"From {policy.review_from():.2f} on a person is asked."))
    for name in found:
        more = summary.nearly_rows[name]
        rows = summary.acted_rows[name] + more
        if more and (more == rows or more >= max(_MORE_ROWS, _MORE_SHARE * rows)):
            line, others = f'"{name}" = {LIKELY:.2f}', summary.behaviour_rows[name] - rows
            what = f"{more:,} more" if more < rows else f"{rows:,} of these" if others else "these"
            click.echo(
                wrapped(
                    f"Next: if it is to act on {what}, {line} under [thresholds] of a policy of your own", whole=line
                )
            )


def _languages_said(summary: Summary) -> str:
    """Return the most frequent languages with their rows, and of which rows they were told if not of all."""
    counts = list(summary.told_languages().items())
    shown = [*counts[:_MOST_LANGUAGES], *(one for one in counts[_MOST_LANGUAGES:] if one[0] in _NO_LANGUAGE)]
    said = [f"{_NO_LANGUAGE.get(code, code)} {rows:,}" for code, rows in shown]
    if others := [rows for code, rows in counts[_MOST_LANGUAGES:] if code not in _NO_LANGUAGE]:
        said.insert(_MOST_LANGUAGES, f"{plural(len(others), 'more language')} {sum(others):,}")
    told = ", ".join(said) or "none"
    if (sample := summary.languages_sample()) is None:
        return f"Languages: {told}"
    rows, unseen = sample["rows"], sample["not_looked_at"]
    return f"Languages, of a sample of {rows:,} rows: {told}. The other {unseen:,} were not looked at for that."


def _answers_missed_said(summary: Summary) -> str:
    """Return a warning where no row has an answer to learn, in which alone anything is found."""
    told = summary.told_languages()
    if set(told) != {"none"}:
        return ""
    return (
        "Warning: no answer to learn was read in any of these rows, so nothing can be found in them. If they have answers, they "
        "stand where this layout does not read. Next: --layout with the columns that hold request and answer"
    )


def _unrecognised_said(summary: Summary) -> str:
    """Return what rows in no language that is known may be, where they are more than a few."""
    told = summary.told_languages()
    rows, whole = told.get("und", 0), sum(told.values())
    if not rows or rows < UNRECOGNISED_FROM * whole:
        return ""
    where = f"In {rows:,} of these rows ({share(rows / whole)}) no language was recognised"
    short_or_other = (
        "too short to tell one, numbers or code, or in a language without a pack, in which a refusal is not found"
    )
    return f"{where}: they are {short_or_other}."


def print_done(summary: Summary, policy: Policy, output: AnyPath, shard: str | None = None) -> None:
    """Say what the policy did and where the results lie; `shard` is what `--shard` said, if it did."""
    counts = summary.counts()
    click.echo("\n" + wrapped(f"Policy {policy.shown_name}, version {policy.version}:"))
    listing = table("outcome", "rows", "share", right=("rows", "share"))
    for outcome, rows in counts.items():
        if outcome != "input" and rows:
            listing.add_row(outcome, f"{rows:,}", share(rows / summary.rows))
    listing.add_row("input", f"{summary.rows:,}", "")
    console().print(listing)
    _print_edited(summary)
    print_files(summary, with_removed=True)
    if summary.duplicate_rows:
        click.echo("\n" + wrapped(f"Of the removed, rows that another row stands for: {summary.duplicate_rows:,}"))
    _print_unreached(summary, policy)
    _print_excepted(summary, policy)
    _print_copied(summary)
    if summary.review_rows:
        page = typed("unmoor review", output) if isinstance(output, Path) and not shard else ""
        places = f"{page}, or review.jsonl" if page else "review.jsonl"
        click.echo("\n" + wrapped(f"Rows for a person to look at: {summary.review_rows:,} ({places})", whole=page))
    undo = f"Undo:    {typed('unmoor restore', output, '-o FILE')}"
    if shard:
        join = "unmoor merge SHARD... -o RUN"
        undo = wrapped(f"Next:    {join}, with all {shard.partition('/')[2]} of them, makes the whole", whole=join)
    click.echo(f"\nReport:  {output}/report.html\nWhy:     {typed('unmoor explain', output, 'ROW')}\n{undo}")
