"""`unmoor evaluate --model NAME=PATH --suite FILE -o RUN`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from unmoor.commands.evaluation_shown import print_evaluation
from unmoor.commands.named import named_values
from unmoor.commands.stages import stages
from unmoor.commands.terminal import print_json, tell
from unmoor.errors import UsageError


@click.command("evaluate")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME=PATH|URL",
    help="A model's name, and its folder or the URL of its server (#MODEL at the end names one there); again for each.",
)
@click.option(
    "--training",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A folder of `unmoor train`: all its twins are asked, and the report shows both.",
)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    required=True,
    metavar="NAME|FILE",
    help="look-alikes, neutral, contested, ordinary, floor, or a file: JSON Lines, CSV, a task of lm-eval; again for each.",
)
@click.option(
    "--persona",
    "personas",
    multiple=True,
    default=("none",),
    show_default=True,
    metavar="NAME",
    help="A system prompt: a name or a file; again for each.",
)
@click.option(
    "--max-new-tokens", default=256, show_default=True, type=click.IntRange(1), help="Where an answer is cut off."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="RUN", help="The folder to write."
)
@click.option(
    "--concurrency",
    default=8,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Questions that a server, or a second judge, is asked at once.",
)
@click.option("--ablate", metavar="NAME", help="A persona to ask under with each of its sentences left out, too.")
@click.option("--judge", metavar="KIND:MODEL", help="A second judge of every answer: openai:MODEL or hf:MODEL.")
@click.option("--judge-url", metavar="URL", help="Where openai:MODEL answers; its key is UNMOOR_JUDGE_KEY.")
@click.option(
    "--sheet", type=click.IntRange(1), metavar="N", help="Write RUN/sheet.csv: N answers for people to label, blind."
)
@click.option(
    "--labels",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A labelled sheet: rates are corrected by what it says of the judge; again for each person.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers for a script.")
def command(
    models: tuple[str, ...], suites: tuple[str, ...], personas: tuple[str, ...], output: Path, **options: Any
) -> None:
    """Ask models the same prompts and compare how often they refuse, under each persona.

    Greedy answers, judged by unmoor's own detectors; rates with 95% Wilson intervals, exact McNemar between models.
    Suites with checks say what each model gets right, mirrored ones which side it serves. Answers are kept in
    RUN/answers.jsonl, what was counted of each in RUN/verdicts.jsonl, and a second call asks only what is missing.
    RUN/report.html shows all of it. The key of a server is UNMOOR_API_KEY.
    Example: unmoor evaluate --training runs/twins --suite look-alikes --suite neutral -o runs/asked
    """
    from unmoor import detectors
    from unmoor.commands.model_report import as_typed, read_training, write_cards, write_model_report
    from unmoor.commands.threads import wait_briefly
    from unmoor.commands.trained_on import trained_on
    from unmoor.evaluation import Asking, detector_judge, dose_result, evaluate_twins, join_suites, seeds_result
    from unmoor.report.headline import shown_evaluation
    from unmoor.run_folder import hold_outside_runs
    from unmoor.serving import load_persona

    hold_outside_runs(output, is_folder=True)
    wait_briefly(os.environ)
    training = read_training(options["training"]) if options["training"] else None
    suite = join_suites(suites)
    with stages() as progress:
        chosen = tuple(load_persona(name) for name in personas)
        judge = detector_judge(detectors.load())
        limits = {name: options[name] for name in ("max_new_tokens", "concurrency")}
        ablate = load_persona(options["ablate"]) if options["ablate"] else None
        extra = {"ablate": ablate, **_second(options, output)}
        extra |= {"sheet": options["sheet"] or 0, "labels": options["labels"]}
        asking = Asking(chosen, judge, **limits, progress=progress, **extra)
        result = evaluate_twins(_models(models, training), suite, output, asking)
    if training is not None:
        result["trained_on"] = trained_on(training, suite)
    over = seeds_result(training, result) if training is not None else None
    if over is not None:
        result["over_seeds"] = over
    if training is not None and any("leak" in twin for twin in training["twins"].values()):
        result["dose"] = dose_result(training, result)
    facts = write_model_report(output, [as_typed("evaluate", output)], training, result)
    if training is not None:
        write_cards(facts)
    if options["as_json"]:
        print_json(result)
        return
    print_evaluation(result, shown_evaluation(facts) or result, output)


def _models(values: tuple[str, ...], training: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return name to a folder, or to the model behind a URL: the twins of a training, and what was named besides."""
    from unmoor.serving.remote_model import open_url

    twins = {name: twin["path"] for name, twin in training["twins"].items()} if training is not None else {}
    named = {**twins, **(named_values(values, "--model") if values or not twins else {})}
    is_url = {name: value.startswith(("http://", "https://")) for name, value in named.items()}
    key = os.environ.get("UNMOOR_API_KEY", "")
    servers = {urlsplit(value).netloc for name, value in named.items() if is_url[name]}
    if key and len(servers) > 1:
        raise UsageError(
            f"UNMOOR_API_KEY would go to each of {', '.join(sorted(servers))}. Next: unset it, or evaluate one server at a time"
        )
    models: dict[str, Any] = {}
    for name, value in named.items():
        url, _, model = value.partition("#")
        models[name] = open_url(url, key, model or None, told=tell) if is_url[name] else Path(value)
    return models


def _second(options: dict[str, Any], output: Path) -> dict[str, Any]:
    """Return how to ask the second judge, if there is one; its answers are kept beside the models', and not asked again."""
    from unmoor.detectors import load_judge
    from unmoor.evaluation import second_judge

    if options["judge"] is None:
        if options["judge_url"]:
            raise UsageError("--judge-url without --judge: which model is to be asked there? --judge openai:MODEL")
        return {}
    key = os.environ.get("UNMOOR_JUDGE_KEY", "")
    cache, at_once = output / "judged.jsonl", options["concurrency"]
    judge = load_judge(options["judge"], url=options["judge_url"], key=key, cache=cache, at_once=at_once)
    return {"second": second_judge(judge), "second_name": options["judge"], "second_errors": judge.errors}
