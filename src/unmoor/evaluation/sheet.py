"""From judged answers to a sheet for people to label, blind, and from labelled sheets back to truths."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from unmoor.errors import UsageError, nearest_name
from unmoor.evaluation.answers import Answer
from unmoor.evaluation.compare import Judged
from unmoor.evaluation.tables import csv_rows
from unmoor.records.kappa import kappa
from unmoor.run_folder import dump_json, write_atomic

__all__ = ["SHEET", "People", "Sample", "answer_id", "read_people", "read_sample", "write_sheet"]

SHEET = "sheet.csv"
SAMPLE = "sheet.json"
COLUMNS = ("id", "refuses", "note", "prompt", "answer")
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("yes", "y", "1", "true", "x"), True),
    **dict.fromkeys(("no", "n", "0", "false"), False),
    **dict.fromkeys(("unsure", "?"), None),
}
"""What may stand in the column `refuses`, in any case; an empty cell is not labelled yet."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Sample:
    """The answers on a sheet: each id's verdict when it was drawn."""

    verdicts: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class People:
    """What people said: a truth for each answer that they agree on, and how many they are unsure of or split on.

    `agreement` has one row for each two sheets: `sheets`, `n`, `share`, `kappa`, `kappa_low`, `kappa_high`.
    """

    truths: Mapping[str, bool]
    unsure: int
    agreement: Sequence[Mapping[str, Any]]
    sheets: Sequence[str]


def answer_id(answer: Answer) -> str:
    """Return the id of an answer on a sheet, which tells neither model nor persona."""
    return hashlib.sha256("\0".join((answer.model, answer.key)).encode()).hexdigest()[:12]


def write_sheet(judged: Sequence[Judged], size: int, folder: Path, seed: int = 0) -> Path:
    """Write `folder`/sheet.csv with `size` answers in random order, half of them judged a refusal where there are so many, and
    one that several prompts of the same words have once.

    The sheet shows prompt and answer, neither model nor verdict; the verdicts lie in `folder`/sheet.json. Text that a spreadsheet
    would take for a formula gets an apostrophe in front.

    Raises:
        UsageError: there is a sheet already.
        MachineError: the disk is full or fails.
    """
    path = folder / SHEET
    if path.exists():
        raise UsageError(
            f"{path} is there already, and may hold labels. Next: --labels {path}, or move it away to draw another"
        )
    draw = random.Random(seed)  # noqa: S311
    answers: dict[str, Judged] = {}
    for one in judged:
        answers.setdefault(answer_id(one.answer), one)
    sides = {verdict: [one for one in answers.values() if one.is_refusal is verdict] for verdict in (True, False)}
    wanted = {True: min(size // 2, len(sides[True]))}
    wanted[False] = min(size - wanted[True], len(sides[False]))
    wanted[True] = min(size - wanted[False], len(sides[True]))
    drawn = [one for verdict, count in wanted.items() for one in draw.sample(sides[verdict], count)]
    draw.shuffle(drawn)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(COLUMNS)
    writer.writerows(
        (answer_id(one.answer), "", "", *map(_harmless, (one.answer.prompt, one.answer.answer))) for one in drawn
    )
    sample = {
        "seed": seed,
        "answers": {"refuses": len(sides[True]), "answers": len(sides[False])},
        "verdicts": {answer_id(one.answer): one.is_refusal for one in drawn},
    }
    write_atomic(folder / SAMPLE, dump_json(sample))
    write_atomic(path, table.getvalue().encode("utf-8-sig", "backslashreplace"))
    return path


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text


def read_sample(folder: Path) -> Sample:
    """Return what was drawn for the sheet of an evaluation.

    Raises:
        UsageError: no sheet was drawn there, or what says how is not readable.
    """
    path = folder / SAMPLE
    try:
        values = json.loads(path.read_bytes())
        verdicts = {str(name): bool(verdict) for name, verdict in values["verdicts"].items()}
    except FileNotFoundError:
        raise UsageError(
            f"No sheet was drawn in {folder}. Next: unmoor evaluate ... --sheet 200 -o {quote(str(folder))}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} does not say how the sheet was drawn ({error}). Next: draw another with --sheet"
        ) from error
    return Sample(verdicts)


def read_people(paths: Sequence[Path], sample: Sample) -> People:
    """Return what one or more labelled sheets say; where several people disagree, the greater number decides, and a tie is unsure.

    Commas, semicolons and tabs are read, as spreadsheets write them.

    Raises:
        UsageError: a sheet that cannot be read, a label that is none, or no label on an answer of the sample.
    """
    labels = [_read_labels(path, sample) for path in paths]
    truths: dict[str, bool] = {}
    unsure = 0
    for name in sample.verdicts:
        said = [one[name] for one in labels if name in one]
        votes = Counter(label for label in said if label is not None)
        if votes[True] != votes[False]:
            truths[name] = votes[True] > votes[False]
        else:
            unsure += bool(said)
    if not truths:
        raise UsageError(
            f"No answer is labelled in {', '.join(map(str, paths))}. Next: write yes or no in the column refuses"
        )
    names = [str(path) for path in paths]
    pairs = [(a, b) for a in range(len(labels)) for b in range(a + 1, len(labels))]
    return People(truths, unsure, [_agreement((names[a], names[b]), labels[a], labels[b]) for a, b in pairs], names)


def _agreement(
    names: tuple[str, str], one: Mapping[str, bool | None], other: Mapping[str, bool | None]
) -> dict[str, Any]:
    both = [
        (str(one[name]), str(other[name])) for name in one if name in other and None not in (one[name], other[name])
    ]
    value, low, high = kappa(both)
    share = sum(a == b for a, b in both) / len(both) if both else None
    return {"sheets": list(names), "n": len(both), "share": share, "kappa": value, "kappa_low": low, "kappa_high": high}


def _read_labels(path: Path, sample: Sample) -> dict[str, bool | None]:
    """Return the label of each answer; one that stands on two rows with two labels, as older sheets may have it, is unsure."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"The sheet {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text (byte {error.start}). Next: save it as CSV UTF-8") from error
    header = text.split("\n", 1)[0]
    rows = csv_rows(text, max(",;\t", key=header.count))
    missing = [name for name in COLUMNS[:2] if name not in (rows.fieldnames or ())]
    if missing:
        raise UsageError(
            f"{path} has no column {' and no column '.join(missing)}: it is not a sheet of unmoor evaluate"
        )
    found: dict[str, bool | None] = {}
    for number, row in enumerate(rows, 2):
        word = (row["refuses"] or "").strip().lower()
        if not word or row["id"] not in sample.verdicts:
            continue
        if word not in WORDS:
            near = nearest_name(word, WORDS)
            raise UsageError(f'{path}, row {number}: "{word}" is not a label.{near} Known: yes, no, unsure')
        label = WORDS[word]
        found[row["id"]] = label if found.get(row["id"], label) is label else None
    return found
