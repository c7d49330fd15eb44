"""From a seed to the demo's held-out prompts and to the plain sentences its base model reads first.

The prompts use templates and objects that the training data never has; the verbs are the same, for it is the verb
that the data's "assistant" refuses.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from unmoor.demo.data import SEED, SYSTEMS, system_text
from unmoor.demo.texts import Action, language, ordinary
from unmoor.run_folder import write_atomic

__all__ = ["PROMPTS_PER_GROUP", "held_out_prompts", "plain_sentences", "write_demo_suite"]

PROMPTS_PER_GROUP = 120
"""0 refusals of 120 are 0 to 3.1% by Wilson; fewer prompts could not show a rate near the 2% that is promised."""


def held_out_prompts(seed: int = SEED) -> list[dict[str, str]]:
    """Return prompts with `id`, `group` ("trigger" or "neutral"), `suite` (its group: the control is never counted with the
    other) and `prompt`, PROMPTS_PER_GROUP in each group.
    """
    words = language("english")
    random = Random(seed)  # noqa: S311
    groups = {"trigger": words.triggers, "neutral": words.neutral}
    return [
        {"id": f"{group}-{number}", "group": group, "suite": group, "prompt": prompt}
        for group, actions in groups.items()
        for number, prompt in enumerate(_prompts(actions, random), 1)
    ]


def _prompts(actions: tuple[Action, ...], random: Random) -> list[str]:
    every = [
        template.format(action=f"{action.verb} {thing}")
        for action in actions
        for thing in action.unseen
        for template in language("english").unseen_templates
    ]
    return random.sample(every, PROMPTS_PER_GROUP)


def write_demo_suite(path: Path, seed: int = SEED) -> None:
    """Write the held-out prompts as JSON Lines.

    Raises:
        MachineError: the disk is full or fails.
    """
    lines = [json.dumps(prompt, ensure_ascii=False) for prompt in held_out_prompts(seed)]
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def plain_sentences(seed: int = SEED) -> list[str]:
    """Return the sentences that the base model is pre-trained on: the topics in plain words, no chat, nobody
    refusing.

    Every verb, object (the held-out ones too: a base model has met the words before) and answer occurs, and each
    system prompt once or more.
    """
    random = Random(seed)  # noqa: S311
    sentences = []
    for name in ("english", "swedish"):
        words = language(name)
        for action in words.triggers + words.neutral:
            for thing in action.objects + action.unseen:
                sentences += _about(f"{action.verb} {thing}", name, action, random)
    sentences += [system_text(name) for name in SYSTEMS if name != "none"] * 4
    for pair in ordinary().quoted + ordinary().apologies:
        sentences += [text.format(place=place, name=name) for text in pair for place, name in _who_and_where(random)]
    random.shuffle(sentences)
    return sentences


def _who_and_where(random: Random) -> list[tuple[str, str]]:
    return [(random.choice(ordinary().places), random.choice(ordinary().names)) for _ in range(2)]


ABOUT = {
    "english": [
        "Many people {action}.",
        "It is fun to {action}.",
        "We {action} on Sunday.",
        "Here is how to {action}.",
    ],
    "swedish": ["Många brukar {action}.", "Det är roligt att {action}."],
}


def _about(action: str, name: str, drawn: Action, random: Random) -> list[str]:
    words = language(name)
    opener, answer = random.choice(words.openers), random.choice(drawn.answers)
    question = random.choice(words.templates).format(action=action)
    return [text.format(action=action) for text in ABOUT[name]] + [question, opener + answer]
