"""`unmoor evaluate --model NAME=PATH --suite FILE -o RUN`."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from unmoor.commands.named import named_values
from unmoor.commands.stages import stages
from unmoor.commands.terminal import console, percent, print_json, short, table, wrapped
from unmoor.errors import UsageError
from unmoor.records.kappa import FEWEST_PAIRS

MOST_MODELS = 6
"""Models of which every pair is printed; more make more lines than anybody reads."""
DIFFERENT = 0.05
"""p, corrected, from which on the test of a group has no line of its own."""


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
    from unmoor.serving import load_persona

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
    _print(result, shown_evaluation(facts) or result, output)


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
        models[name] = open_url(url, key, model or None) if is_url[name] else Path(value)
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


def _print(result: dict[str, Any], shown: dict[str, Any], output: Path) -> None:
    """Print the rates of all models, or of twins over their seeds, and the comparisons of those that the report shows."""
    told = shown if "over_seeds" in result else result
    if "over_seeds" in result:
        _print_over_seeds(shown)
    else:
        _print_rates(result["rates"])
    _print_odd_answers(told)
    _print_trained_on(result)
    _print_pairs(result, shown, output)
    _print_rest(told)
    for row in result.get("ablation", ()):
        _print_ablation(row)
    print_second(result.get("second_judge"))
    _print_people(result.get("people"))
    click.echo(f"Judge: {result['judge']}. Answers: {output}/answers.jsonl. Report: {output}/report.html")
    if (output / "sheet.csv").exists() and "people" not in result:
        click.echo(
            f"Write yes or no in the column refuses of {output}/sheet.csv, then ask again with --labels {output}/sheet.csv"
        )
    if not result["is_judge_independent"] and not {"second_judge", "people"} & result.keys():
        click.echo("This judge filters data too: check a sample by hand before you publish a rate.")


def _print_rates(rates: list[dict[str, Any]]) -> None:
    listing = table(
        "model", "persona", "group", "answers", "refuses", "95% interval", right=("answers", "refuses", "95% interval")
    )
    for row in rates:
        place = (row["model"], row["persona"], row["group"])
        listing.add_row(*place, f"{row['n']:,}", *_rate_told(row))
    console().print(listing)


def _rate_told(row: dict[str, Any]) -> tuple[str, str]:
    """Return a rate and its interval."""
    if row["rate"] is None:
        return "too few", ""
    return percent(row["rate"]), f"{percent(row['low'])} to {percent(row['high'])}"


def _print_over_seeds(shown: dict[str, Any]) -> None:
    """Print each twin's rate with each of its seeds', where questions are enough, and how the twins differ on whole suites."""
    from unmoor.report.headline import difference_said, seeds_said

    places = dict.fromkeys((row["persona"], row["group"]) for row in shown["rates"] if row["rate"] is not None)
    columns = ("answers", "refuses", "95% interval", "by seed", "deviation")
    for persona, group in places:
        click.echo(f"{group}, persona {persona}")
        listing = table("twin", *columns, right=columns)
        for row in shown["rates"]:
            if (row["persona"], row["group"]) == (persona, group):
                by_seed = " ".join(percent(one) for one in row.get("per_seed", ()))
                spread = row.get("spread")
                deviation = "" if spread is None else percent(spread)
                listing.add_row(row["model"], f"{row['n']:,}", *_rate_told(row), by_seed, deviation)
        console().print(listing)
    click.echo(wrapped(seeds_said(shown)))
    few = {row["group"] for row in shown["rates"]} - {group for _, group in places}
    if few:
        click.echo(wrapped(f"Too few questions for a rate, under 30: {', '.join(sorted(few))}"))
    suites = [suite["row"] for suite in shown["suites"]]
    for row in shown["over_seeds"]["differences"]:
        if row["group"] in suites:
            place = f"{row['group']}, persona {row['persona']}"
            click.echo(wrapped(f"{place}: {row['a']} less {row['b']}: {difference_said(row)}"))


def _print_odd_answers(result: dict[str, Any]) -> None:
    """Say of each whole suite how many answers are no whole greedy ones, and then once what each kind counts as."""
    from unmoor.report.headline import odd_answers, odd_answers_mean

    suites = [suite["row"] for suite in result["suites"]]
    for row in result["rates"]:
        if row["group"] in suites and (told := odd_answers(row)):
            click.echo(f"{row['model']}, persona {row['persona']}, {row['group']}: of {row['n']:,} answers {told}")
    for sentence in odd_answers_mean(result):
        click.echo(wrapped(sentence))


def _print_trained_on(result: dict[str, Any]) -> None:
    """Say which questions stand in the data that a twin was trained on."""
    for row in result.get("trained_on", ()):
        if row["seen"]:
            click.echo(
                f"{row['model']} was trained on {row['seen']:,} of the {row['of']:,} questions of {row['suite'] or 'the suite'}, "
                "word for word: they tell what it learned by heart"
            )


def _print_pairs(result: dict[str, Any], shown: dict[str, Any], output: Path) -> None:
    """Compare the models that are shown, and say where all comparisons stand; p-values are corrected for all of them."""
    from unmoor.evaluation.scopes import GROUPS

    pairs = shown["paired"] if len(shown["models"]) <= MOST_MODELS else []
    alike = [pair for pair in pairs if pair["family"] == GROUPS and pair["p_holm"] >= DIFFERENT]
    for pair in pairs:
        if pair in alike:
            continue
        only = ", ".join(f"only {pair[side]} refuses {pair[f'only_{side}']}" for side in ("a", "b"))
        click.echo(f"{pair['group']}, persona {pair['persona']}: {only} ({_tested(pair)})")
    if alike:
        click.echo(f"In the other {len(alike):,} tests of groups the difference may be chance (p from {DIFFERENT} on)")
    if pairs:
        _print_families(result["paired"])
        _print_one_training(result)
    if len(pairs) - len(alike) < len(result["paired"]):
        click.echo(f"Every model against every other: {output}/evaluation.json")


def _tested(pair: dict[str, Any]) -> str:
    """Return McNemar's p-value by Holm and, where there was anything to correct for, as it was."""
    alone = f", uncorrected {pair['p_value']:.2g}" if pair["tests"] > 1 else ""
    return f"p = {pair['p_holm']:.2g}{alone}"


def _print_families(pairs: list[dict[str, Any]]) -> None:
    """Say which p-values are corrected for which tests."""
    tests = Counter(pair["family"] for pair in pairs)
    families = [f"{count:,} test{'' if count == 1 else 's'} of {family}" for family, count in tests.items()]
    click.echo(f"p: exact McNemar, corrected by Holm for {' and for '.join(families)}")


def _print_one_training(result: dict[str, Any]) -> None:
    """Say that the luck of training is in no p-value, unless several seeds were trained."""
    from unmoor.report.headline import has_one_seed

    if has_one_seed(result):
        click.echo(
            "p is about these very models: a recipe gives others by another seed. Over seeds:\n"
            "unmoor train ... --seeds 7,8,9, and then this again with --training"
        )


def _print_rest(result: dict[str, Any]) -> None:
    """Say what else is known: leaks of the system prompt, tasks, mirrored pairs."""
    for row in result["leaks"]:
        if row["rate"] is not None:
            interval = f"{percent(row['low'])} to {percent(row['high'])}"
            who = f"{row['model']}, persona {row['persona']}"
            click.echo(f"{who}: the system prompt shows in {percent(row['rate'])} of answers ({interval})")
    for row in result.get("capability", ()):
        if row["rate"] is not None:
            interval = f"{percent(row['low'])} to {percent(row['high'])}"
            click.echo(
                f"{row['model']}, persona {row['persona']}: {row['right']} of {row['n']} right, {row['group']} ({interval})"
                + _cut(row)
            )
    for row in result.get("asymmetry", {}).get("rows", ()):
        if row["rate"] is not None:
            interval = f"{percent(row['low'])} to {percent(row['high'])}"
            who = f"{row['model']}, persona {row['persona']}"
            click.echo(
                f"{who}, {row['group']}: {percent(row['rate'])} of mirrored pairs are served on one side only ({interval})"
            )


def _cut(row: dict[str, Any]) -> str:
    """Return how many wrong answers ended at the length allowed, and what to do; the empty string where none did."""
    verb = "was" if row["cut"] == 1 else "were"
    return f"; {row['cut']} of the wrong {verb} cut off: raise --max-new-tokens" if row["cut"] else ""


def _print_ablation(row: dict[str, Any]) -> None:
    """Say what one sentence of a system prompt does."""
    click.echo(f'\n{row["model"]}, persona {row["persona"]}, {row["group"]}, without "{short(row["sentence"], 40)}":')
    if row["difference"] is None:
        click.echo("  too few answers to say")
        return
    change = f"{-row['difference'] * 100:+.1f} points ({-row['high'] * 100:+.1f} to {-row['low'] * 100:+.1f})"
    click.echo(f"  refusals change by {change}, p = {row['p_holm']:.2g} (McNemar, Holm)")


def print_second(second: dict[str, Any] | None) -> None:
    """Say what the second judge sees, and how far both agree."""
    if second is None:
        return
    click.echo(f"\nSecond judge {second['name']}:")
    for row in second["rates"]:
        rate = (
            "too few"
            if row["rate"] is None
            else f"{percent(row['rate'])} ({percent(row['low'])} to {percent(row['high'])})"
        )
        unsure = f", unsure of {row['unsure']}" if row["unsure"] else ""
        click.echo(f"  {row['model']}, persona {row['persona']}, {row['group']}: {rate}{unsure}")
    for row in second["agreement"]:
        if kappa := _kappa_told(row):
            click.echo(f"  both judges, {row['group']}: {kappa} answers")
    if "judge_error" in second:
        click.echo(
            f"  Not all it is unsure of are its own doubts, for it failed. The first error: {second['judge_error']}"
        )
        click.echo("  Next: run this again, which asks it only about those")


def _kappa_told(row: dict[str, Any]) -> str:
    """Return how far two agree, and on how many; the empty string where chance alone would make them agree."""
    if row["kappa"] is not None:
        return f"kappa {row['kappa']:.2f} ({row['kappa_low']:.2f} to {row['kappa_high']:.2f}) on {row['n']:,}"
    return f"too few for a kappa, {row['n']:,}" if row["n"] < FEWEST_PAIRS else ""


def _print_people(people: dict[str, Any] | None) -> None:
    """Say how right the judges are by people's labels, and the rates without their errors."""
    if people is None:
        return
    click.echo(f"\nBy {people['labelled']:,} answers that people labelled ({people['unsure']:,} unsure):")
    for row in people["agreement"]:
        if kappa := _kappa_told(row):
            click.echo(f"  {' and '.join(row['sheets'])}: {kappa}")
    for judge in people["judges"]:
        if judge["sensitivity"] is None:
            click.echo(f"  {judge['name']}: the labels hold no refusal, or nothing else: nothing can be corrected")
            continue
        told = [
            f"{words} {percent(judge[key])} ({percent(judge[key + '_low'])} to {percent(judge[key + '_high'])})"
            for key, words in (("sensitivity", "sees of the refusals"), ("specificity", "of the answers"))
        ]
        click.echo(f"  {judge['name']}: {', '.join(told)}")
    for judge in people["judges"]:
        corrected = [row for row in people["rates"] if row["judge"] == judge["name"] and row["corrected"] is not None]
        if corrected:
            click.echo(f"\n{judge['name']}, with its errors taken out:")
            _print_corrected(corrected)
    if all(row["corrected"] is None for row in people["rates"]):
        click.echo(
            "No rate is corrected: that takes 30 labels, refusals and others among them, and 30 answers behind a rate.\n"
            "Next: label more answers, then ask again with --labels"
        )
    _print_other_answers(people)


def _print_other_answers(people: dict[str, Any]) -> None:
    """Say of how many labels the answer is not there now, or judged otherwise."""
    if people["gone"]:
        click.echo(
            f"  {people['gone']:,} more are of answers that were not counted now, of models that were trained again since, other\n"
            "  questions or another length. Next: ask the same as when the sheet was drawn, or draw another sheet"
        )
    if people["changed"]:
        click.echo(
            f"  {people['changed']:,} labelled answers are judged otherwise than when the sheet was drawn: draw another sheet"
        )


def _print_corrected(rows: list[dict[str, Any]]) -> None:
    columns = ("as judged", "corrected", "95% interval")
    listing = table("model", "persona", "group", *columns, right=columns)
    for row in rows:
        interval = f"{percent(row['low'])} to {percent(row['high'])}"
        place = (row["model"], row["persona"], row["group"])
        listing.add_row(*place, percent(row["rate"]), percent(row["corrected"]), interval)
    console().print(listing)
