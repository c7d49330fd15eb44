"""From what was trained and asked to a report, with what is known of the data that it began from."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmoor.commands.outputs import created_now

__all__ = ["as_typed", "read_training", "write_cards", "write_model_report"]

TRAINING = "training.json"
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_OURS = ", one of twins"
"""What every model card of ours has in its first heading: no other card is written over."""


def as_typed(verb: str, out: Path) -> str:
    """Return the command that is running, for the last section of its report; a name and password in a URL are left out."""
    typed = sys.argv[1:] if sys.argv[1:2] == [verb] else [verb, "...", "-o", str(out)]
    return _LOGIN.sub("", shlex.join(["unmoor", *typed]))


def read_training(folder: Path) -> dict[str, Any]:
    """Return what `unmoor train` wrote into `folder`, each twin's path where it is now and its data's too, if the folder was moved
    or is seen from another one.

    Raises:
        RunFolderError: it is no such folder.
    """
    from unmoor.run_folder import read_json

    read: dict[str, Any] = read_json(folder / TRAINING)
    differ = (read.get("config_difference") or {}).get("data")
    for name, twin in read["twins"].items():
        if (folder / name).is_dir():
            was, twin["path"] = str(twin.get("path", "")), str(folder / name)
            for data in (twin, differ if isinstance(differ, dict) else {}):
                key = "data" if data is twin else name
                if isinstance(data.get(key), str):
                    data[key] = _data_now(data[key], was, folder / name)
    return read


def _data_now(path: str, was: str, twin: Path) -> str:
    """Return the path of the data of a twin, whose folder `was` there and is `twin` now: beside it where they lay beside it, unless
    another file lies there; else as it was written.
    """
    there = _beside(path, was, twin.resolve())
    if there is None or not there.exists() or (Path(path).exists() and there.samefile(path)):
        return path
    sha256 = _trained_on_sha256(twin)
    if sha256 is None:
        return path if Path(path).exists() else str(there)
    return str(there) if _is(there, sha256) and not _is(Path(path), sha256) else path


def _beside(path: str, was: str, now: Path) -> Path | None:
    """Return where what lay at `path` is now if all moved with a folder that `was` there and is `now` here; None where that is not
    known.
    """
    old, new = list(Path(was).parts), list(now.parts)
    while old and new and old[-1] == new[-1]:
        old.pop()
        new.pop()
    parts = Path(path).parts
    if list(parts[: len(old)]) != old or Path(path).is_absolute() != Path(was).is_absolute():
        return None
    return Path(*new, *parts[len(old) :])


def _trained_on_sha256(twin: Path) -> str | None:
    """Return the SHA-256 of what a twin was trained on, None where its folder does not say it."""
    try:
        told = json.loads((twin / "plan.json").read_bytes())
    except (OSError, ValueError):
        return None
    return told["data"] if isinstance(told, dict) and isinstance(told.get("data"), str) else None


def _is(path: Path, sha256: str) -> bool:
    from unmoor.run_folder import hash_file

    try:
        return path.is_file() and hash_file(path) == sha256
    except OSError:
        return False


def write_model_report(
    out: Path, reproduce: list[str], training: Mapping[str, Any] | None, evaluation: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Write report.html and report.json into `out` and return the facts.

    Where a twin was trained on what a filter run kept, the report begins with that run's own figures.
    """
    from unmoor.report import empty_facts, write_report

    kind = "evaluate" if evaluation is not None else "train"
    filters = _filters_of(training)
    facts = next(iter(filters.values()), None) or empty_facts(kind, created_now())
    if training is not None and filters:
        training = _with_policies(training, {name: run["policy"] for name, run in filters.items()})
    told = {"kind": kind, "created": created_now(), "reproduce": [*facts.get("reproduce", ()), *reproduce]}
    facts |= told | {"training": training, "evaluation": evaluation}
    write_report(facts, out)
    return facts


def _filters_of(training: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return the facts of the filter run that a twin's data lies in, by the twin's name."""
    data = (training or {}).get("config_difference", {}).get("data", {})
    found: dict[str, dict[str, Any]] = {}
    for name, path in data.items() if isinstance(data, dict) else ():
        try:
            facts = json.loads((Path(path).parent / "report.json").read_bytes())
        except (OSError, ValueError, TypeError):
            continue
        if isinstance(facts, dict) and facts.get("kind") == "filter" and facts.get("policy"):
            found[name] = facts
    return found


def _with_policies(training: Mapping[str, Any], policies: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what was trained with the policy of each twin's data, and, where these are several, what differs between them."""
    from unmoor.run_folder.plan import differences

    first, *others = policies
    between: dict[str, dict[str, Any]] = {}
    for other in others:
        for one in differences(policies[first], policies[other], "policy"):
            of_twins = between.setdefault(one.field, dict.fromkeys(policies, one.old))
            of_twins[other] = one.new
    told = {field: {twin: values.get(twin, "-") for twin in training["twins"]} for field, values in between.items()}
    return {**training, "policies": policies, "config_difference": {**training["config_difference"], **told}}


def write_cards(facts: Mapping[str, Any]) -> list[Path]:
    """Write a model card beside each twin's weights; a card that is not ours stays."""
    from unmoor.report import write_model_card

    written = []
    for name, twin in facts["training"]["twins"].items():
        folder = Path(twin["path"])
        card = folder / "README.md"
        if folder.is_dir() and (not card.exists() or _OURS in card.read_text("utf-8", "replace")[:4000]):
            written.append(write_model_card(facts, folder, name))
    return written
