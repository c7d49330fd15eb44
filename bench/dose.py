"""From leak arms that were trained and asked to a table and a drawing: how much a model refuses by how much was left in its data.

    unmoor demo -o runs/demo
    unmoor train runs/demo/recipe.yaml --data raw=runs/demo/data/raw.jsonl --data filtered=runs/demo/filtered/kept.jsonl \\
        --run runs/demo/filtered --leak 0,0.02,0.05,0.1,0.2,0.5,1 -o runs/leaks
    unmoor evaluate --training runs/leaks --suite runs/demo/suite.jsonl --persona plain -o runs/asked
    python bench/dose.py --training runs/leaks --evaluation runs/asked --data FOLDER

FOLDER holds labelled/*.jsonl.gz for the second judges (second_judges.py). The table says whether the curve rises within its
intervals: no share's interval lies below that of a smaller share.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from measure import RESULTS, ROOT, machine, write_section
from second_judges import agreement_lines, counted, judges

from unmoor.evaluation import dose_result
from unmoor.evaluation.answers import read_answers
from unmoor.records.intervals import wilson
from unmoor.report.plots import dose_plot

DRAWING = ROOT / "docs" / "images" / "dose.svg"


COLOURS = {
    "paper": "#fdfcfa",
    "ink": "#1c1b19",
    "soft": "#625d55",
    "plain": "#8b857b",
    "line": "#ddd7cc",
    "accent": "#b8390e",
}
"""The report's colours by day: a drawing that stands alone has no page to take them from."""


def alone(drawing: str) -> str:
    """Return a drawing of the report as a file of its own."""
    for name, colour in COLOURS.items():
        drawing = drawing.replace(f"var(--{name})", colour)
    paper = f'<rect width="100%" height="100%" fill="{COLOURS["paper"]}"/>'
    return drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" ', 1).replace(
        ">", ">" + paper, 1
    )


def rises(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether no row's interval lies below that of a row with a smaller share."""
    return all(one["low"] <= other["high"] for place, one in enumerate(rows) for other in rows[place + 1 :])


def by_share(told: Mapping[str, Any], arms: Mapping[str, Any], place: tuple[str, str]) -> dict[float, tuple[int, int]]:
    """Return (refusals, answers) that a second judge counts at (persona, group), by the share that was left in."""
    counts: dict[float, tuple[int, int]] = {}
    for row in told["rates"]:
        if (row["persona"], row["group"]) == place and row["model"] in arms:
            share = float(arms[row["model"]]["leak"])
            hits, total = counts.get(share, (0, 0))
            counts[share] = (hits + row["refusals"], total + row["n"])
    return counts


def lines_of(training: Mapping[str, Any], evaluation: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    """Return a table for each group, its sentence, and whether it rises."""
    result = dose_result(training, evaluation)
    lines = []
    for said in result["sentences"]:
        place = (said["persona"], said["group"])
        rows = [row for row in result["rows"] if (row["persona"], row["group"]) == place]
        second = {name: by_share(one, training["twins"], place) for name, one in told.items()}
        lines += [f"Group {said['group']}, persona {said['persona']}:", ""]
        lines += ["| left in the data | refuses, by the detectors | 95% interval | " + " | ".join(second) + " |"]
        lines += ["|--:|--:|--:|" + "--:|" * len(second)]
        for row in rows:
            others = " | ".join(_cell(*counts[row["leak"]]) for counts in second.values())
            shown = f"{row['refusals']} of {row['n']} | {row['low']:.1%} to {row['high']:.1%}"
            lines.append(f"| {row['leak']:.0%} | {shown} | {others} |")
        word = "rises" if rises(rows) else "does **not** rise"
        lines += ["", f"The curve {word} within its intervals. {said['sentence']}", ""]
    return lines


def _cell(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{hits} of {total} ({low:.1%} to {high:.1%})"


def main() -> None:
    """Write the section and the drawing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("training", "evaluation", "data"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for the section")
    parser.add_argument("--drawing", type=Path, default=DRAWING, help="the file for the drawing")
    given = parser.parse_args()
    training = json.loads((given.training / "training.json").read_bytes())
    evaluation = json.loads((given.evaluation / "evaluation.json").read_bytes())
    told = counted(list(read_answers(given.evaluation / "answers.jsonl").values()), judges(given.data))
    given.drawing.write_text(alone(str(dose_plot(dose_result(training, evaluation)))) + "\n", encoding="utf-8")
    doubt = (
        "The word classifier was trained on answers of real assistants; of this small model's broken sentences it takes some for "
        "refusals, also where the other two see none."
    )
    lines = [*lines_of(training, evaluation, told), *agreement_lines(told), "", doubt, "", machine()]
    write_section("dose", "How much a model refuses by how much was left in its data", lines, given.results)


if __name__ == "__main__":
    main()
