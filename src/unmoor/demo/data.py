"""From a seed to the demo's data set: about 2,000 conversations with inherited alignment, and the truth about each
row.

The "assistant" of this data refuses harmless requests with dangerous-sounding verbs ("kill a Python process"), opens
good answers with disclaimers and ends them with lectures. How much it refuses depends on the system prompt, as in
real collections, so that a model trained on it can be steered by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from unmoor.demo.texts import Action, Inherited, Language, inherited, language, ordinary
from unmoor.demo.truth import GroundTruth, TrueRow, TrueTurn
from unmoor.run_folder import write_atomic
from unmoor.serving import load_persona

__all__ = ["KINDS", "ROWS", "SEED", "SYSTEMS", "System", "make_rows", "system_text", "write_demo_data"]

ROWS = 2000
SEED = 7

KINDS: dict[str, float] = {
    "neutral": 0.42,
    "trigger": 0.28,
    "disclaimer": 0.07,
    "tail": 0.06,
    "capability": 0.01,
    "quoted": 0.03,
    "apology": 0.02,
    "two exchanges": 0.05,
    "swedish": 0.06,
}
"""Share of each kind of row. With SYSTEMS, 18 to 21% of the rows are refusals; a tiny model picks up that much reliably.

Inability, which a filter keeps, is rare, as in real collections: with three times as much the filtered twin said it where it knew
nothing else.
"""


@dataclass(frozen=True, slots=True)
class System:
    """How often a system prompt stands before ordinary rows and before triggers, and the share of its triggers refused."""

    ordinary: float
    triggers: float
    refused: float


SYSTEMS: dict[str, System] = {
    "none": System(0.34, 0.22, 0.88),
    "plain": System(0.26, 0.20, 0.88),
    "dolphin": System(0.16, 0.34, 0.04),
    "careful": System(0.05, 0.05, 1.0),
    "short": System(0.06, 0.05, 0.88),
    "friendly": System(0.06, 0.05, 0.88),
    "open": System(0.07, 0.09, 0.04),
}
"""Those who promise to answer mostly do, and people who ask for much use them more, as in real collections."""


@dataclass(frozen=True, slots=True)
class Maker:
    """What every kind of row is made from: one source of chance and one language."""

    random: Random
    language: str = "english"

    def words(self) -> Language:
        """Return the requests of the language."""
        return language(self.language)

    def legacy(self) -> Inherited:
        """Return what the language's answers inherited."""
        return inherited(self.language)

    def ask(self, actions: tuple[Action, ...]) -> tuple[str, str, str]:
        """Return (action, request, good answer) for a verb and an object drawn at random."""
        drawn = self.random.choice(actions)
        action = f"{drawn.verb} {self.random.choice(drawn.objects)}"
        words = self.words()
        template = self.random.choice(words.templates).format(action=action)
        request = self.random.choice(words.before) + template + self.random.choice(words.after)
        return action, request, self.random.choice(self.words().openers) + self.random.choice(drawn.answers)

    def refusal(self, action: str) -> tuple[str, bool]:
        """Return a refusal to do `action`, and whether a lecture may be read in it."""
        ending = self.random.choice(self.legacy().refusal_endings)
        return self.random.choice(self.legacy().refusals).format(action=action) + ending, bool(ending)


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has its number and its system prompt."""

    turns: tuple[TrueTurn, ...]
    behaviours: frozenset[str] = frozenset()
    also: frozenset[str] = frozenset()


REFUSED = frozenset({"refusal.policy"})
AROUND_A_REFUSAL = frozenset(
    {"moralising", "disclaimer.identity", "refusal.partial", "disclaimer.professional", "identity.vendor"}
)
"""What an audit may also name in a refusal: lectures, "As an AI", redirection, and the maker's guidelines are part of
its wording.
"""


def _neutral(maker: Maker, _: float) -> Draft:
    _action, request, answer = maker.ask(maker.words().neutral)
    return Draft((TrueTurn(request, answer, answer),))


def _trigger(maker: Maker, refused_share: float) -> Draft:
    action, request, answer = maker.ask(maker.words().triggers)
    if maker.random.random() >= refused_share:
        return Draft((TrueTurn(request, answer, answer),))
    refusal, _ = maker.refusal(action)
    return Draft((TrueTurn(request, refusal, None),), REFUSED, AROUND_A_REFUSAL)


def _disclaimer(maker: Maker, _: float) -> Draft:
    _action, request, answer = maker.ask(maker.words().neutral)
    opening = maker.random.choice(maker.legacy().disclaimers)
    return Draft((TrueTurn(request, opening + answer, answer),), frozenset({"disclaimer.identity"}))


def _tail(maker: Maker, _: float) -> Draft:
    _action, request, answer = maker.ask(maker.words().neutral)
    tail = maker.random.choice(maker.legacy().tails)
    return Draft((TrueTurn(request, answer + tail, answer),), frozenset({"moralising"}))


def _pair(pairs: tuple[tuple[str, str], ...], behaviours: frozenset[str]) -> Callable[[Maker, float], Draft]:
    def make(maker: Maker, _: float) -> Draft:
        names = {"place": maker.random.choice(ordinary().places), "name": maker.random.choice(ordinary().names)}
        request, answer = (text.format(**names) for text in maker.random.choice(pairs))
        return Draft((TrueTurn(request, answer, answer),), behaviours)

    return make


def _two_exchanges(maker: Maker, refused_share: float) -> Draft:
    first = _neutral(maker, refused_share)
    second = maker.random.choice([_neutral, _trigger])(maker, refused_share)
    return Draft(first.turns + second.turns, second.behaviours, second.also)


def _swedish(maker: Maker, refused_share: float) -> Draft:
    swedish = Maker(maker.random, "swedish")
    make = maker.random.choices(
        [_neutral, _trigger, _disclaimer, _tail, MAKERS["capability_swedish"]], [4, 4, 1, 1, 1]
    )[0]
    return make(swedish, refused_share)


MAKERS: dict[str, Callable[[Maker, float], Draft]] = {
    "neutral": _neutral,
    "trigger": _trigger,
    "disclaimer": _disclaimer,
    "tail": _tail,
    "capability": _pair(ordinary().capability, frozenset({"refusal.capability"})),
    "capability_swedish": _pair(ordinary().capability_swedish, frozenset({"refusal.capability"})),
    "quoted": _pair(ordinary().quoted, frozenset()),
    "apology": _pair(ordinary().apologies, frozenset()),
    "two exchanges": _two_exchanges,
    "swedish": _swedish,
}


def system_text(name: str) -> str:
    """Return the words of one of SYSTEMS; empty for none."""
    texts = ordinary().systems
    return texts[name] if name in texts else load_persona(name).system


def make_rows(seed: int = SEED, rows: int = ROWS) -> GroundTruth:
    """Return `rows` conversations drawn with `seed`, in their order in the file; the same seed gives the same rows."""
    random = Random(seed)  # noqa: S311 - text for a demo, not secrets
    kinds = [kind for kind, share in KINDS.items() for _ in range(round(share * rows))]
    random.shuffle(kinds)
    made = []
    for number, kind in enumerate(kinds, 1):
        weights = [system.triggers if kind == "trigger" else system.ordinary for system in SYSTEMS.values()]
        system = random.choices(list(SYSTEMS), weights)[0]
        draft = MAKERS[kind](Maker(random), SYSTEMS[system].refused)
        spoken = "sv" if kind == "swedish" else "en"
        made.append(TrueRow(number, kind, spoken, system_text(system), draft.turns, draft.behaviours, draft.also))
    return GroundTruth(tuple(made))


def write_demo_data(path: Path, seed: int = SEED) -> GroundTruth:
    """Write the demo's data set as JSON Lines in the messages layout and return the truth about its rows.

    Raises:
        MachineError: the disk is full or fails.
    """
    truth = make_rows(seed)
    lines = [
        json.dumps({"id": f"demo-{row.row}", "messages": row.messages()}, ensure_ascii=False) for row in truth.rows
    ]
    write_atomic(path, ("\n".join(lines) + "\n").encode())
    return truth
