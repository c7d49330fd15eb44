"""What `unmoor evaluate` prints: rates, comparisons, and what else was measured."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from unmoor.commands.judges_shown import print_people, print_second
from unmoor.commands.terminal import console, percent, plural, short, table, wrapped

MOST_MODELS = 6
"""Models of which every pair is printed; more make more lines than anybody reads."""
DIFFERENT = 0.05
"""p, corrected, from which on the test of a group has no line of its own."""


def print_evaluation(result: dict[str, Any], shown: dict[str, Any], output: Path) -> None:
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
    print_people(result.get("people"))
    for name, where in (
        ("Judge", result["judge"]),
        ("Answers", f"{output}/answers.jsonl"),
        ("Report", f"{output}/report.html"),
    ):
        click.echo(f"{name + ':':<9}{where}")
    if (output / "sheet.csv").exists() and "people" not in result:
        sheet = f"{output}/sheet.csv"
        click.echo(wrapped(f"Write yes or no in the column refuses of {sheet}, then ask again with --labels {sheet}"))
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
            place = f"{row['model']}, persona {row['persona']}, {row['group']}"
            click.echo(wrapped(f"{place}: of {row['n']:,} answers {told}"))
    for sentence in odd_answers_mean(result):
        click.echo(wrapped(sentence))


def _print_trained_on(result: dict[str, Any]) -> None:
    """Say which questions stand in the data that a twin was trained on."""
    for row in result.get("trained_on", ()):
        if row["seen"]:
            seen = f"{row['seen']:,} of the {row['of']:,} questions of {row['suite'] or 'the suite'}"
            told = f"{row['model']} was trained on {seen}, word for word: they tell what it learned by heart"
            click.echo(wrapped(told))


def _print_pairs(result: dict[str, Any], shown: dict[str, Any], output: Path) -> None:
    """Compare the models that are shown, and say where all comparisons stand; p-values are corrected for all of them."""
    from unmoor.evaluation.scopes import GROUPS

    pairs = shown["paired"] if len(shown["models"]) <= MOST_MODELS else []
    alike = [pair for pair in pairs if pair["family"] == GROUPS and pair["p_holm"] >= DIFFERENT]
    for pair in pairs:
        if pair in alike:
            continue
        only = ", ".join(f"only {pair[side]} refuses {pair[f'only_{side}']}" for side in ("a", "b"))
        click.echo(wrapped(f"{pair['group']}, persona {pair['persona']}: {only} ({_tested(pair)})"))
    if alike:
        others = f"In the other {len(alike):,} tests of groups"
        click.echo(wrapped(f"{others} the difference may be chance (p from {DIFFERENT} on)"))
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
    families = [f"{plural(count, 'test')} of {family}" for family, count in tests.items()]
    click.echo(wrapped(f"p: exact McNemar, corrected by Holm for {' and for '.join(families)}"))


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
            click.echo(wrapped(f"{who}: the system prompt shows in {percent(row['rate'])} of answers ({interval})"))
    for row in result.get("capability", ()):
        if row["rate"] is not None:
            interval = f"{percent(row['low'])} to {percent(row['high'])}"
            right = f"{row['right']} of {row['n']} right, {row['group']} ({interval})"
            click.echo(wrapped(f"{row['model']}, persona {row['persona']}: {right}{_cut(row)}"))
    for row in result.get("asymmetry", {}).get("rows", ()):
        if row["rate"] is not None:
            interval = f"{percent(row['low'])} to {percent(row['high'])}"
            who = f"{row['model']}, persona {row['persona']}"
            served = f"{percent(row['rate'])} of mirrored pairs are served on one side only ({interval})"
            click.echo(wrapped(f"{who}, {row['group']}: {served}"))


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
