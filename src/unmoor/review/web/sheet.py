"""From an item to what the page says about it: the machine's verdict, the mend as a difference, the people's verdicts in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from unmoor.records import BEHAVIOURS
from unmoor.records.intervals import wilson
from unmoor.records.verdict import REWRITES
from unmoor.review.agreement import NO_FINDING
from unmoor.review.web.mend import pieces_of
from unmoor.review.web.render import VERDICTS
from unmoor.review.web.talk import Block, Talk

if TYPE_CHECKING:
    from unmoor.records.verdict import Verdict
    from unmoor.review.agreement import Agreement
    from unmoor.review.audit import Stratum
    from unmoor.review.store import Item, ItemLine, View

__all__ = ["blank", "judged_words", "line_shown", "sheet_of"]

_OTHER_BEHAVIOURS = {
    NO_FINDING: "a kept row of the sample: say that this is right (c), or name what was missed (1 to 9)"
}
_JUDGED = {value: name.lower() for _, value, name, _ in VERDICTS}


@dataclass(frozen=True, slots=True)
class Past:
    """One thing that a person did to a finding."""

    words: str
    by: str
    at: str
    when: str
    note: str


@dataclass(frozen=True, slots=True)
class Other:
    """Another finding of the same row: where it is judged, what it is, and how sure the machine is."""

    id: int
    name: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Mend:
    """A mend as a difference: pieces of kind `same`, `cut` or `gap`, each with its text."""

    title: str
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that the page shows of one item; `is_hidden` while the machine's verdict is not to be seen.

    A row of the sample in which nothing was found is shown in the same way, without what only a finding has (`is_finding`).
    """

    id: int
    row: int
    file: str
    turn: int
    turn_count: int
    language: str
    is_hidden: bool
    behaviour: str
    sentence: str
    probability: float
    rule: str
    detector: str
    decision: str
    reason: str
    followed: str
    is_finding: bool
    is_reasoning: bool
    is_rewritten_by_apply: bool
    needs_review: bool
    is_floor: bool
    missing: str
    judged: str
    judged_behaviour: str
    turns: Block
    others: tuple[Other, ...]
    mend: Mend | None
    history: tuple[Past, ...]

    @property
    def choices(self) -> tuple[str, ...]:
        """Return the verdicts that say something here: what is hidden is not agreed with, what is reasoned or not there not cut."""
        if self.is_hidden:
            return "wrong", "skip"
        if not self.is_finding:
            return "correct", "skip"
        idle = REWRITES if not self.is_rewritten_by_apply else {"mend"} if self.is_reasoning else ()
        return tuple(each for each in _JUDGED if each not in idle)

    @property
    def say(self) -> str:
        """Return what a screen reader is told when the item appears."""
        if self.is_hidden:
            return f"Row {self.row:,}. What is this answer?"
        if not self.is_finding:
            return f"Row {self.row:,}: {self.behaviour}."
        return f"Row {self.row:,}: {self.behaviour}, probability {self.probability:.2f}."


def sheet_of(item: Item, *, is_blind: bool) -> Sheet:
    """Return what the page shows of an item; blind, what the machine and others said stays hidden until a person has judged."""
    finding, standing = item.finding, item.verdict
    is_hidden = is_blind and standing is None
    return Sheet(
        id=item.id,
        row=item.row,
        file=f"row {item.row_in_file:,} of {item.file}" if item.file else "",
        turn=item.first_turn + finding.turn,
        turn_count=0 if item.first_turn else len(item.turns),
        language=item.language,
        is_hidden=is_hidden,
        behaviour=finding.behaviour,
        sentence=BEHAVIOURS.get(
            finding.behaviour,
            _OTHER_BEHAVIOURS.get(finding.behaviour, "found by a list or detector of the owner's own"),
        ),
        probability=finding.probability,
        rule=finding.rule,
        detector=finding.detector,
        decision=item.outcome,
        reason=item.reason,
        followed=item.followed,
        is_finding=finding.behaviour != NO_FINDING,
        is_reasoning=finding.is_reasoning,
        is_rewritten_by_apply=item.is_rewritten_by_apply,
        needs_review=item.needs_review,
        is_floor=item.is_floor,
        missing=item.missing,
        judged=standing.judgement if standing else "",
        judged_behaviour=(standing.corrected_behaviour or "") if standing else "",
        turns=Talk(item, is_hidden).first(),
        others=() if is_blind else _others(item),
        mend=None if is_hidden else _mend(item),
        history=() if is_hidden else tuple(map(_past, reversed(item.history))),
    )


def _others(item: Item) -> tuple[Other, ...]:
    return tuple(Other(number, other.behaviour, other.probability) for number, other in item.others)


def _mend(item: Item) -> Mend | None:
    """Return what the run cut from the turn, where it did."""
    if not item.turns:
        return None
    text = item.turns[item.finding.turn].text
    spans = [
        span for edit in item.edits if edit.action == "mend" and edit.turn == item.finding.turn for span in edit.spans
    ]
    pieces = pieces_of(text, spans)
    return Mend("What the mend cut", pieces) if pieces else None


def judged_words(verdict: Verdict) -> str:
    """Return a verdict in words."""
    words = _JUDGED.get(verdict.judgement, verdict.judgement)
    return f"{words}, but {verdict.corrected_behaviour}" if verdict.corrected_behaviour else words


def _past(verdict: Verdict) -> Past:
    return Past(judged_words(verdict), verdict.by, verdict.at, _when(verdict.at), verdict.note)


def _when(at: str) -> str:
    """Return a moment as people write it, in the machine's own time zone; what is no moment as it stands."""
    try:
        return f"{datetime.fromisoformat(at).astimezone():%d %b %Y, %H:%M}"
    except (ValueError, OverflowError):
        return at


def line_shown(line: ItemLine, *, is_blind: bool) -> dict[str, Any]:
    """Return what the list shows of an item."""
    is_hidden = is_blind and not line.verdict
    return {
        "id": line.id,
        "name": f"row {line.row:,}" if is_hidden else line.behaviour,
        "probability": None if is_hidden or line.behaviour == NO_FINDING else line.probability,
        "text": line.request,
        "verdict": line.verdict,
        "verdict_words": _JUDGED.get(line.verdict or "", line.verdict),
    }


def stratum_shown(stratum: Stratum) -> dict[str, Any]:
    """Return a stratum of the audit as a row of a table."""
    low, high = wilson(stratum.right, stratum.checked)
    return {
        "behaviour": stratum.behaviour,
        "outcome": stratum.outcome,
        "size": stratum.size,
        "drawn": stratum.drawn,
        "checked": stratum.checked,
        "share": f"{stratum.right / stratum.checked:.0%}" if stratum.checked else "–",
        "interval": f"{100 * low:.1f}–{100 * high:.1f}" if stratum.checked else "–",
    }


def agreement_shown(agreement: Agreement) -> dict[str, Any]:
    """Return how far two agree as a row of a table."""
    has_kappa = agreement.kappa is not None
    return {
        "first": agreement.first,
        "second": agreement.second,
        "both": agreement.items,
        "share": f"{agreement.share:.0%}" if agreement.items else "–",
        "kappa": f"{agreement.kappa:.2f}" if has_kappa else "too few" if agreement.is_too_few else "–",
        "interval": f"{agreement.low:.2f} to {agreement.high:.2f}" if has_kappa else "–",
    }


def blank(view: View) -> dict[str, Any]:
    """Return what stands where no item fits the view."""
    if view == type(view)(blind=view.blind):
        return {"title": "Nothing was found in this run.", "words": "There is nothing to judge here.", "links": []}
    return {
        "title": "Nothing is left in this filter.",
        "words": "Every finding that fits it has been judged, or none does.",
        "links": [("/", "Show everything")],
    }
