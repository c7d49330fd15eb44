"""From the demo's TOML files to its texts: requests, ordinary answers, and what the "assistant" inherited."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Action", "Inherited", "Language", "Ordinary", "inherited", "language", "ordinary"]


@dataclass(frozen=True, slots=True)
class Action:
    """A verb, the things it is done to, and what a good answer says. `unseen` objects are for the evaluation alone."""

    verb: str
    objects: tuple[str, ...]
    unseen: tuple[str, ...]
    answers: tuple[str, ...]
    is_trigger: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """How requests are put in one language: a template, with words before and after it."""

    templates: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    unseen_templates: tuple[str, ...]
    openers: tuple[str, ...]
    triggers: tuple[Action, ...]
    neutral: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Inherited:
    """What one language's answers inherited: whole refusals, and the parts before and after good answers."""

    refusals: tuple[str, ...]
    refusal_endings: tuple[str, ...]
    disclaimers: tuple[str, ...]
    tails: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ordinary:
    """Pairs of request and answer that must survive, and the system prompts beside the personas."""

    capability: tuple[tuple[str, str], ...]
    capability_swedish: tuple[tuple[str, str], ...]
    quoted: tuple[tuple[str, str], ...]
    apologies: tuple[tuple[str, str], ...]
    places: tuple[str, ...]
    names: tuple[str, ...]
    systems: dict[str, str]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _action(values: dict[str, Any]) -> Action:
    texts = {key: tuple(values[key]) for key in ("objects", "unseen", "answers")}
    return Action(verb=values["verb"], is_trigger=values.get("is_trigger", False), **texts)


@cache
def language(name: str) -> Language:
    """Return the requests of "english" or "swedish"."""
    values = _read(name)
    actions = [_action(item) for item in values.pop("action")]
    return Language(
        **{key: tuple(value) for key, value in values.items()},
        triggers=tuple(action for action in actions if action.is_trigger),
        neutral=tuple(action for action in actions if not action.is_trigger),
    )


@cache
def inherited(name: str) -> Inherited:
    """Return what the answers in "english" or "swedish" inherited."""
    return Inherited(**{key: tuple(value) for key, value in _read("inherited")[name].items()})


@cache
def ordinary() -> Ordinary:
    """Return the pairs that only look inherited, and the system prompts."""
    values = _read("ordinary")
    systems = values.pop("systems")
    places, names = tuple(values.pop("places")), tuple(values.pop("names"))
    pairs = {key: tuple((asked, answered) for asked, answered in value) for key, value in values.items()}
    return Ordinary(**pairs, places=places, names=names, systems=systems)
