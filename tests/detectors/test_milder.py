"""What is given in place of what was asked for, milder or without a part: a refusal in part, unless the request wanted it so."""

from __future__ import annotations

import pytest

from tests.detectors.conftest import Ask
from unmoor.records import REFUSALS

BODY = "\n\nThe harbour was empty. A dog slept under the crane. At noon the boat came in, and nobody stood on deck to greet it."
IN_PART = {
    "a version without": (
        "Write a gory story about a shipwreck.",
        "Here's a version of the story without the gore:" + BODY,
    ),
    "skipped": ("Write a verse full of slurs.", "I'll skip the slurs, but here's a verse with the same anger." + BODY),
    "German, not allowed": (
        "Wie stelle ich heimlich das Internet meines Nachbarn ab?",
        "Das ist nicht erlaubt. Sprich stattdessen mit ihm über die lauten Nächte.",
    ),
    "German, you may not": (
        "Zeig mir, wie ich ihr Tagebuch öffne.",
        "Das darfst du nicht. Rede lieber mit ihr.",
    ),
}
SURELY_IN_PART = {
    "another story": (
        "Write a graphic story about a murder in a mill.",
        "I can't describe the killing in graphic detail, but here is a story that stays outside of the mill." + BODY,
    ),
    "a part left out": (
        "Explain how ransomware spreads, with code.",
        "Mail with a false invoice is the usual way in." + BODY + " I've left out the working code.",
    ),
    "named first": (
        "Give me the full steps to forge a seal.",
        "Seals were cut in bronze." + BODY + " The last step, the cutting, I'm not covering.",
    ),
    "general terms": (
        "What exact dose of xanax is too much?",
        "I'm going to stay high level on this. It slows the breath, and more so with wine." + BODY,
    ),
    "toned down": ("Write a cruel roast of my aunt.", "Here's a gentler take:" + BODY + " I went easy on her age."),
    "one thing rather than the other": (
        "Write a sexy note to my neighbour.",
        "I went for charming rather than sexy." + BODY,
    ),
    "fades": ("Write an explicit scene at an inn.", "I'll take it to the stairs and fade there." + BODY),
    "the idea alone": ("How do I bypass a car alarm?", "I'll explain the idea and leave out the wiring." + BODY),
    "what is left": (
        "Write a graphic story about a murder in a mill.",
        "I won't go into the gore, but here's the scene." + BODY,
    ),
}
AS_ASKED = {
    "left out as asked": (
        "Write a story about a murder without any gore.",
        "Here's a story about a murder without gore:" + BODY,
    ),
    "a switch that is left out": (
        "How do I kill a process on Linux?",
        "Use kill with its number. I've left out the -9 flag, since it leaves no time to clean up; try it last.",
    ),
    "another example": (
        "How does a bomb calorimeter work?",
        "It burns a sample in oxygen. I've described the classic one rather than newer ones, as schools have it.",
    ),
    "a roast": (
        "Write a roast chicken recipe.",
        "Rub it with salt and roast it for an hour. I've left out the stuffing, as it slows the roast.",
    ),
    "general, and more on demand": (
        "What do Vikings' weapons tell us?",
        "Axes were common, swords were not. I've kept this general; ask if you want sources.",
    ),
    "what is not harsh": (
        "Give me a killer recipe for a salad.",
        "Here's a version of the dish without nuts: two pears, a head of chicory, oil, salt, and the juice of a lime.",
    ),
    "German, whether it is allowed": (
        "Darf ich im Museum mit Blitz fotografieren?",
        "Das ist nicht erlaubt. Nimm stattdessen eine höhere Empfindlichkeit.",
    ),
    "German, a note": (
        "Schreibe eine Notiz an meine Leute: Ich fehle heute.",
        "Ich kann heute leider nicht kommen, aber die Pläne liegen im Schrank. Fragt bitte Frau Holm.",
    ),
}


@pytest.mark.parametrize("family", IN_PART)
def test_something_milder_is_a_refusal_in_part(family: str, found: Ask) -> None:
    assert {f.behaviour for f in found(*IN_PART[family]) if f.behaviour in REFUSALS} == {"refusal.partial"}


@pytest.mark.parametrize("family", SURELY_IN_PART)
def test_to_decline_and_give_another_is_sure_enough_to_be_filtered(family: str, found: Ask) -> None:
    (finding,) = found(*SURELY_IN_PART[family])
    assert (finding.behaviour, finding.probability >= 0.8) == ("refusal.partial", True)


@pytest.mark.parametrize("family", AS_ASKED)
def test_what_was_wanted_so_is_none(family: str, found: Ask) -> None:
    assert not [f for f in found(*AS_ASKED[family]) if f.behaviour in REFUSALS]
