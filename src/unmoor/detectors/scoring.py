"""From labelled answers and a detector to precision, recall and F1 per source and language, with intervals and the worst errors.

A labelled file is JSON Lines (plain or gzip): `response` and `label` (compliance, partial_refusal, full_refusal), optionally
`prompt`, `context`, `lang`, `kind` (cannot, should_not), `attrs` (yes/no propositions), `ambiguous`, `judges_agree`, `orig_label`,
`note`.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unmoor.detectors.detector import Detector
from unmoor.detectors.wordlist import words_around
from unmoor.errors import UsageError
from unmoor.records import Conversation, Finding, Turn
from unmoor.records.intervals import wilson

__all__ = ["FOUND_FROM", "Answered", "LabelledRow", "only_one_right", "read_labelled", "score_rows", "worst_errors"]

LABELS = ("compliance", "partial_refusal", "full_refusal")
FOUND_FROM, LECTURES_FROM = 0.5, 0.7
"""Probability from which a finding counts as found; a lecture, of which the model of lectures is seldom very sure, from the second,
from where `dolphin` acts on it."""
_ANY = frozenset(("refusal.policy", "refusal.capability", "refusal.partial", "wordlist"))
_FULL = frozenset(("refusal.policy", "refusal.capability", "wordlist"))
PROPOSITIONS: dict[str, str] = {
    "disclaimer": "disclaimer.identity",
    "judgement": "moralising",
    "encourage_professional_help": "disclaimer.professional",
}
"""Proposition of a labelled set to the behaviour that should find it."""
_KEYS_NAMED = 5
_KINDS = ("cannot", "should_not")
_MEANT = {kind.replace("_", ""): kind for kind in _KINDS}
_ACTIONS = tuple("012345")
"""What Do-Not-Answer's labels of an answer's action begin with."""
_ROLES = ("system", "user", "assistant", "tool")
_TYPES: dict[str, tuple[type, str]] = {
    "prompt": (str, "a text"),
    "context": (list, "a list of turns"),
    "attrs": (dict, "an object"),
    "ambiguous": (bool, "true or false"),
    "judges_agree": (bool, "true or false"),
}


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One labelled answer. `is_clear` is false where people or judges disagree, or the label is known to be unreliable."""

    id: str
    language: str
    label: str
    kind: str
    attrs: dict[str, bool]
    conversation: Conversation
    is_clear: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A labelled row with what the detector found in it, by place."""

    row: LabelledRow
    findings: tuple[Finding, ...]

    def finds(self, behaviours: Iterable[str]) -> bool:
        """Return whether one of the behaviours was found."""
        wanted = frozenset(behaviours)
        return any(
            f.behaviour in wanted
            and f.probability >= (LECTURES_FROM if f.behaviour == "moralising" else FOUND_FROM)
            and not f.is_reasoning
            for f in self.findings
        )

    def refusals(self) -> list[Finding]:
        """Return the refusals that were found outside of reasoning, the surest first."""
        found = (f for f in self.findings if f.behaviour in _ANY and not f.is_reasoning)
        return sorted(found, key=lambda finding: -finding.probability)


def read_labelled(path: Path) -> list[LabelledRow]:
    """Read a labelled file.

    Raises:
        UsageError: no such file, not JSON Lines, or rows without response or label; says file and line.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Next: {_files_in(path)}")
    opened = gzip.open if path.suffix == ".gz" else open
    rows = []
    try:
        with opened(path, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    rows.append(_row(_parsed(line, f"{path}:{number}"), f"{path}:{number}"))
    except (OSError, UnicodeDecodeError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read as labelled JSON Lines: {error}{_next_for(path)}") from error
    if not rows:
        raise UsageError(f"{path} holds no labelled rows")
    return rows


def _files_in(folder: Path) -> str:
    """Return which of a folder's files may be labelled ones."""
    if (folder / "MANIFEST.json").is_file():
        return "a file of labelled answers; this folder is a run, which nobody has labelled"
    found = sorted(path for path in folder.iterdir() if path.name.endswith((".jsonl", ".jsonl.gz")))
    return f"the labelled files in it, such as {found[0]}" if found else "a labelled file; this folder holds no .jsonl"


def _next_for(path: Path) -> str:
    """Return how a table becomes a labelled file, by the ending of its name; empty for another file."""
    reads = {".csv": "read_csv", ".tsv": "read_table", ".parquet": "read_parquet"}.get(path.suffix.lower())
    if reads is None:
        return ""
    return (
        f". Next, with pandas: python -c \"import pandas; pandas.{reads}('{path}')"
        ".to_json('rows.jsonl', orient='records', lines=True)\""
    )


def _parsed(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        if line.strip() == "[":
            return "["
        hint = _next_for(Path(where.rpartition(":")[0]))
        raise UsageError(f"{where}: not JSON: {error.msg} at character {error.pos + 1}{hint}") from error
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, brackets without end
        raise UsageError(f"{where}: JSON that cannot be read: {error}") from error


def _row(values: Any, where: str) -> LabelledRow:
    if isinstance(values, list) or values == "[":
        raise UsageError(
            f"{where}: a JSON array, and a labelled file has one object a line. Next: jq -c '.[]' FILE > rows.jsonl"
        )
    if not isinstance(values, dict) or not isinstance(values.get("response"), str):
        raise UsageError(f"{where}: expected an object with the text of a `response`{_found_instead(values)}")
    if values.get("label") not in LABELS:
        raise UsageError(f"{where}: `label` should be one of {', '.join(LABELS)}, found {values.get('label')!r}")
    _hold_types(values, where)
    return LabelledRow(
        id=str(values.get("id", where)),
        language=str(values.get("lang") or "und"),
        label=values["label"],
        kind=str(values.get("kind") or ""),
        attrs={name: value for name, value in (values.get("attrs") or {}).items() if value is not None},
        conversation=_conversation(values),
        is_clear=_is_clear(values),
    )


def _found_instead(values: Any) -> str:
    """Return what a row has in its place, and what looks at rows that nobody labelled."""
    if not isinstance(values, dict) or "label" in values or not values:
        return ""
    return f" and a `label`, found {', '.join(map(str, list(values)[:_KEYS_NAMED]))}. Next: of rows without labels, unmoor audit"


def _hold_types(values: dict[str, Any], where: str) -> None:
    """Raise UsageError for a value of another type than its key has: "false" as a text would count as true."""
    for key, (type_, name) in _TYPES.items():
        if values.get(key) is not None and not isinstance(values[key], type_):
            raise UsageError(f"{where}: `{key}` should be {name}, found {values[key]!r}")
    kind = values.get("kind")
    if kind not in _KINDS and (meant := re.sub(r"\W|_", "", str(kind).lower())) in _MEANT:
        raise UsageError(f"{where}: `kind` {kind!r} is no kind of refusal. Did you mean {_MEANT[meant]!r}?")
    for name, value in (values.get("attrs") or {}).items():
        if value is not None and not isinstance(value, bool):
            raise UsageError(f"{where}: `attrs.{name}` should be true or false, found {value!r}")
    for turn in values.get("context") or ():
        if not isinstance(turn, dict) or turn.get("role") not in _ROLES:
            raise UsageError(
                f"{where}: a turn of `context` should have a `role` of {', '.join(_ROLES)}, found {turn!r}"
            )


def _conversation(values: dict[str, Any]) -> Conversation:
    before = [Turn(turn["role"], _text(turn.get("content") or "")) for turn in values.get("context") or ()]
    asked = [Turn("user", _text(values["prompt"]))] if values.get("prompt") else []
    answer = Turn("assistant", _text(values["response"]), is_target=True)
    return Conversation(
        (*before, *asked, answer), has_tools=bool(values.get("tools")) or "tools offered" in str(values.get("note", ""))
    )


def _text(value: Any) -> str:
    """Return a text that can be stored: half a surrogate pair becomes a question mark."""
    return str(value).encode("utf-8", "replace").decode()


def _is_clear(values: dict[str, Any]) -> bool:
    """Do-Not-Answer's actions 1 and 3 hold explicit refusals and answers alike, so there 0, 4 against 2, 5 are clear."""
    action = str(values.get("orig_label", ""))[:1]
    if "do-not-answer" in str(values.get("source", "")).lower() and action in _ACTIONS:
        return action in "0425"
    return not values.get("ambiguous") and values.get("judges_agree") is not False


def score_rows(
    rows: Sequence[LabelledRow], detector: Detector, *, with_ambiguous: bool = False
) -> tuple[dict[str, Any], list[Answered]]:
    """Return (figures, answered rows) of one source.

    Figures: `any` and `full` refusals, `languages`, `kind` and `attrs` where the rows have them. Propositions are scored on all
    rows that say whether they hold, as ambiguity concerns the label only.
    """
    found = detector.find_many([row.conversation for row in rows])
    answered = [Answered(row, findings) for row, findings in zip(rows, found, strict=True)]
    clear = [answer for answer in answered if answer.row.is_clear or with_ambiguous]
    figures: dict[str, Any] = {"rows": len(rows), "left_out": len(rows) - len(clear), **_refusals(clear)}
    languages = sorted({answer.row.language for answer in clear})
    figures["languages"] = {code: _refusals([a for a in clear if a.row.language == code]) for code in languages}
    if kinds := _kinds(clear):
        figures["kind"] = kinds
    if attrs := _propositions(answered):
        figures["attrs"] = attrs
    return figures, clear


def _refusals(answered: Sequence[Answered]) -> dict[str, Any]:
    labels = [answer.row.label for answer in answered]
    return {
        "any": _counts([label != "compliance" for label in labels], [answer.finds(_ANY) for answer in answered]),
        "full": _counts([label == "full_refusal" for label in labels], [answer.finds(_FULL) for answer in answered]),
    }


def _kinds(answered: Sequence[Answered]) -> dict[str, Any]:
    """Return the accuracy of cannot against should-not over the full refusals that were found."""
    found = [
        a
        for a in answered
        if a.row.kind in ("cannot", "should_not") and a.row.label == "full_refusal" and a.finds(_FULL)
    ]
    right = sum(a.finds(["refusal.capability"]) == (a.row.kind == "cannot") for a in found)
    return {"n": len(found), "accuracy": right / len(found)} if found else {}


def _propositions(answered: Sequence[Answered]) -> dict[str, Any]:
    names = {name for answer in answered for name in answer.row.attrs} & set(PROPOSITIONS)
    figures = {}
    for name in sorted(names):
        told = [answer for answer in answered if name in answer.row.attrs]
        said = [answer.finds([PROPOSITIONS[name]]) for answer in told]
        figures[name] = _counts([answer.row.attrs[name] for answer in told], said)
    return figures


def _counts(truth: Sequence[bool], said: Sequence[bool]) -> dict[str, Any]:
    """Return counts, precision, recall, F1, and F1's 95% interval."""
    true, found = np.array(truth, dtype=bool), np.array(said, dtype=bool)
    tp, fp, fn = int((true & found).sum()), int((~true & found).sum()), int((true & ~found).sum())
    low, high = map(_f1_of, wilson(tp, tp + fp + fn)) if tp + fp + fn else (0.0, 0.0)
    return {
        "n": len(true),
        "positives": int(true.sum()),
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "recall": tp / (tp + fn) if tp + fn else 0.0,
        "f1": _f1_of(tp / (tp + fp + fn)) if tp + fp + fn else 0.0,
        "f1_low": low,
        "f1_high": high,
    }


def _f1_of(share: float) -> float:
    """Return F1 from the share of true positives among the rows that are positive or found. It rises with that share, and so the
    ends of the share's interval give those of F1's: 95% of them hold the truth for 20 rows, of a bootstrap's 78%.
    """
    return 2 * share / (1 + share)


def worst_errors(answered: Sequence[Answered], count: int = 10) -> list[dict[str, Any]]:
    """Return the errors that the detector was surest of: false refusals by probability, then missed full and partial ones."""
    errors = [(_error_weight(a), a) for a in answered if a.finds(_ANY) != (a.row.label != "compliance")]
    errors.sort(key=lambda pair: (-pair[0], pair[1].row.id))
    return [_error(a) for _, a in errors[:count]]


def _error(answered: Answered) -> dict[str, Any]:
    surest = next(iter(answered.refusals()), None)
    return {
        "id": answered.row.id,
        "label": answered.row.label,
        "found": sorted({f.behaviour for f in answered.findings if answered.finds([f.behaviour])}),
        "probability": surest.probability if surest else 0.0,
        "evidence": surest.quote[:160] if surest else "",
        "rule": surest.rule if surest else "",
        "answer": answered.row.conversation.turns[-1].text[:160],
    }


def only_one_right(listed: Sequence[Answered], ours: Sequence[Answered]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows about which a word list alone is right, and those about which our detectors are; the surest findings first.

    Right is who says truly whether an answer refuses, in full or in part; both have looked at the same rows. Who finds nothing has
    no words to show, so each row comes with those of the other.
    """
    right: dict[str, list[dict[str, Any]]] = {"wordlist": [], "unmoor": []}
    for by_list, by_us in zip(listed, ours, strict=True):
        is_listed, refuses = by_list.finds(_ANY), by_list.row.label != "compliance"
        if is_listed != by_us.finds(_ANY):
            finder, shown = ("wordlist", by_list) if is_listed else ("unmoor", by_us)
            right["wordlist" if is_listed == refuses else "unmoor"].append({"found_by": finder, **_shown(shown)})
    return {name: sorted(rows, key=lambda row: -row["probability"]) for name, rows in right.items()}


def _shown(answered: Answered) -> dict[str, Any]:
    """Return an answer in which a refusal was found, and by what."""
    surest = answered.refusals()[0]
    return {
        "id": answered.row.id,
        "language": answered.row.language,
        "label": answered.row.label,
        "behaviour": surest.behaviour,
        "rule": surest.rule,
        "probability": surest.probability,
        "evidence": words_around(answered.row.conversation.turns[surest.turn].text, surest.start_char, surest.end_char),
    }


def _error_weight(answered: Answered) -> float:
    chance = max((f.probability for f in answered.refusals()), default=0.0)
    return (
        chance
        if answered.row.label == "compliance"
        else (0.9 if answered.row.label == "full_refusal" else 0.7) - chance
    )
