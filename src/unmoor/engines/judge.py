"""From parsed rows to what happens to each: layout, conversation, findings, decision, and the changes that carry it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from unmoor import detectors
from unmoor.detectors import OwnWords, RawWordlist
from unmoor.engines.carried_out import ReadRow, carried_out, mended_text
from unmoor.engines.copies import columns_that_still_say_it
from unmoor.engines.duplicate_rows import DuplicateRows, duplicate_entry
from unmoor.engines.exchanges import counts, exchanges_told, source_of
from unmoor.engines.floor import Floor
from unmoor.engines.job import LIKELY, NOT_ASKED, UNSAMPLED, Job, JudgeSettings
from unmoor.engines.loaded import detector_of
from unmoor.engines.said import (
    findings_as_judged,
    judged_among,
    judges_of,
    policy_as_judged,
    that_hold,
)
from unmoor.errors import BadRow
from unmoor.layouts import Change, ParsedRow, layout_named, layout_of_row, unread_text, what_it_is
from unmoor.policy import Policy, audited, decide
from unmoor.records import REFUSALS, Conversation, Decision, Finding, FloorTopics, Verdict, without_reasoning

__all__ = ["Judge", "Judged", "counted"]

NO_ANSWER = "none"
"""Counted among the languages: a row without an answer to learn, such as one that KTO trains away from."""
_UNKNOWN = "und"
_SHORT_CHARS = 20
"""Code points up to which an answer may be too short to tell its language; a longer one in none that is known is of another."""
_REQUEST_CHARS, _ANSWER_CHARS, _ANSWER_LEAD = 600, 2000, 600


@dataclass(frozen=True, slots=True)
class Judged:
    """One row and what happens to it: `entry` is its ledger line (None for a row kept with nothing found)."""

    number: int
    outcome: str
    entry: dict[str, Any] | None = None
    changes: tuple[Change, ...] = ()
    error: BadRow | None = None
    excepted: tuple[str, ...] = ()
    """Phrases of the policy's for which it left something alone."""
    copied: tuple[str, ...] = ()
    """Columns that are not read and still say what went from the row."""
    nearly: tuple[str, ...] = ()
    """Behaviours on which the policy would act too, were the threshold of that one `LIKELY`."""


class Judge:
    """Looks at rows and decides. One per process: it holds the compiled detectors."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._layout = layout_named(job.layout)
        self._detector = detector_of(job)
        self._floor = Floor(self._detector, job.policy)
        self._opinion = _opinion(job.judge)
        self._own_words = OwnWords(job.policy.phrases) if job.policy is not None and job.policy.phrases else None
        self._lower = _with_lower_thresholds(job.policy) if job.policy is not None else {}
        self._duplicates = DuplicateRows(job.duplicates) if job.duplicates is not None else None
        self.languages: Counter[str] = Counter()
        self.layouts: Counter[str] = Counter()
        self.opinions: Counter[str] = Counter()

    @property
    def judge_error(self) -> str:
        """The first reason for which the other judge could not answer, or the empty string."""
        return next(iter(self._opinion.errors), "") if self._opinion is not None else ""

    def raw_scan(self) -> RawWordlist | None:
        """Return what finds candidate rows in raw bytes, if a word list is all that is looked for."""
        return self._detector.raw_scan() if self._duplicates is None else None

    def judge(
        self,
        rows: Iterable[tuple[int, ParsedRow | BadRow]],
        observed: Any = None,
        *,
        observed_rows: Collection[int] | None = None,
    ) -> list[Judged]:
        """Return what happens to each row, in order. Of `observed_rows` only are words and languages gathered (None: of all)."""
        self.languages, self.layouts, self.opinions = Counter(), Counter(), Counter()
        reads = [self.read(number, parsed) for number, parsed in rows]
        good = [read for read in reads if isinstance(read, ReadRow)]
        found = self._find([read.conversation for read in good])
        acted_on = [bool(here or read.number in self._job.verdicts) for read, here in zip(good, found, strict=True)]
        topics = self._floor.topics_of([read.conversation for read in good], acted_on)
        decided = iter(map(self._decide, good, found, topics))
        judged = [read if isinstance(read, Judged) else next(decided) for read in reads]
        languages = self._count(good, [row for row in judged if row.error is None], observed, observed_rows)
        return self._without_duplicates(judged, languages) if self._duplicates is not None and judged else judged

    def _without_duplicates(self, judged: list[Judged], languages: Mapping[int, str]) -> list[Judged]:
        """Return the rows with the duplicates removed; `languages` is the language of each row, by its number.

        They were counted before: what a policy takes from is told without them.
        """
        assert self._duplicates is not None
        gone = self._duplicates.among(row.number for row in judged)
        return [
            Judged(
                row.number,
                "removed",
                duplicate_entry(row.number, gone[row.number], row.entry, languages.get(row.number, _UNKNOWN)),
            )
            if row.number in gone and row.error is None
            else row
            for row in judged
        ]

    def _find(self, conversations: list[Conversation]) -> list[tuple[Finding, ...]]:
        found = self._detector.find_many(conversations)
        if self._opinion is None:
            return found
        asked: list[int] = []
        for index, findings in enumerate(found):
            count = self._opinion.uncertain_among(findings)
            if count and self._detector.is_ordered_to_decline(conversations[index]):
                self._opinion.words[NOT_ASKED] += count  # no judge sees a system prompt: people decide
            elif count:
                asked.append(index)
        if asked:
            batch = [(conversations[index], found[index]) for index in asked]
            for index, findings in zip(asked, detectors.reviewed_all(self._opinion, batch), strict=True):
                found[index] = findings
        self.opinions, self._opinion.words = self._opinion.words, Counter()
        return found

    def read(self, number: int, parsed: ParsedRow | BadRow) -> ReadRow | Judged:
        """Return a row as the conversation that it is, or its place in the quarantine."""
        if isinstance(parsed, BadRow):
            return Judged(number, "quarantined", error=parsed)
        layout = layout_of_row(parsed.readable, self._layout)
        try:
            if layout is None:
                keys = ", ".join(sorted(map(str, parsed.readable))[:12]) or "none"
                kind = what_it_is(parsed.readable)
                raise BadRow("UNKNOWN_LAYOUT", kind or f"no known layout has these keys: {keys}")
            return ReadRow(number, parsed, layout, layout.read(parsed.readable))
        except BadRow as error:
            return Judged(number, "quarantined", error=unread_text(parsed.readable) or error)

    def _decide(self, read: ReadRow, findings: tuple[Finding, ...], floor_topics: Mapping[int, FloorTopics]) -> Judged:
        if not findings:
            return Judged(read.number, "kept")
        if self._job.policy is None:
            return Judged(read.number, "kept", self._entry(read, audited(findings), findings))
        verdicts = self._job.verdicts.get(read.number, ())
        decision, changes, excepted = self._decided(read, findings, floor_topics, self._job.policy, verdicts)
        entry = self._entry(read, decision, findings)
        if verdicts and judges_of(findings, verdicts):
            alone, *_ = self._decided(read, findings, floor_topics, self._job.policy, ())
            entry["was"] = alone.outcome
        nearly = self._nearly(read, decision, findings, floor_topics, verdicts)
        copied = columns_that_still_say_it(read.parsed.row, read.conversation, decision) if changes else ()
        return Judged(read.number, decision.outcome, entry, changes, excepted=excepted, copied=copied, nearly=nearly)

    def _nearly(
        self,
        read: ReadRow,
        decision: Decision,
        findings: tuple[Finding, ...],
        floor_topics: Mapping[int, FloorTopics],
        verdicts: tuple[Verdict, ...],
    ) -> tuple[str, ...]:
        """Return the behaviours for which nothing follows in a row, and for which something would at the threshold `LIKELY`."""
        likely = {one.behaviour for one in findings if one.probability >= LIKELY and not one.is_reasoning}
        nearly = []
        for behaviour in sorted(likely & self._lower.keys() - {one.behaviour for one in decision.acted_on}):
            lower, *_ = self._decided(read, findings, floor_topics, self._lower[behaviour], verdicts)
            nearly += [behaviour] if any(one.behaviour == behaviour for one in lower.acted_on) else []
        return tuple(nearly)

    def _decided(
        self,
        read: ReadRow,
        findings: tuple[Finding, ...],
        floor_topics: Mapping[int, FloorTopics],
        policy: Policy,
        verdicts: tuple[Verdict, ...],
    ) -> tuple[Decision, tuple[Change, ...], tuple[str, ...]]:
        """Return what happens to a row by its findings and what people said of them, the changes that carry it out, and the phrases
        for which something is left alone.
        """
        said, verdicts = verdicts, that_hold(findings, verdicts) if verdicts else verdicts
        findings = findings_as_judged(findings, verdicts) if verdicts else findings
        judges = judges_of(findings, said) if said else ""
        policy = policy_as_judged(policy, findings, verdicts) if verdicts else policy
        excepted = self._excepted(read.conversation, findings, policy)
        floor_turns = self._floor.turns_of(read.conversation, findings, floor_topics)
        decision = decide(
            read.conversation,
            findings,
            policy,
            floor_turns=floor_turns,
            excepted=excepted,
            judged=judged_among(findings, verdicts) if verdicts else frozenset(),
            can_mask=read.layout.mask(read.parsed.row, 0) is not None,
        )
        if judges:
            decision = replace(decision, reason=f"{decision.reason}; judged by {judges}")
        carried = carried_out(read, decision, holds_floor=bool(floor_turns))
        return *carried, tuple(dict.fromkeys(excepted.values()))

    def _excepted(
        self, conversation: Conversation, findings: tuple[Finding, ...], policy: Policy
    ) -> dict[Finding, str]:
        """Return the findings that the policy would act on but for one of its phrases in their sentence, and which.

        No phrase stands over what a person asked for.
        """
        own_words = self._own_words
        if own_words is None:
            return {}
        said = {
            finding: own_words.around(
                conversation.turns[finding.turn].text,
                finding.start_char,
                finding.end_char,
                with_one_before=finding.behaviour in REFUSALS,
            )
            for finding in findings
            if not finding.is_reasoning and finding.probability > 0 and policy.action_on(finding) != "keep"
            if finding not in policy.asked
        }
        return {finding: phrase for finding, phrase in said.items() if phrase is not None}

    def _entry(self, read: ReadRow, decision: Decision, findings: tuple[Finding, ...]) -> dict[str, Any]:
        """Return the ledger's line. It is about the likeliest of the `findings` of the detectors, whatever people said of them: a
        verdict knows its finding by the request that stands here.
        """
        first = max(findings or decision.findings, key=lambda finding: finding.probability)
        turn = read.conversation.turns[first.turn]
        said = turn.reasoning if first.field == "reasoning" else turn.text
        offset = max(0, first.start_char - _ANSWER_LEAD)
        places = {finding: place for place, finding in reversed(list(enumerate(decision.findings)))}
        return {
            "row": read.number,
            "outcome": decision.outcome,
            "reason": decision.reason,
            "findings": [finding.as_json() for finding in decision.findings],
            "edits": [
                {"action": e.action, "turn": e.turn, "spans": [list(span) for span in e.spans]} for e in decision.edits
            ],
            "labels": list(decision.labels),
            "needs_review": decision.needs_review,
            "waits_for": [places[finding] for finding in decision.waits_for],
            "acted_on": [places[finding] for finding in decision.acted_on],
            "left_alone": _by_reason(decision, places),
            "is_floor": decision.is_floor,
            "language": self._language(read.conversation, decision.findings),
            "turn": first.turn,
            "request": read.conversation.request_before(first.turn)[:_REQUEST_CHARS],
            "conversation_sha256": read.conversation.sha256(),
            "answer": said[offset : offset + _ANSWER_CHARS],
            "answer_offset": offset,
            "answer_chars": len(said),
            "after": mended_text(read.conversation, decision),
        }

    def _count(
        self, good: list[ReadRow], judged: list[Judged], observed: Any, observed_rows: Collection[int] | None
    ) -> dict[int, str]:
        """Count the rows that could be read, and return the language of each that was looked at, by its number."""
        languages: dict[int, str] = {}
        for read, row in zip(good, judged, strict=True):
            self.layouts[read.layout.name] += 1
            if observed_rows is not None and read.number not in observed_rows:
                self.languages[UNSAMPLED] += 1
                continue
            language = row.entry["language"] if row.entry is not None else self._language(read.conversation)
            self.languages[language] += 1
            languages[read.number] = language
            if observed is not None:
                outcome = self._observed_outcome(row)
                exchanges = exchanges_told(read.conversation, outcome, row.entry)
                observed.add_row(
                    exchanges[0][0] if exchanges else "",
                    outcome,
                    language,
                    source=source_of(read.parsed.readable),
                    behaviours=counted(row.entry["findings"]) if row.entry is not None else (),
                    exchanges=exchanges,
                )
        return languages

    def _language(self, conversation: Conversation, findings: Iterable[Finding] = ()) -> str:
        """Return the language of a row: of the last answer that tells it, reasoning aside, or of what was found in one.

        Answers too short to tell it ("4.") are of their request's.
        """
        has_answer, is_short = False, True
        for turn in reversed(conversation.turns):
            if turn.is_target:
                answer = without_reasoning(turn.text)
                language = self._detector.language_of(answer)
                if language != _UNKNOWN:
                    return language
                has_answer, is_short = True, is_short and len(answer) <= _SHORT_CHARS
        if not has_answer:
            return NO_ANSWER
        said = (finding.language for finding in findings if not finding.is_reasoning)
        language = next((code for code in said if code != _UNKNOWN), _UNKNOWN)
        if language != _UNKNOWN or not is_short:
            return language
        request = next((turn.text for turn in reversed(conversation.turns) if turn.role == "user"), "")
        return self._detector.language_of(request)

    def _observed_outcome(self, row: Judged) -> str:
        """Return the outcome of a row; an audit, which has none, says `found` of a row that refuses."""
        refuses = row.entry is not None and any(behaviour in REFUSALS for behaviour in counted(row.entry["findings"]))
        return "found" if self._job.policy is None and refuses else row.outcome


def _by_reason(decision: Decision, places: Mapping[Finding, int]) -> dict[str, list[int]]:
    by_reason: dict[str, list[int]] = {}
    for finding, why in decision.left_alone:
        by_reason.setdefault(why, []).append(places[finding])
    return by_reason


def _with_lower_thresholds(policy: Policy) -> dict[str, Policy]:
    """Return for each behaviour whose threshold is over `LIKELY`, and may be that, the policy with that in its place."""
    return {
        behaviour: replace(policy, thresholds={**policy.thresholds, behaviour: LIKELY})
        for behaviour in policy.acts_on()
        if policy.threshold(behaviour) > LIKELY >= policy.review_from()
    }


def _opinion(settings: JudgeSettings | None) -> detectors.SecondOpinion | None:
    if settings is None:
        return None
    return detectors.load_judge(
        settings.name, url=settings.url, key=settings.key, cache=settings.cache, at_once=settings.at_once
    )


def counted(findings: Iterable[dict[str, Any]]) -> list[str]:
    """Return the behaviours of the findings of a ledger entry that count."""
    return [finding["behaviour"] for finding in findings if counts(finding)]
