"""From a label to a record of Argilla 2 as `records.to_json` writes it, and back.

Argilla knows people by an id of its own. Here it is derived from the name, and the name stands in the metadata, so that a file that
never saw a server keeps its people; people of a server come back under their id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from unmoor.records import Verdict
from unmoor.review.label import Answer, Label, key_from

__all__ = ["read", "user_id", "write"]


def user_id(person: str) -> UUID:
    """Return the id under which a person's answers are written, the same for the same name."""
    return uuid5(NAMESPACE_URL, f"unmoor:{person}")


def write(label: Label) -> dict[str, Any]:
    """Return the record: the machine's word as a suggestion, each person's as a response."""
    finding = label.finding
    return {
        "id": str(label.key),
        "fields": {"request": label.request, "answer": label.answer, "evidence": finding.quote},
        "metadata": {
            "row": label.row,
            "behaviour": finding.behaviour,
            "language": finding.language,
            "rule": finding.rule,
            "outcome": label.outcome,
            "probability": finding.probability,
            **({"people": [_signed(verdict) for verdict in label.verdicts]} if label.verdicts else {}),
        },
        "suggestions": {
            "behaviour": {"value": finding.behaviour, "score": finding.probability, "agent": finding.detector}
        },
        "responses": _responses(label.verdicts),
        "vectors": {},
        "status": "completed" if label.verdicts else "pending",
        "_server_id": None,
    }


def _signed(verdict: Verdict) -> str:
    return json.dumps({"by": verdict.by, "at": verdict.at, "verdict": verdict.judgement})


def _responses(verdicts: tuple[Verdict, ...]) -> dict[str, list[dict[str, str]]]:
    responses: dict[str, list[dict[str, str]]] = {}
    for verdict in verdicts:
        said = {"verdict": verdict.judgement, "behaviour": verdict.corrected_behaviour, "note": verdict.note}
        for question, value in said.items():
            if value:
                responses.setdefault(question, []).append({"value": value, "user_id": str(user_id(verdict.by))})
    return responses


def read(record: dict[str, Any]) -> Iterator[Answer]:
    """Yield each person's answer in a record.

    Raises:
        KeyError, TypeError, ValueError: it is no record that `write` made.
    """
    signed = [json.loads(words) for words in (record.get("metadata") or {}).get("people") or ()]
    people = {str(user_id(each["by"])): each for each in signed}
    said: dict[str, dict[str, str]] = {}
    for question, responses in record["responses"].items():
        for response in responses:
            said.setdefault(str(response.get("user_id") or ""), {})[question] = response["value"]
    for person, values in said.items():
        if "verdict" not in values:
            continue
        known = people.get(person, {})
        yield Answer(
            key=key_from(record["id"]),
            judgement=values["verdict"],
            behaviour=values.get("behaviour"),
            note=str(values.get("note", "")),
            by=known.get("by", person),
            # The time is that of what was said then; a verdict changed in Argilla since has none.
            at=known.get("at") if known.get("verdict") == values["verdict"] else None,
        )
