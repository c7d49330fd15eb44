"""From findings and verdicts to the JSON that Argilla and Label Studio read and write, and from theirs back to verdicts.

A finding keeps its key on the way, so a verdict comes home to the finding it was said of, in this run or in a newer one that still
holds it. Both tools get three questions: `verdict`, `behaviour` (where it is another than the machine said) and `note`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unmoor.errors import UsageError
from unmoor.records import BEHAVIOURS, JUDGEMENTS, Finding, Verdict
from unmoor.review import argilla, label_studio
from unmoor.review.index import finding_key
from unmoor.review.item import ReadRow, text_of
from unmoor.review.label import Answer, Label
from unmoor.review.row_files import RowsOf, RowWalk, row_files
from unmoor.review.said import Said, hold_name, is_unicode
from unmoor.run_folder import hidden_beside, machine_errors, read_lines_of, read_manifest

__all__ = ["FORMATS", "Imported", "export_labels", "findings_of", "import_labels", "standing_of"]

FORMATS: dict[str, Callable[[Label], dict[str, Any]]] = {"argilla": argilla.write, "label-studio": label_studio.write}
_LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class Imported:
    """How many verdicts of a file were added, were there already, and are on findings that the run does not hold; how many findings
    the file asks about.
    """

    added: int
    known: int
    stale: int
    asked: int = field(default=0, compare=False)


def export_labels(
    run: Path,
    path: Path,
    tool: str,
    *,
    read_row: ReadRow | None = None,
    rows_of: RowsOf | None = None,
    only_judged: bool = False,
    only_waiting: bool = False,
) -> int:
    """Write the findings of a run with what people said of them to `path`, a JSON array; return how many.

    `only_judged` leaves out what nobody has a standing verdict on, `only_waiting` what waits for nobody or was judged by somebody.
    `read_row` reads a row's bytes as a conversation, `rows_of` files that are no plain JSON Lines; without them a finding
    beyond the ledger's excerpt goes out as its words alone.

    Raises:
        UsageError: there is no such tool.
        RunFolderError: the run is missing, half-written, altered or of another version.
        MachineError: the disk is full.
    """
    if tool not in FORMATS:
        raise UsageError(f'There is no format "{tool}". Known: {", ".join(FORMATS)}')
    read_manifest(run)
    labels = (
        label
        for label in _labels(run, read_row, rows_of)
        if (label.verdicts or not only_judged) and not (only_waiting and (label.verdicts or not label.waits))
    )
    beside = hidden_beside(path, ".unfinished")
    count = 0
    with machine_errors(f"Writing {path}"):
        try:
            with beside.open("w", encoding="utf-8", newline="\n") as file:
                for count, label in enumerate(labels, 1):
                    file.write(",\n" if count > 1 else "[\n")
                    # Unpaired surrogates have no UTF-8, so everything beyond ASCII is escaped.
                    file.write(json.dumps(FORMATS[tool](label)))
                file.write("\n]\n" if count else "[]\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    return count


def _labels(run: Path, read_row: ReadRow | None, rows_of: RowsOf | None) -> Iterator[Label]:
    said: dict[int, list[Verdict]] = {}
    for key, verdict in standing_of(run):
        said.setdefault(key, []).append(verdict)
    files = row_files(run, "", rows_of)
    walk = RowWalk(files)
    for entry in read_lines_of(run, "ledger.jsonl"):
        _, raw = walk.part_of(entry)
        for values in entry.get("findings", ()):
            key, finding = finding_key(entry, values), Finding.from_json(values)
            request, answer = _around(entry, finding, raw, read_row)
            yield Label(
                key=key,
                row=entry["row"],
                finding=finding,
                request=request,
                answer=answer,
                outcome=str(entry["outcome"]),
                waits=key in {finding_key(entry, entry["findings"][place]) for place in entry.get("waits_for", ())},
                verdicts=tuple(said.get(key, ())),
            )
    files.close()


def _around(entry: dict[str, Any], finding: Finding, raw: bytes, read_row: ReadRow | None) -> tuple[str, str]:
    """Return the request and the answer that a finding lies in: the ledger's excerpt, which is of one turn, else the row's own
    words, and where those cannot be read only what was found.
    """
    is_its_turn = entry.get("turn") == finding.turn
    request, answer = str(entry.get("request") or ""), str(entry.get("answer") or "")
    if is_its_turn and finding.quote in answer:
        return request, answer
    whole = read_row(raw) if raw and read_row is not None else None
    said = text_of(whole, finding) if whole is not None else None
    if whole is None or said is None:
        return request if is_its_turn else "", finding.quote
    return whole.request_before(finding.turn), said


def standing_of(run: Path) -> list[tuple[int, Verdict]]:
    """Return (key of the finding, verdict) for each person's last verdict on each finding, in the order they were said."""
    record = _record(run)
    if not record.exists():
        return []
    said = Said(record, "")
    try:
        return list(said.standing())
    finally:
        said.close()


def _record(run: Path) -> Path:
    return run / "review" / "verdicts.sqlite"


def findings_of(run: Path) -> Iterator[tuple[int, dict[str, Any], Finding]]:
    """Yield (key, ledger entry, finding) for each finding of a run, in the order of its rows."""
    for entry in read_lines_of(run, "ledger.jsonl"):
        for values in entry.get("findings", ()):
            yield finding_key(entry, values), entry, Finding.from_json(values)


def import_labels(run: Path, path: Path, *, person: str | None = None) -> Imported:
    """Add the verdicts in a file that Argilla or Label Studio wrote to the run's record, one batch for each person.

    What a person already says in the record is not added again. `person` is whose verdicts they are, for all of the file.

    Raises:
        UsageError: the file is not there, is neither tool's, or says something that is no verdict; names the record.
            `person` is no name.
        RunFolderError: the run is missing, half-written, altered or of another version.
    """
    if person:
        hold_name(person)
    read_manifest(run)
    records = _read(path)
    answers = list(_answers(path, records, person))
    wanted = {answer.key for answer in answers}
    places = {key: (entry["row"], finding) for key, entry, finding in findings_of(run) if key in wanted}
    standing = {(key, verdict.by): verdict for key, verdict in standing_of(run)}
    batches: dict[str, list[tuple[int, Verdict]]] = {}
    known = stale = 0
    for answer in answers:
        if answer.key not in places:
            stale += 1
            continue
        verdict = _verdict(answer, *places[answer.key], person or answer.by)
        before = standing.get((answer.key, verdict.by))
        if before is not None and _says(before) == _says(verdict):
            known += 1
            continue
        standing[answer.key, verdict.by] = verdict
        batches.setdefault(verdict.by, []).append((answer.key, verdict))
    for name, batch in batches.items():
        said = Said(_record(run), name)
        try:
            said.add(batch)
        finally:
            said.close()
    return Imported(sum(map(len, batches.values())), known, stale, len(records))


def _says(verdict: Verdict) -> tuple[str, str | None, str]:
    return verdict.judgement, verdict.corrected_behaviour, verdict.note


def _verdict(answer: Answer, row: int, finding: Finding, by: str) -> Verdict:
    other = answer.behaviour if answer.behaviour != finding.behaviour else None
    return Verdict.from_json(
        {
            "row": row,
            **{
                name: getattr(finding, name)
                for name in ("behaviour", "turn", "field", "start_char", "end_char", "rule")
            },
            "judgement": answer.judgement,
            "corrected_behaviour": other,
            "by": by,
            "at": answer.at or datetime.now(UTC).isoformat(timespec="milliseconds"),
            "note": answer.note[:_LONGEST_NOTE],
        }
    )


def _answers(path: Path, records: Sequence[Any], person: str | None) -> Iterator[Answer]:
    """Yield what the file says, every value checked; `person` is whose it is, where somebody is named."""
    for number, record in enumerate(records, 1):
        try:
            if not isinstance(record, dict):
                raise TypeError("it is no object")
            if "responses" not in record and "annotations" not in record:
                raise ValueError(
                    "it has neither `responses` (Argilla) nor `annotations` (Label Studio's JSON, not JSON-MIN)"
                )
            tool = label_studio if "data" in record else argilla
            for answer in tool.read(record):
                _check(answer, person)
                yield answer
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            why = f'"{error.args[0]}" is missing' if isinstance(error, KeyError) else str(error)
            raise UsageError(
                f"{path}: record {number} is no finding that `unmoor labels export` wrote: {why}. Nothing was added"
            ) from error


def _read(path: Path) -> list[Any]:
    try:
        records = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{path} is not JSON: {error}. Expected: what Argilla or Label Studio exports as JSON"
        ) from error
    if not isinstance(records, list):
        raise UsageError(f"{path} holds no list of records. Expected: what Argilla or Label Studio exports as JSON")
    return records


def _check(answer: Answer, person: str | None) -> None:
    if answer.judgement not in JUDGEMENTS:
        raise ValueError(f'there is no verdict "{answer.judgement}", only {", ".join(JUDGEMENTS)}')
    if answer.behaviour is not None and answer.behaviour not in BEHAVIOURS:
        raise ValueError(f'there is no behaviour "{answer.behaviour}"')
    name = person or answer.by
    if not name.strip():
        raise ValueError("a verdict names nobody; --person says whose they are")
    if not is_unicode(name):
        raise ValueError(f"a verdict is of {name!a}, which is no Unicode text; --person says whose they are")
