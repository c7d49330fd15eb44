"""`unmoor score LABELLED...` and `unmoor score --verdicts RUN`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unmoor.commands.beside import compared, print_only_one_right
from unmoor.commands.judged import score_verdicts
from unmoor.commands.packs import pack_option
from unmoor.commands.shares import Between
from unmoor.commands.terminal import console, print_json, short, table, wrapped
from unmoor.errors import UsageError

if TYPE_CHECKING:
    from unmoor.detectors.scoring import Answered, LabelledRow

_SHOWN_ERRORS = 10
_ID_CHARS, _WORDS = 200, 120
"""Characters that are shown of the name of a row, which is copied, and of its words."""
_NARROW = 72
"""Columns under which the table of figures would break the names of what was measured."""
_COLUMNS = ("n", "positive", "precision", "recall", "F1", "95%")
_ACCURACY = "accuracy"
_NONE = "-"


@click.command("score")
@click.argument("labelled", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--detector",
    "names",
    multiple=True,
    metavar="NAME",
    help="Only this detector: phrases, model (with the phrases that it weighs), wordlist, or one that a package of yours "
    "registers; again for more.",
)
@click.option(
    "--wordlist",
    type=click.Path(path_type=Path),
    help="A plain list, a phrase a line: measured with the detectors beside it, alone with --detector wordlist.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    help="Only this language's pack, yours of --pack too; again for more.",
)
@pack_option
@click.option("--ambiguous", is_flag=True, help="Count rows too on which people or judges disagree.")
@click.option(
    "--verdicts",
    "run",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Measure by what people said of RUN instead.",
)
@click.option(
    "--precision",
    default=0.95,
    show_default=True,
    type=Between(0, 1),
    help="With --verdicts: the share that a threshold is to get right.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(labelled: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Measure the detectors on labelled answers, file by file, never pooled.

    LABELLED is JSON Lines (plain or gzip) with `response` and `label`: compliance, partial_refusal or full_refusal; a
    `prompt` is weighed, too, and figures are also told by `lang`.
    With --wordlist, your list and the detectors side by side, and the rows on which only one of them is right.
    With --verdicts, the precision of each behaviour on what people judged in a run, and the thresholds that would reach
    --precision. Example: unmoor score xstest.jsonl.gz --wordlist old-list.txt
    """
    if options["run"] is not None:
        if labelled:
            raise UsageError("Labelled files and --verdicts are two measurements. Next: one of them at a time")
        score_verdicts(options["run"], options["precision"], as_json=as_json)
        return
    if not labelled:
        raise UsageError("There is nothing to measure on. Next: unmoor score FILE, or unmoor score --verdicts RUN")
    from unmoor import detectors
    from unmoor.detectors.scoring import read_labelled

    wordlist = options["wordlist"]
    if wordlist is not None and not wordlist.is_file():
        raise UsageError(f"There is no word list {wordlist}")
    absent = next((path for path in labelled if not path.exists()), None)
    if absent is not None:
        raise UsageError(f"There is no file {absent}. Next: see how its name is written")
    names = options["names"] or detectors.DEFAULT
    is_beside = wordlist is not None and "wordlist" not in names
    rows = {name: read_labelled(path) for name, path in _by_name(labelled).items()}
    first = _measured(rows, ("wordlist",) if is_beside else names, options)
    ours = _measured(rows, names, options) if is_beside else None
    if as_json:
        print_json(first.as_json() | (_beside_json(first, ours) if ours else {}))
    elif ours:
        _print_beside(first, ours)
    else:
        _print_figures(first.figures)
        for stem, worst in first.errors.items():
            _print_errors(stem, worst)


@dataclass(frozen=True, slots=True)
class _Measured:
    """What some detectors got right and wrong, by the stem of each labelled file."""

    detectors: list[str]
    figures: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, list[Answered]] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"detectors": self.detectors, "sources": self.figures, "errors": self.errors}


def _measured(rows: Mapping[str, Sequence[LabelledRow]], names: Sequence[str], options: Mapping[str, Any]) -> _Measured:
    """Return what the detectors of these names make of labelled rows, by the stem of their file."""
    from unmoor import detectors
    from unmoor.detectors.model import TRAINED_ON
    from unmoor.detectors.scoring import score_rows, worst_errors

    detector = detectors.load(
        names,
        languages=options["languages"] or None,
        wordlist=options["wordlist"] if "wordlist" in names else None,
        packs=options["packs"],
    )
    told = _Measured(detector.identity["detectors"])
    for stem, answers in rows.items():
        told.figures[stem], told.answered[stem] = score_rows(answers, detector, with_ambiguous=options["ambiguous"])
        told.figures[stem]["trained_on"] = "model" in told.detectors and _stem(Path(stem)) in TRAINED_ON
        told.errors[stem] = worst_errors(told.answered[stem], _SHOWN_ERRORS)
    return told


def _beside_json(listed: _Measured, ours: _Measured) -> dict[str, Any]:
    return {"beside": {**ours.as_json(), "only_one_right": _only_one_right(listed, ours)}}


def _only_one_right(listed: _Measured, ours: _Measured) -> dict[str, Any]:
    from unmoor.detectors.scoring import only_one_right

    return {stem: only_one_right(answered, ours.answered[stem]) for stem, answered in listed.answered.items()}


def _print_beside(listed: _Measured, ours: _Measured) -> None:
    rows = [
        (name, _cells(counts) if counts else ())
        for stem, figure in listed.figures.items()
        for name, counts in compared(stem, figure, ours.figures[stem])
    ]
    _print_table(rows)
    _tell_left_out(listed.figures)
    _warn_of_training(ours.figures)
    for stem, right in _only_one_right(listed, ours).items():
        print_only_one_right(stem, right)


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl")


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Return labelled files by their stems, or by their whole paths where several have one stem."""
    stems = Counter(map(_stem, dict.fromkeys(paths)))
    return {_stem(path) if stems[_stem(path)] == 1 else str(path): path for path in paths}


def _print_figures(figures: dict[str, Any]) -> None:
    _print_table([row for stem, figure in figures.items() for row in _rows_of(stem, figure)])
    _tell_left_out(figures)
    _warn_of_training(figures)


def _print_table(rows: Sequence[tuple[str, tuple[str, ...]]]) -> None:
    """Print names with their figures, below each other where a table would break both."""
    if console().width < _NARROW:
        _print_lines(rows)
    else:
        listing = table("source, what", *_COLUMNS, right=_COLUMNS)
        for name, cells in rows:
            listing.add_row(name, *cells)
        console().print(listing)


def _tell_left_out(figures: dict[str, Any]) -> None:
    """Say how many rows of each source are in none of its figures on refusals."""
    for stem, figure in figures.items():
        if figure["left_out"]:
            told = (
                f"{figure['left_out']:,} of {figure['rows']:,} rows of {stem} are left out: their labels are not clear."
            )
            click.echo(wrapped(f"{told} Next: --ambiguous counts them, too"))


def _warn_of_training(figures: dict[str, Any]) -> None:
    """Say which of the sources the shipped model was trained on."""
    if known := [stem for stem, figure in figures.items() if figure["trained_on"]]:
        told = f"The shipped model has seen rows of {', '.join(known)}: figures there flatter."
        click.echo(wrapped(f"{told} Next: those on rows that it had not seen, docs/detection.md"), err=True)


def _rows_of(stem: str, figure: dict[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of a source, then what was measured on it with its figures, as many as `_COLUMNS`."""
    yield stem, ()
    for what in ("any", "full"):
        yield f"{what} refusal", _cells(figure[what])
    if "kind" in figure:
        yield (
            "cannot / should not",
            (f"{figure['kind']['n']}", "", "", "", f"{figure['kind']['accuracy']:.3f}", _ACCURACY),
        )
    for name, counts in figure.get("attrs", {}).items():
        yield name.replace("_", " "), _cells(counts)
    for code, counts in figure["languages"].items() if len(figure["languages"]) > 1 else ():
        yield f"language {code}", ()
        for what in ("any", "full"):
            yield f"{what} refusal", _cells(counts[what])


def _print_lines(rows: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Print each name on a line of its own and its figures below it, where a table would break both."""
    for name, cells in rows:
        click.echo(f"  {name.strip()}" if cells else name)
        heads = ("n", "", "", "", "accuracy", "") if cells[-1:] == (_ACCURACY,) else _COLUMNS
        told = ", ".join(f"{head} {cell}" for head, cell in zip(heads, cells, strict=False) if head)
        if told:
            click.echo(_indented(told))


def _indented(text: str) -> str:
    return wrapped(text, indent="    ")


def _cells(counts: dict[str, Any]) -> tuple[str, ...]:
    """Return the figures as they are shown: none where there is nothing to divide by."""
    found, positives = counts["tp"] + counts["fp"], counts["positives"]
    return (
        f"{counts['n']:,}",
        f"{positives:,}",
        f"{counts['precision']:.3f}" if found else _NONE,
        f"{counts['recall']:.3f}" if positives else _NONE,
        f"{counts['f1']:.3f}" if positives else _NONE,
        f"{counts['f1_low']:.2f}-{counts['f1_high']:.2f}" if positives else _NONE,
    )


def _print_errors(stem: str, worst: list[dict[str, Any]]) -> None:
    if not worst:
        return
    click.echo(f"\nWorst errors in {stem}:")
    for error in worst:
        found = ", ".join(error["found"]) or "nothing"
        click.echo(short(error["id"], _ID_CHARS))
        click.echo(_indented(f"{error['label']}, found {found}, probability {error['probability']:.2f}"))
        click.echo(_indented(short(error["evidence"] or error["answer"], _WORDS)))
