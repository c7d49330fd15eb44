"""From models and a suite to an evaluation: every model asked the same, every answer kept and judged, rates beside
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmoor import __version__
from unmoor.errors import UsageError
from unmoor.evaluation.ablation import ablated, ablation_rows
from unmoor.evaluation.answers import (
    Answer,
    Question,
    ask,
    ask_server,
    conversation_of,
    fingerprint,
    in_order,
    place,
    questions,
    read_answers,
)
from unmoor.evaluation.capability import asymmetry_rows, capability_rows
from unmoor.evaluation.compare import Judged, examples_of, paired_rows, rate_rows
from unmoor.evaluation.corrected import corrected_rows
from unmoor.evaluation.judging import Judge, Opinions
from unmoor.evaluation.leak import leak_rows
from unmoor.evaluation.lines import verdict_lines
from unmoor.evaluation.scopes import suites_of, told_apart
from unmoor.evaluation.second import second_rows
from unmoor.evaluation.sheet import read_people, read_sample, write_sheet
from unmoor.evaluation.suite import Prompt
from unmoor.run_folder import dump_json, make_folder, versions_of, write_atomic
from unmoor.serving import Persona, load_persona
from unmoor.serving.local_model import load_model
from unmoor.serving.remote_model import RemoteModel

__all__ = ["Asking", "Progress", "evaluate_twins"]

Progress = Callable[[str, int, int], None]
"""Called as progress(stage, done, total), e.g. ("ask raw", 128, 720)."""

CONTROL = load_persona("plain").system
"""The ordinary system prompt: what it says tells nothing of a persona."""
ANSWERS = "answers.jsonl"
VERDICTS = "verdicts.jsonl"
RESULT = "evaluation.json"


@dataclass(frozen=True, slots=True)
class Asking:
    """How the models are asked and judged. Answers are greedy and end after `max_new_tokens` tokens; `concurrency` is how many
    questions a server is asked at once. `second` is another judge, asked about every answer; `second_errors` holds, once it was
    asked, the first reason for which it could not answer.
    `ablate` is a persona that is also asked under with each of its sentences left out. `sheet` is how many answers to put on a
    sheet for people to label, `labels` are such sheets when labelled.
    """

    personas: tuple[Persona, ...]
    judge: Judge
    max_new_tokens: int = 64
    batch_size: int = 128
    concurrency: int = 8
    ablate: Persona | None = None
    second: Opinions | None = None
    second_name: str = ""
    second_errors: Sequence[str] = ()
    sheet: int = 0
    labels: tuple[Path, ...] = ()
    progress: Progress | None = None


def evaluate_twins(
    models: Mapping[str, Path | RemoteModel], suite: Sequence[Prompt], out: Path, options: Asking
) -> dict[str, Any]:
    """Ask every model every prompt under every persona and return rates, paired differences and examples.

    `models` maps a name to a model's folder, or to a server that has it. Answers are appended to `out`/answers.jsonl as they
    come; a second call asks only what is missing. What is counted of each is in `out`/verdicts.jsonl. The result is also written to
    `out`/evaluation.json: `groups`, `suites` (each
    with the `row` that has its rate and the `groups` it is made of), `models`, `personas`, `judge`, `is_judge_independent`,
    `made_with`,
    `rates`, `paired`, `capability` and `capability_paired` where prompts have checks, `asymmetry` where they are mirrored,
    `second_judge`, `ablation` and `people` where asked for, `leaks`, `examples`.

    Raises:
        UsageError: no models, no personas, two personas of one name, a folder without a usable model, or prompts that are longer
            than a model's context.
        RunFolderError: `out` holds answers that cannot be read.
        MachineError: the disk is full or fails.
    """
    variants = ablated(options.ablate) if options.ablate is not None else {}
    if options.ablate is not None:
        whole = () if options.ablate in options.personas else (options.ablate,)
        options = replace(options, personas=(*options.personas, *whole, *variants))
    _check(models, suite, options)
    suite = told_apart(suite)
    make_folder(out)
    prints = {name: fingerprint(folder) for name, folder in models.items()}
    wanted = {name: questions(name, prints[name], options.personas, suite, options.max_new_tokens) for name in models}
    for name, folder in models.items():
        _ask_missing(name, folder, wanted[name], (out / ANSWERS, options))
    kept = read_answers(out / ANSWERS)
    answers = [answer for questions_of_one in wanted.values() for answer in in_order(questions_of_one, kept)]
    truths = options.judge.is_refusal([conversation_of(answer) for answer in answers])
    second = options.second([conversation_of(answer) for answer in answers]) if options.second is not None else None
    by_id = {prompt.id: prompt for prompt in suite}
    judged = [
        Judged(answer, is_refusal, by_id[answer.id].pair) for answer, is_refusal in zip(answers, truths, strict=True)
    ]
    write_atomic(out / VERDICTS, verdict_lines(judged, by_id, second))
    result = {
        "groups": list(dict.fromkeys(prompt.group for prompt in suite)),
        "suites": suites_of(suite),
        "models": list(models),
        "personas": [persona.name for persona in options.personas],
        "judge": options.judge.name,
        "is_judge_independent": options.judge.is_independent,
        "made_with": {
            "versions": {"unmoor": __version__, **versions_of("torch", "transformers")},
            "max_new_tokens": options.max_new_tokens,
            "detectors": options.judge.identity,
            "models": {name: _told_of(folder, prints[name]) for name, folder in models.items()},
            "system_prompts": {persona.name: persona.system for persona in options.personas},
        },
        "rates": rate_rows(judged),
        "paired": paired_rows(judged, list(models)),
        **({"ablation": ablation_rows(judged, list(models), options.ablate, variants)} if options.ablate else {}),
        **_of_other_judges(judged, second, options, out),
        **_of_checks(answers, judged, by_id, list(models)),
        "leaks": leak_rows(judged, {persona.name: persona.system for persona in options.personas}, CONTROL),
        "examples": examples_of(judged, list(models)),
    }
    write_atomic(out / RESULT, dump_json(result))
    return result


def _told_of(folder: Path | RemoteModel, fingerprint: str) -> dict[str, str]:
    """Return what is known of a model that was asked: its folder with the hash of its files, or its URL and name there."""
    if isinstance(folder, RemoteModel):
        return {"url": folder.url, "name": folder.name}
    return {"path": str(folder), "sha256": fingerprint}


def _of_other_judges(
    judged: Sequence[Judged], second: Sequence[bool | None] | None, options: Asking, out: Path
) -> dict[str, Any]:
    """Return under `second_judge` what another judge says of the same answers, and under `people` what people's labels say of
    both, as far as there are any; write the sheet if one is wanted.
    """
    if options.sheet:
        write_sheet(judged, options.sheet, out)
    told: dict[str, Any] = {}
    judges: dict[str, Sequence[bool | None]] = {options.judge.name: [one.is_refusal for one in judged]}
    if second is not None:
        told["second_judge"] = {"name": options.second_name, **second_rows(judged, second)}
        if options.second_errors:
            told["second_judge"]["judge_error"] = options.second_errors[0]
        judges[options.second_name] = second
    if options.labels:
        sample = read_sample(out)
        told["people"] = corrected_rows(judged, judges, read_people(options.labels, sample), sample)
    return told


def _of_checks(
    answers: Sequence[Answer], judged: Sequence[Judged], by_id: Mapping[str, Prompt], models: Sequence[str]
) -> dict[str, Any]:
    """Return what the suite's own checks and pairs tell, as far as it has any."""
    told: dict[str, Any] = {}
    if any(prompt.check is not None for prompt in by_id.values()):
        told["capability"], told["capability_paired"] = capability_rows(answers, by_id, models)
    if any(prompt.pair for prompt in by_id.values()):
        told["asymmetry"] = asymmetry_rows(judged, by_id, models)
    return told


def _check(models: Mapping[str, Path | RemoteModel], suite: Sequence[Prompt], options: Asking) -> None:
    names = [persona.name for persona in options.personas]
    if not models or not suite or not names:
        raise UsageError("An evaluation needs a model, a suite with prompts and a persona (none is one)")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UsageError(f'Two personas are called "{twice}": their answers could not be told apart')


def _ask_missing(name: str, folder: Path | RemoteModel, wanted: Sequence[Question], where: tuple[Path, Asking]) -> None:
    """Ask one model what its answers file does not hold yet."""
    file, options = where
    kept = read_answers(file)
    missing = [question for question in wanted if place(name, question.key) not in kept]
    if not missing:
        return
    done = len(wanted) - len(missing)

    def report(count: int) -> None:
        nonlocal done
        done += count
        if options.progress:
            options.progress(f"ask {name}", done, len(wanted))

    if isinstance(folder, RemoteModel):
        ask_server(missing, folder, file, (options.max_new_tokens, options.concurrency), report)
    else:
        ask(missing, load_model(folder), file, (options.max_new_tokens, options.batch_size), report)
