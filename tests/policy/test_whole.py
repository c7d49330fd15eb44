"""What is left of an answer where a mend's words stand in brackets, in bold, in a list: no half of anything."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from unmoor.policy.mend import cut_spans, merged
from unmoor.policy.whole import whole_spans

Cuts = tuple[str, ...]


def left_of(text: str, *cuts: str) -> str:
    """Return what a mend leaves of `text` where `cuts` are to go."""
    spans = [(text.index(cut), text.index(cut) + len(cut)) for cut in cuts]
    return cut_spans(text, whole_spans(text, merged(spans, len(text))))


@pytest.mark.parametrize(
    ("text", "cuts", "left"),
    [
        (  # a note of two sentences in brackets, of which one goes
            "Kündige schriftlich.\n\n*(Hinweis: Ich bin eine KI. Die Frist ist drei Monate.)*\n\nHeb die Quittung auf.",
            ("*(Hinweis: Ich bin eine KI. ",),
            "Kündige schriftlich.\n\n*(Die Frist ist drei Monate.)*\n\nHeb die Quittung auf.",
        ),
        (  # both go: so do the brackets
            "Ice the knee. (I'm an AI. Ask a doctor.) Then rest.",
            ("(I'm an AI.", "Ask a doctor.)"),
            "Ice the knee. Then rest.",
        ),
        ("Ice the knee (I'm an AI, no doctor). Rest.", ("I'm an AI, no doctor",), "Ice the knee. Rest."),
        ("예가체프(저는 AI입니다)는 꽃향기로 유명합니다.", ("저는 AI입니다",), "예가체프는 꽃향기로 유명합니다."),
        ("先热敷（我是AI。每天两次）。", ("（我是AI。",), "先热敷（每天两次）。"),
        ("**I'm an AI. Here are tips:** rest.", ("**I'm an AI. ",), "**Here are tips:** rest."),
        ("**Rest first. I'm an AI.** Then walk.", ("I'm an AI.**",), "**Rest first.** Then walk."),
        ("Rest.\n\n**Je suis une IA.**", ("Je suis une IA.",), "Rest."),
        ("_I'm an AI._ Rest.", ("I'm an AI.",), "Rest."),
        ('She wrote: "As an AI, I err. Rest." Then left.', ("As an AI, I err. ",), 'She wrote: "Rest." Then left.'),
        # lists and headings
        ("1. I'm an AI, but rinse the rice.\n2. Cook it.", ("1. I'm an AI, but ",), "1. Rinse the rice.\n2. Cook it."),
        ("- I'm an AI, but rinse it.\n- Cook it.", ("- I'm an AI, but ",), "- Rinse it.\n- Cook it."),
        ("- Rinse.\n- **Be kind to all.**\n- Cook.", ("Be kind to all.",), "- Rinse.\n- Cook."),
        ("Rinse.\n\n### 4. **Be kind**\nCook it.", ("Be kind",), "Rinse.\n\nCook it."),
        # what says nothing by itself
        ("Rinse it.\n\nBe kind to all! 😊\n", ("Be kind to all!",), "Rinse it."),
        ("Rinse it.\n\n---\nAs an AI, I can err.", ("As an AI, I can err.",), "Rinse it."),
        # no marks at all
        ("As an AI, I err. 2*3 is 6, and a_b_c a name.", ("As an AI, I err.",), "2*3 is 6, and a_b_c a name."),
        ("As an AI, I err. The file is *.txt or *.md.", ("As an AI, I err.",), "The file is *.txt or *.md."),
        ("Either a) rest. I'm an AI. Or b) walk.", ("I'm an AI. ",), "Either a) rest. Or b) walk."),
        ("As an AI, I err.\n```\nx = (1\n```", ("As an AI, I err.",), "```\nx = (1\n```"),
        ("I'm an AI.\n| a | b |\n|---|---|", ("I'm an AI.",), "| a | b |\n|---|---|"),
    ],
)
def test_no_half_of_anything_is_left(text: str, cuts: Cuts, left: str) -> None:
    assert left_of(text, *cuts) == left


_PIECES = some.sampled_from(
    [
        "Rest.",
        "I'm an AI.",
        "Walk, then eat.",
        "(",
        ")",
        "**",
        "*",
        "“",
        "”",
        "（",
        "）",
        "\n",
        "\n\n",
        " ",
        "1. ",
        "- ",
        "😊",
    ]
)


def _balanced(text: str) -> bool:
    depth: list[str] = []
    for character in text:
        if character in "(（“":
            depth.append(character)
        elif character in ")）”" and (not depth or "(（“".index(depth.pop()) != ")）”".index(character)):
            return False
    return not depth


@given(some.lists(_PIECES, max_size=24).map("".join), some.data())
def test_brackets_that_were_whole_stay_whole(text: str, data: some.DataObject) -> None:
    places = some.integers(0, len(text))
    spans = merged([sorted((data.draw(places), data.draw(places))) for _ in range(2)], len(text))
    whole = whole_spans(text, spans)
    assert all(0 <= start <= end <= len(text) for start, end in whole)
    if _balanced(text) and "\n\n" not in text:  # a bracket around paragraphs is nobody's
        assert _balanced(cut_spans(text, whole))
    assert whole_spans(text, []) == ()


@pytest.mark.parametrize("mark", ["“", "(", "["])
def test_a_thousand_opening_marks_are_gone_through_once(mark: str) -> None:
    """Each closing mark looks back at a bounded number of open ones, however many there are."""
    text = mark * 60_000 + "I'm an AI." + "x" + "”)]"
    begun = process_time()
    whole_spans(text, [(0, len(text))])
    few = process_time() - begun
    begun = process_time()
    whole_spans(text * 4, [(0, 4 * len(text))])
    assert process_time() - begun < 12 * few + 1.0
