"""From a ledger entry to what a page can show of it: a short excerpt around the evidence, and a mend as a difference.

Everything is cut to a bounded length here, so an answer of any size costs the page a few hundred characters.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["example", "mend_difference", "short_text"]

_LEAD_CHARS, _TAIL_CHARS, _EVIDENCE_CHARS = 160, 220, 420
_REQUEST_CHARS, _REASON_CHARS = 320, 320
_MOST_MARKS, _QUOTE_CHARS = 12, 120
_CONTEXT_CHARS = 180
"""Unchanged text shown on either side of a cut."""
_WORD = re.compile(r"\w+")


def short_text(text: str, limit: int) -> str:
    """Return `text` cut to `limit` characters, the last an ellipsis where it was cut; unpaired surrogates become U+FFFD."""
    text = text[: limit + 1].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def example(entry: dict[str, Any], behaviour: str) -> dict[str, Any]:
    """Return the entry as an example of `behaviour`: request, excerpt with marks (start, end in the excerpt), rule, probability."""
    findings = [
        finding for finding in entry["findings"] if finding["behaviour"] == behaviour and not finding["is_reasoning"]
    ]
    first = max(findings, key=lambda finding: finding["probability"])
    return {
        "row": entry["row"],
        "outcome": entry["outcome"],
        "actions": sorted({edit["action"] for edit in entry["edits"]}) if entry["outcome"] == "mended" else [],
        "reason": short_text(entry.get("reason", ""), _REASON_CHARS),
        "is_floor": bool(entry.get("is_floor")),
        "needs_review": bool(entry.get("needs_review")),
        "waits_for": [_waiting(entry["findings"][place]) for place in entry.get("waits_for") or ()][:_MOST_MARKS],
        "language": entry.get("language", "und"),
        "rule": short_text(first["rule"], 80),
        "detector": first.get("detector", ""),
        "probability": round(float(first["probability"]), 3),
        "request": short_text(entry.get("request") or "", _REQUEST_CHARS),
        **_excerpt(entry, first, findings),
    }


def _waiting(finding: dict[str, Any]) -> dict[str, Any]:
    """Return what of a finding tells a reader what a person is to judge."""
    quote, probability = short_text(finding["quote"], _QUOTE_CHARS), round(float(finding["probability"]), 3)
    return {"behaviour": finding["behaviour"], "quote": quote, "probability": probability}


def _excerpt(entry: dict[str, Any], first: dict[str, Any], findings: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the text around the first finding, and where in it the evidence lies."""
    said, offset = entry.get("answer") or "", entry.get("answer_offset", 0)
    start, end = first["start_char"] - offset, first["end_char"] - offset
    if said[max(0, start) : end] != first["quote"] or start < 0:
        quote = short_text(first["quote"], _EVIDENCE_CHARS)
        return {"excerpt": quote, "marks": [[0, len(quote)]], "cut_before": True, "cut_after": True}
    begin = _word_edge(said, start - _LEAD_CHARS)
    stop = min(len(said), min(end, start + _EVIDENCE_CHARS) + _TAIL_CHARS)
    inside = [
        (f["start_char"] - offset - begin, f["end_char"] - offset - begin)
        for f in findings
        if f["turn"] == first["turn"]
    ]
    marks = [[max(0, s), min(e, stop - begin)] for s, e in inside if s < stop - begin and e > 0]
    return {
        "excerpt": said[begin:stop],
        "marks": _merged(marks),
        "cut_before": begin + offset > 0,
        "cut_after": stop + offset < entry.get("answer_chars", offset + len(said)),
    }


def _word_edge(text: str, position: int) -> int:
    """Return the first start of a word from `position` on, near by; 0 for the beginning of the text."""
    if position <= 0:
        return 0
    space = text.find(" ", position, position + 30)
    return space + 1 if space >= 0 else position


def _merged(marks: list[list[int]]) -> list[list[int]]:
    merged: list[list[int]] = []
    for start, end in sorted(marks):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        elif start < end:
            merged.append([start, end])
    return merged[:_MOST_MARKS]


def mend_difference(entry: dict[str, Any]) -> dict[str, Any] | None:
    """Return a mended row as pieces (`"same"`, `"cut"`, `"new"` or `"gap"`, text); None where the window does not show the cut."""
    said, offset = entry.get("answer") or "", entry.get("answer_offset", 0)
    edits = [
        edit for edit in entry["edits"] if edit["action"] == "mend" and edit["turn"] == entry.get("turn", edit["turn"])
    ]
    if not edits:
        return None
    is_whole = offset == 0 and entry.get("answer_chars", len(said)) <= len(said)
    after = entry.get("after")
    pieces = _cut_out(said, [(start - offset, end - offset) for start, end in edits[0]["spans"]])
    if is_whole and after is not None:
        pieces = _with_capitals(pieces, after)
    if not any(kind == "cut" for kind, _ in pieces):
        return None
    return {
        "row": entry["row"],
        "rule": short_text(entry["findings"][0]["rule"], 80),
        "language": entry.get("language", "und"),
        "behaviours": sorted({finding["behaviour"] for finding in entry["findings"]}),
        "request": short_text(entry.get("request") or "", _REQUEST_CHARS),
        "pieces": _shortened(pieces),
    }


def _with_capitals(pieces: list[tuple[str, str]], after: str) -> list[tuple[str, str]]:
    """Return the pieces with the first word behind a cut as `new` where the mended text gave it a capital letter."""
    shown: list[tuple[str, str]] = []
    at = 0
    for kind, text in pieces:
        body = text.lstrip(" \t\n,;")
        at += len(after[at:]) - len(after[at:].lstrip())
        if kind == "same" and shown and shown[-1][0] == "cut" and body[:1] != after[at : at + 1] == body[:1].upper():
            word = _WORD.match(body)
            end = word.end() if word else 1
            shown += [("new", body[:1].upper() + body[1:end]), ("same", body[end:])]
        else:
            shown.append((kind, text))
        at += len(body.rstrip()) if kind == "same" else 0
    return [piece for piece in shown if piece[1]]


def _cut_out(text: str, spans: list[tuple[int, int]]) -> list[tuple[str, str]]:
    pieces, at = [], 0
    for start, end in sorted((max(0, start), min(end, len(text))) for start, end in spans):
        if start < end and start >= at:
            pieces += [("same", text[at:start]), ("cut", text[start:end])]
            at = end
    return [piece for piece in [*pieces, ("same", text[at:])] if piece[1]]


def _shortened(pieces: list[tuple[str, str]]) -> list[list[str]]:
    """Keep some text on either side of each cut and leave out the rest."""
    short: list[list[str]] = []
    for index, (kind, text) in enumerate(pieces):
        if kind != "same":
            short.append([kind, short_text(text, _EVIDENCE_CHARS)])
            continue
        is_first, is_last = index == 0, index == len(pieces) - 1
        head = "" if is_first else text[:_CONTEXT_CHARS]
        tail = "" if is_last else text[-_CONTEXT_CHARS:]
        if len(text) <= len(head) + len(tail):
            short.append(["same", text])
        else:
            short += [["same", head.rpartition(" ")[0]], ["gap", ""], ["same", tail.partition(" ")[2]]]
    return [piece for piece in short if piece[1] or piece[0] == "gap"][: 4 * _MOST_MARKS]
