"""From a label to a task of Label Studio as its JSON import and export have it, and back.

Label Studio refuses a task whose `completed_by` is nobody it knows, so the person's name is an answer of its own, `reviewer`; an
annotation that was made there has its maker's id or address instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from unmoor.records import BEHAVIOURS, JUDGEMENTS, Verdict
from unmoor.review.label import Answer, Label, key_from

__all__ = ["CONFIG", "read", "write"]


def _choices(values: tuple[str, ...]) -> str:
    return "".join(f'\n    <Choice value="{value}"/>' for value in values)


CONFIG = f"""<View>
  <Header value="Asked"/>
  <Text name="request" value="$request"/>
  <Header value="Answered"/>
  <Text name="answer" value="$answer"/>
  <Header value="Found: $behaviour, in the words"/>
  <Text name="evidence" value="$evidence"/>
  <Choices name="verdict" toName="answer" required="true" showInLine="true">{_choices(JUDGEMENTS)}
  </Choices>
  <Header value="If it is another behaviour"/>
  <Choices name="behaviour" toName="answer">{_choices(tuple(BEHAVIOURS))}
  </Choices>
  <TextArea name="note" toName="answer" placeholder="Note"/>
  <TextArea name="reviewer" toName="answer" placeholder="Your name"/>
</View>
"""
"""The labelling interface that the tasks are made for."""


def write(label: Label) -> dict[str, Any]:
    """Return the task: the machine's word as a prediction, each person's as an annotation."""
    finding = label.finding
    return {
        "data": {
            "key": str(label.key),  # as text: a number of 63 bits loses digits in a browser
            "row": label.row,
            "request": label.request,
            "answer": label.answer,
            "evidence": finding.quote,
            "behaviour": finding.behaviour,
            "language": finding.language,
            "rule": finding.rule,
            "outcome": label.outcome,
            "probability": finding.probability,
        },
        "predictions": [
            {
                "model_version": finding.detector,
                "score": finding.probability,
                "result": [_result("behaviour", "choices", finding.behaviour)],
            }
        ],
        "annotations": [_annotation(verdict) for verdict in label.verdicts],
    }


def _result(name: str, kind: str, value: str) -> dict[str, Any]:
    key = "text" if kind == "textarea" else kind
    return {"from_name": name, "to_name": "answer", "type": kind, "value": {key: [value]}}


def _annotation(verdict: Verdict) -> dict[str, Any]:
    results = [_result("verdict", "choices", verdict.judgement), _result("reviewer", "textarea", verdict.by)]
    if verdict.corrected_behaviour:
        results.append(_result("behaviour", "choices", verdict.corrected_behaviour))
    if verdict.note:
        results.append(_result("note", "textarea", verdict.note))
    return {"result": results, "was_cancelled": False, "ground_truth": False, "created_at": verdict.at}


def read(task: dict[str, Any]) -> Iterator[Answer]:
    """Yield the answer of each annotation of a task; one that was skipped there is a skip here, whatever was chosen before.

    Raises:
        KeyError, TypeError, ValueError: it is no task that `write` made.
    """
    for annotation in task["annotations"]:
        said = {result["from_name"]: _value(result) for result in annotation["result"]}
        judgement = "skip" if annotation.get("was_cancelled") else said.get("verdict")
        if not judgement:
            continue
        yield Answer(
            key=key_from(task["data"]["key"]),
            judgement=judgement,
            behaviour=said.get("behaviour") if judgement != "skip" else None,
            note=said.get("note", ""),
            by=said.get("reviewer") or _completed_by(annotation),
            at=_time(annotation.get("updated_at") or annotation.get("created_at")),
        )


def _value(result: dict[str, Any]) -> str:
    value = result["value"].get(result["type"] if result["type"] != "textarea" else "text", "")
    return str(value[0] if isinstance(value, list) and value else value or "")


def _completed_by(annotation: dict[str, Any]) -> str:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return "" if who is None else str(who)


def _time(written: str | None) -> str | None:
    """Return a moment as verdicts have it: ISO 8601, UTC, to the millisecond.

    Raises:
        TypeError, ValueError: it is none, or none of the years 1 to 9999.
    """
    if not written:
        return None
    moment = datetime.fromisoformat(written)
    try:
        utc = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{written} is not in the years 1 to 9999") from error
    return utc.isoformat(timespec="milliseconds")
