"""The demo told in order: data, audit, filter, base model, twins, questions, report. Each step is the command a user would run."""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from unmoor.commands.outputs import RunReport, created_now
from unmoor.commands.stages import stages
from unmoor.engines import Job, counted, run_job
from unmoor.errors import UsageError
from unmoor.layouts import open_data_set
from unmoor.policy import Policy, load_policy
from unmoor.records import REFUSALS
from unmoor.run_folder import (
    MANIFEST,
    dump_json,
    hold_others_out,
    hold_replaceable,
    machine_errors,
    make_folder,
    making,
    others_in,
    read_lines_of,
    write_atomic,
)
from unmoor.run_folder.files import OF_SYSTEMS

__all__ = ["tell", "write_data"]

SUMMARY = "summary.json"
MARK = "demo.json"
"""Says, before anything else is written, that a folder is a demo's, and at the end which files the demo wrote into it."""
PERSONAS = ("none", "plain", "dolphin")
"""System prompts that the twins are asked under: none at all, the plain one, and the published one's pattern."""
ARMS = ("raw", "raw-shrunk", "filtered")
"""What is trained: all rows, as many rows drawn at random as the filter keeps, and those that it keeps."""

RUNS = ("audit", "filtered", "audit-filtered")
_FILES = (MARK, "recipe.yaml", "suite.jsonl", "report.html", "report.json", SUMMARY)
_UNFINISHED = tuple(f".{name}.unfinished" for name in RUNS)
_WRITTEN = frozenset(("data", *RUNS, *_UNFINISHED, "base", "twins", "evaluation", *_FILES))
"""What a demo writes."""


def tell(folder: Path, *, seed: int = 7, force: bool = False) -> dict[str, Any]:
    """Run the whole loop into `folder` and return the summary that it writes there.

    Raises:
        UsageError: the folder holds something else.
        MissingExtraError: the parts that train are not installed.
    """
    from unmoor.training import hold_training_parts

    began = time.monotonic()
    hold_training_parts()  # before anything is written: half a demo is no demo, and would stand in the next one's way
    _make_room(folder, force)
    told = _Story(folder, seed)
    told.data()
    audit = told.audit()
    told.filter()
    training = told.train()
    evaluation = told.ask()
    summary = told.summary(audit, training, evaluation)
    summary["seconds"] = round(time.monotonic() - began, 1)
    told.report(audit, training, evaluation)
    write_atomic(folder / SUMMARY, dump_json(summary))
    _mark(folder, sorted(_files_in(folder)))
    return summary


def write_data(path: Path, seed: int) -> int:
    """Write the built-in data set to `path` and return its rows.

    Raises:
        UsageError: there is a file already.
        MachineError: its folder cannot be made.
    """
    from unmoor.demo import write_demo_data

    if path.exists():
        raise UsageError(f"{path} is there already. Next: another name")
    with machine_errors(f"Making {path.parent}"), making(path):
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
    return len(write_demo_data(path, seed=seed).rows)


def _make_room(folder: Path, force: bool) -> None:
    place = folder.resolve()  # a link stays, what it leads to is written
    if place.exists() and any(place.iterdir()):
        mark = _read_mark(place)
        if mark is None:
            raise UsageError(f"{folder} holds other files. Next: name a folder that is new or empty")
        hold_others_out(folder, _others_in(place, mark["files"]))
        if not force:
            raise UsageError(f"{folder} holds a demo already. Next: another folder, or --force to replace it")
        hold_replaceable(place)
        with machine_errors(f"Deleting {folder}"):
            shutil.rmtree(place)
    make_folder(place)


def _mark(folder: Path, files: list[str] | None) -> None:
    write_atomic(folder / MARK, dump_json({"made_by": "unmoor demo", "files": files}))


def _read_mark(folder: Path) -> dict[str, Any] | None:
    """Return what the mark of a demo says, None of a folder that has none."""
    try:
        mark = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) and mark.get("made_by") == "unmoor demo" and "files" in mark else None


def _others_in(folder: Path, files: list[str] | None) -> set[str]:
    """Return the names of what lies in a demo and no demo wrote. Of one that did not come to its end, which has no list of `files`,
    what lies in the folders that hold no run and no data is its own.
    """
    if files is not None:
        return _files_in(folder) - {*files, MARK}
    others = {path.name for path in folder.iterdir()} - _WRITTEN - OF_SYSTEMS
    if (folder / "data").is_dir():
        others |= {f"data/{path.name}" for path in (folder / "data").iterdir() if path.name != "raw.jsonl"}
    for name in RUNS:
        if (folder / name / MANIFEST).is_file():
            there = (path.name for path in (folder / name).iterdir())
            others |= {f"{name}/{other}" for other in others_in(folder / name, there)}
    return others


def _files_in(folder: Path) -> set[str]:
    """Return the files below a folder, links among them, by their paths from there."""
    found: set[str] = set()
    for place, folders, files in os.walk(folder):
        names = [*files, *(name for name in folders if (Path(place) / name).is_symlink())]
        found |= {(Path(place) / name).relative_to(folder).as_posix() for name in names if name not in OF_SYSTEMS}
    return found


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)


class _Story:
    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._raw = folder / "data" / "raw.jsonl"
        self._policy: Policy = load_policy("dolphin")
        self._facts: dict[str, Any] = {}
        self._truth: Any = None

    def data(self) -> None:
        """Write the data set, whose truth is known because we made it, into a folder that is marked as a demo's."""
        from unmoor.demo import write_demo_data

        _mark(self._folder, None)
        self._raw.parent.mkdir()
        self._truth = write_demo_data(self._raw, seed=self._seed)
        _say(f"1. Data: {len(self._truth.rows):,} rows with inherited alignment, {self._raw}")

    def audit(self) -> dict[str, Any]:
        """Audit it, and hold the findings against the truth; the detectors have not seen how the rows were made."""
        run = self._folder / "audit"
        source, job = open_data_set(self._raw), Job("messages")
        report = RunReport.of(job, [f"unmoor audit {self._raw} -o {run}"])
        summary = run_job(source, replace(job, observer=report.observer), run, finish=report.write)
        found = {entry["row"]: self._counted(entry) for entry in read_lines_of(run, "ledger.jsonl")}
        acted_on = [behaviour for behaviour, action in self._policy.actions.items() if action != "keep"]
        score = self._truth.score(found, acted_on)
        _say(
            f"2. Audit: {summary.refusal_rows:,} of {summary.rows:,} rows refuse. Of {score.found:,} rows in which the policy's "
            f"behaviours were found, precision {score.precision:.3f}; of {score.true:,} that have them, recall {score.recall:.3f}"
        )
        return {
            "precision": score.precision,
            "recall": score.recall,
            "missed_rows": list(score.missed),
            "wrong_rows": list(score.wrong),
            "found_rows": score.found,
            "true_rows": score.true,
            "refusal_rows": summary.refusal_rows,
            "should_not_rows": self._should_not_rows(run),
            "rows": summary.rows,
        }

    def _counted(self, entry: dict[str, Any]) -> set[str]:
        return {
            finding["behaviour"]
            for finding in entry["findings"]
            if not finding["is_reasoning"] and finding["probability"] >= self._policy.threshold(finding["behaviour"])
        }

    def filter(self) -> None:
        """Filter it by the published method's policy."""
        run = self._folder / "filtered"
        source, job = open_data_set(self._raw), Job("messages", self._policy)
        report = RunReport.of(job, [f"unmoor filter {self._raw} --policy dolphin -o {run}"])
        summary = run_job(source, replace(job, observer=report.observer), run, finish=report.write)
        self._facts = report.facts
        counts = summary.counts()
        _say(
            f"3. Filter: {counts['removed']:,} rows removed, {counts['mended']:,} mended, {counts['kept']:,} kept as they were"
        )

    def train(self) -> dict[str, Any]:
        """Pre-train the tiny base, then train the arms by one recipe: data and output path differ, nothing else."""
        from unmoor.commands.training_rows import read_or_say, row_bytes
        from unmoor.demo import plain_sentences, write_demo_recipe
        from unmoor.training import Training, make_demo_base, train_twins

        _say("4. Train: a tiny mixture-of-experts base, then twins by one recipe, and raw cut to the filtered size")
        recipe = self._folder / "recipe.yaml"
        data = {"raw": self._raw, "filtered": self._folder / "filtered" / "kept.jsonl"}
        with stages() as progress:
            base = make_demo_base(
                plain_sentences(self._seed), self._folder / "base", seed=self._seed, progress=progress
            )
            write_demo_recipe(recipe, base, self._seed)
            options = Training(shrink="raw", row_bytes=row_bytes)
            trained = train_twins(recipe, data, self._folder / "twins", read_or_say, progress, options=options)
        return {**trained, "expert_load": self._expert_load(base)}

    def _expert_load(self, base: Path) -> dict[str, Any]:
        """Return which experts answer the held-out prompts, in the base and in each arm."""
        from unmoor.demo.suite import held_out_prompts
        from unmoor.serving.local_model import load_model
        from unmoor.training.experts import expert_load, load_rows

        texts = [prompt["prompt"] for prompt in held_out_prompts(self._seed)]
        models = {"base": load_model(base), **{name: load_model(self._folder / "twins" / name) for name in ARMS}}
        loads = {name: expert_load(model.model, model.tokenizer, texts) for name, model in models.items()}
        return {"models": list(models), "texts": len(texts), "rows": load_rows(loads)}

    def ask(self) -> dict[str, Any]:
        """Ask both twins the same prompts, none of them seen in training, under each persona."""
        from unmoor import detectors
        from unmoor.demo import write_demo_suite
        from unmoor.evaluation import Asking, detector_judge, evaluate_twins, read_suite
        from unmoor.serving import load_persona

        _say("5. Ask: the same unseen prompts to all three, under each persona")
        suite = self._folder / "suite.jsonl"
        write_demo_suite(suite, seed=self._seed)
        models = {name: self._folder / "twins" / name for name in ARMS}
        personas = tuple(load_persona(name) for name in PERSONAS)
        with stages() as progress:
            options = Asking(personas=personas, judge=detector_judge(detectors.load()), progress=progress)
            return evaluate_twins(models, read_suite(suite), self._folder / "evaluation", options)

    def summary(self, audit: dict[str, Any], training: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
        """Return the numbers that the demo is about, and the closing table."""
        from unmoor.evaluation import rate_of

        twins = {
            name: {
                **{
                    f"{group}_refusal_rate": rate_of(evaluation, name, "plain", group)
                    for group in ("trigger", "neutral")
                },
                "personas": {
                    persona: {group: rate_of(evaluation, name, persona, group) for group in ("trigger", "neutral")}
                    for persona in PERSONAS
                },
                "rows_trained": training["twins"][name]["rows_trained"],
            }
            for name in ARMS
        }
        return {"seed": self._seed, "audit": audit, "twins": twins, "table": self._table(audit, twins)}

    def _table(self, audit: dict[str, Any], twins: dict[str, Any]) -> list[list[Any]]:
        """Return the closing table: the data before and after, both as an audit of the file counts them, and the models."""
        again = self._folder / "audit-filtered"
        summary = run_job(open_data_set(self._folder / "filtered" / "kept.jsonl"), Job("messages"), again)
        rows = [
            ["data: rows", audit["rows"], twins["raw-shrunk"]["rows_trained"], summary.rows],
            ["data: rows that refuse", audit["refusal_rows"], "", summary.refusal_rows],
            ["data: rows that refuse by policy or in part", audit["should_not_rows"], "", self._should_not_rows(again)],
        ]
        for group in ("trigger", "neutral"):
            for persona in PERSONAS:
                rates = [twins[name]["personas"][persona][group] for name in ARMS]
                rows.append([f"model: refuses {group}, persona {persona}", *rates])
        return rows

    def _should_not_rows(self, audit: Path) -> int:
        """Return the rows of an audit that refuse more than an honest cannot does, which the policy keeps."""
        wanted = {behaviour for behaviour in REFUSALS if self._policy.actions[behaviour] != "keep"}
        return sum(not wanted.isdisjoint(counted(entry["findings"])) for entry in read_lines_of(audit, "ledger.jsonl"))

    def report(self, audit: dict[str, Any], training: dict[str, Any], evaluation: dict[str, Any]) -> None:
        """Write the report of the whole loop and a model card beside each twin."""
        from unmoor.report import write_model_card, write_report

        facts = {
            **self._facts,
            "kind": "demo",
            "created": created_now(),
            "audit": {"precision": audit["precision"], "recall": audit["recall"]},
            "training": training,
            "evaluation": evaluation,
            "reproduce": [f"unmoor demo -o {self._folder} --seed {self._seed}"],
        }
        write_report(facts, self._folder)
        for name in ARMS:
            write_model_card(facts, self._folder / "twins" / name, name)
