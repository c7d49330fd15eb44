"""From a ledger and the counts over all rows to the facts of a report: one dictionary that holds every number the page shows.

Nothing here knows about HTML. Memory is bounded: counters, and samples picked by the hash of the row number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unmoor import __version__
from unmoor.records import BEHAVIOURS, REFUSALS, Left, is_list_alone, readable_rows
from unmoor.records.intervals import wilson
from unmoor.report.collateral import Collateral, of_a_sample
from unmoor.report.excerpts import example, mend_difference
from unmoor.report.sample import Sample
from unmoor.report.terms import LOST, ChunkFacts

__all__ = ["POSITIONS", "FactsBuilder", "Made", "empty_facts"]

EXCHANGE_ACTIONS = ("drop_turn", "cut")
"""Edits that take requests out with their answers."""
FOUND_FROM = 0.5
"""Probability from which a finding is counted, the same as in an audit."""
POSITIONS: dict[str, str] = {
    "whole": "the answer is hardly more than this",
    "opening": "it opens the answer",
    "buried": "in the middle of the answer",
    "closing": "it closes the answer",
}
_EDGE_CHARS, _WHOLE_CHARS = 160, 280
_REST_SHARE = 0.4
"""Of a short answer; where more stands beside a finding, that says something too, and the nearer end is where the finding is."""
_ACTED_SHOWN, _KEPT_SHOWN, _MENDS_SHOWN, _RULES_SHOWN = 4, 3, 6, 25
_POOL = 6
"""Rows sampled for each one shown, so that the shown ones can come from different rules."""
_MOST_RULES = 20_000


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of a run besides its ledger. `counts` has `input` and each outcome, in rows; `created` is ISO 8601."""

    kind: str
    created: str
    counts: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    languages_sample: Mapping[str, int] | None = None
    """Of how many `rows` languages and topics were told, and how many were `not_looked_at`; None if of all."""
    input: Mapping[str, Any] = field(default_factory=dict)
    detectors: Mapping[str, Any] | None = None
    reproduce: Sequence[str] = ()
    acted: Mapping[str, int] | None = None
    """The rows in which a policy acts on a behaviour; None where that was not counted."""
    left: Mapping[str, Mapping[Left, int]] = field(default_factory=dict)
    """Of the other rows with a behaviour, how many for each reason; nothing where that was not counted."""
    people: Mapping[str, Any] | None = None
    """What people said of findings, as the review counts it; None where nobody did."""
    files: Sequence[Mapping[str, Any]] = ()
    """Of each file its `name`, its `rows`, and of these `readable_rows`, `refusal_rows` and `removed`."""
    beside: Mapping[str, Mapping[str, Any]] | None = None
    """Of rows that `both` a word list and the detectors take for refusals, or one of them alone, the `rows` and `examples`; None
    where either was not asked."""


@dataclass(slots=True)
class _Tally:
    """Counts for one behaviour, in rows unless named otherwise."""

    rows: int = 0
    findings: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    positions: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    acted: Sample = field(default_factory=lambda: Sample(_ACTED_SHOWN * _POOL))
    kept: Sample = field(default_factory=lambda: Sample(_KEPT_SHOWN * _POOL))


def empty_facts(kind: str, created: str) -> dict[str, Any]:
    """Return facts that know of no data set, for a report on training or evaluation alone."""
    return FactsBuilder().build(Made(kind, created))


class FactsBuilder:
    """Takes ledger entries in any order, each once, and builds the facts."""

    def __init__(self, observed: ChunkFacts | None = None, *, policy: Mapping[str, Any] | None = None) -> None:
        self._observed = observed
        self._policy = dict(policy) if policy else None
        self._behaviours = {name: _Tally() for name in BEHAVIOURS}
        self._rules: Counter[tuple[str, str]] = Counter()
        self._mends = Sample(_MENDS_SHOWN * _POOL)
        self._collateral = Collateral(observed)
        self._refusals: Counter[str] = Counter()
        self._edits: Counter[str] = Counter()
        self._reviews: Counter[str] = Counter()
        self._judged: Counter[tuple[str, str]] = Counter()
        self._reasoning_rows = self._floor_rows = self._review_rows = self._found_rows = self._duplicate_rows = 0

    def add_entry(self, entry: dict[str, Any]) -> None:
        """Count one line of the ledger; lines without findings (blank, quarantined) count for nothing here."""
        findings = entry.get("findings") or []
        counted = [f for f in findings if f["probability"] >= FOUND_FROM and not f["is_reasoning"]]
        found = sorted({finding["behaviour"] for finding in counted})
        self._reasoning_rows += any(finding["is_reasoning"] for finding in findings)
        self._floor_rows += bool(entry.get("is_floor"))
        self._review_rows += bool(entry.get("needs_review"))
        self._duplicate_rows += "duplicate_of" in entry
        self._reviews.update(sorted({findings[place]["behaviour"] for place in entry.get("waits_for") or ()}))
        if "was" in entry and "duplicate_of" not in entry:  # what a duplicate is taken out for is no person's word
            self._judged[entry["was"], entry["outcome"]] += 1
        self._found_rows += bool(found)
        if not set(found).isdisjoint(REFUSALS):
            self._refusals.update(("rows", entry["outcome"]))
        for behaviour in found:
            self._count(entry, behaviour, [f for f in counted if f["behaviour"] == behaviour])
        for behaviour in sorted({finding["behaviour"] for finding in findings if not finding["is_reasoning"]}):
            self._show(entry, behaviour)
        if entry["outcome"] == "mended":
            self._edits.update(sorted({edit["action"] for edit in entry.get("edits") or ()}))
        self._count_rules(counted)
        self._note_loss(entry, found)
        if any(edit["action"] == "mend" for edit in entry.get("edits") or ()):
            cut = {**entry, "findings": [findings[place] for place in entry.get("acted_on") or ()] or findings}
            self._mends.offer(entry["row"], lambda: {"difference": mend_difference(cut)})

    def _count(self, entry: dict[str, Any], behaviour: str, findings: list[dict[str, Any]]) -> None:
        tally = self._behaviours.setdefault(behaviour, _Tally())
        tally.rows += 1
        tally.findings += len(findings)
        tally.outcomes[entry["outcome"]] += 1
        tally.languages[entry.get("language", "und")] += 1
        here = [f for f in findings if f["turn"] == entry.get("turn", f["turn"]) and f.get("field", "text") == "text"]
        if here:
            tally.positions[_position(here[0], entry)] += 1

    def _show(self, entry: dict[str, Any], behaviour: str) -> None:
        """Offer the row as an example: acted on, or kept though something was found; neither if it went for something else."""
        tally = self._behaviours.setdefault(behaviour, _Tally())
        findings = [f for f in entry["findings"] if f["behaviour"] == behaviour and not f["is_reasoning"]]
        if self._policy is None:
            is_sure = any(finding["probability"] >= self._threshold(behaviour) for finding in findings)
            (tally.acted if is_sure else tally.kept).offer(entry["row"], lambda: example(entry, behaviour))
        elif entry["outcome"] == "kept":
            tally.kept.offer(entry["row"], lambda: example(entry, behaviour))
        elif behaviour in {entry["findings"][place]["behaviour"] for place in entry.get("acted_on") or ()}:
            tally.acted.offer(entry["row"], lambda: example(entry, behaviour))

    def _acting(self, behaviour: str, made: Made) -> dict[str, Any]:
        """Return from which probability the policy acts on a behaviour, in how many rows, and why not in others; nothing without a
        policy.
        """
        if self._policy is None or made.acted is None:
            return {}
        left = dict(made.left.get(behaviour, {}))
        return {
            "threshold": self._threshold(behaviour),
            "acted_rows": made.acted.get(behaviour, 0),
            "left_rows": left,
        }

    def _threshold(self, behaviour: str) -> float:
        thresholds = (self._policy or {}).get("thresholds", {})
        return float(thresholds.get(behaviour, thresholds.get("default", 0.8)))

    def _count_rules(self, counted: list[dict[str, Any]]) -> None:
        for key in sorted({(finding["rule"], finding["behaviour"]) for finding in counted}):
            if key in self._rules or len(self._rules) < _MOST_RULES:
                self._rules[key] += 1

    def _note_loss(self, entry: dict[str, Any], found: list[str]) -> None:
        declines = self._policy is None and not set(found).isdisjoint(REFUSALS)
        is_cut = any(edit["action"] in EXCHANGE_ACTIONS for edit in entry.get("edits") or ())
        if declines or is_cut or entry["outcome"] in LOST:
            self._collateral.add_lost(entry["row"], entry.get("request") or "")

    def build(self, made: Made) -> dict[str, Any]:
        """Return the facts; `training`, `evaluation` and `audit` (precision and recall where the truth is known) are None."""
        rows = readable_rows(made.counts)
        list_alone = is_list_alone(made.detectors)
        shows_loss = (
            self._policy is not None or not list_alone
        )  # an audit loses what declines, which a list does not look for
        is_observed = shows_loss and self._observed is not None and self._observed.rows > 0
        collateral = self._collateral.as_json() if is_observed else None
        if collateral and made.languages_sample:
            collateral = of_a_sample(collateral, made.languages_sample)
        refusals = {**_share(self._refusals["rows"], rows), "outcomes": _outcomes(self._refusals)}
        mends = [item["difference"] for item in self._mends.items() if item["difference"]]
        return {
            "kind": made.kind,
            "unmoor": __version__,
            "created": made.created,
            "input": dict(made.input),
            "policy": self._policy,
            "detectors": dict(made.detectors) if made.detectors else None,
            "counts": dict(made.counts),
            "refusals": dict.fromkeys(refusals) if list_alone else refusals,
            "edits": dict(self._edits.most_common()),
            "found": _share(self._found_rows, rows),
            "floor": {"rows": self._floor_rows},
            "review": {"rows": self._review_rows, "behaviours": dict(self._reviews.most_common())},
            "duplicates": {"rows": self._duplicate_rows},
            "people": {**made.people, **self._outcomes_judged()} if made.people else None,
            "reasoning": {"rows": self._reasoning_rows},
            "behaviours": {
                name: _behaviour_json(tally, rows) | self._acting(name, made)
                for name, tally in self._looked_for(list_alone).items()
            },
            "languages": dict(made.languages),
            "languages_sample": dict(made.languages_sample) if made.languages_sample else None,
            "by_language": self._by("languages", shows_loss=shows_loss),
            "by_source": self._by("sources", shows_loss=shows_loss),
            **({"by_source_sample": dict(made.languages_sample)} if made.languages_sample else {}),
            "files": [dict(file) for file in made.files],
            "pairs": None,
            "wordlist": _beside_json(made.beside, rows) if made.beside else None,
            "positions": {name: dict(tally.positions) for name, tally in self._behaviours.items() if tally.positions},
            "rules": [
                {"rule": rule, "behaviour": behaviour, "rows": count}
                for (rule, behaviour), count in sorted(self._rules.items(), key=lambda item: (-item[1], item[0]))[
                    :_RULES_SHOWN
                ]
            ],
            "collateral": collateral,
            "examples": self._all_examples(),
            "mends": _varied(mends, _MENDS_SHOWN),
            "audit": None,
            "training": None,
            "evaluation": None,
            "reproduce": list(made.reproduce),
        }

    def _all_examples(self) -> dict[str, list[dict[str, Any]]]:
        """Return examples by behaviour, the one with most rows first."""
        ordered = sorted(self._behaviours.items(), key=lambda item: -item[1].rows)
        return {name: shown for name, tally in ordered if (shown := _examples(tally))}

    def _outcomes_judged(self) -> dict[str, Any]:
        """Return the rows in which findings were judged, and what became of them against what the policy alone does."""
        outcomes = sorted(self._judged.items(), key=lambda item: (-item[1], item[0]))
        told = [{"was": was, "is": now, "rows": rows} for (was, now), rows in outcomes]
        return {"rows": self._judged.total(), "outcomes": told}

    def _looked_for(self, list_alone: bool) -> dict[str, _Tally]:
        """Return the counts of the behaviours that were looked for, and of what was found besides."""
        if not list_alone:
            return self._behaviours
        return {"wordlist": _Tally()} | {name: tally for name, tally in self._behaviours.items() if tally.rows}

    def _by(self, what: str, *, shows_loss: bool) -> dict[str, Any]:
        """Return for each language or source its rows, and the rows lost (None if not known) and changed with intervals."""
        table: dict[str, Any] = {}
        counted = getattr(self._observed, what) if self._observed is not None else {}
        for name, outcomes in sorted(counted.items(), key=lambda item: (-item[1].total(), item[0])):
            total = outcomes.total()
            lost = outcomes["removed"] + outcomes["found"]
            changed = outcomes["mended"] + outcomes["masked"] + outcomes["labelled"]
            table[name] = {
                "rows": total,
                "lost": _share(lost, total) if shows_loss else None,
                "changed": _share(changed, total),
            }
        return table


def _share(rows: int, of: int) -> dict[str, Any]:
    low, high = wilson(rows, of)
    return {"rows": rows, "share": rows / of if of else 0.0, "low": low, "high": high}


def _beside_json(beside: Mapping[str, Mapping[str, Any]], rows: int) -> dict[str, Any]:
    """Return rows with shares by who takes them for refusals, and of all that the list takes for refusals."""
    listed = beside["both"]["rows"] + beside["only_wordlist"]["rows"]
    return {
        "listed": _share(listed, rows),
        **{kind: {**_share(told["rows"], rows), "examples": list(told["examples"])} for kind, told in beside.items()},
    }


def _outcomes(counter: Counter[str]) -> dict[str, int]:
    return {name: rows for name, rows in counter.items() if name != "rows"}


def _behaviour_json(tally: _Tally, rows: int) -> dict[str, Any]:
    return {
        **_share(tally.rows, rows),
        "findings": tally.findings,
        "outcomes": dict(tally.outcomes),
        "languages": dict(tally.languages),
    }


def _position(finding: dict[str, Any], entry: dict[str, Any]) -> str:
    """Return where in its answer a finding lies."""
    length = entry.get("answer_chars", entry.get("answer_offset", 0) + len(entry.get("answer") or ""))
    before, after = finding["start_char"], length - finding["end_char"]
    if length <= _WHOLE_CHARS and before + after <= length * _REST_SHARE:
        return "whole"
    if min(before, after) >= _EDGE_CHARS:
        return "buried"
    return "opening" if before <= after else "closing"


def _examples(tally: _Tally) -> list[dict[str, Any]]:
    return [
        *({**item, "side": "acted"} for item in _varied(tally.acted.items(), _ACTED_SHOWN)),
        *({**item, "side": "kept"} for item in _varied(tally.kept.items(), _KEPT_SHOWN)),
    ]


def _varied(items: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return `count` items, one of each rule first, in the given order otherwise."""
    seen: set[str] = set()
    firsts = [item for item in items if not (item["rule"] in seen or seen.add(item["rule"]))]  # type: ignore[func-returns-value]
    rest = [item for item in items if item not in firsts]
    return (firsts + rest)[:count]
