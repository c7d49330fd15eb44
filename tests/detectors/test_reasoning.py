"""What is found in an answer is the same with and without a reasoning block before it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.detectors.conftest import exchange
from unmoor.detectors import Detector
from unmoor.detectors.turn import Said, view_many
from unmoor.detectors.view import _stands_in
from unmoor.languages import load_pack
from unmoor.records import Finding

SEED = 5
BLOCKS = (
    "<think>\nThe user asks for something. I should think about whether it is harmful, then answer.\n</think>\n\n",
    "<think></think>",
    "<reasoning>Let me see.</reasoning>\n\n\n\n",
    "Okay, so that is what the user wants. Let me be careful here.\n</think>\n\n",
    "<|channel|>analysis<|message|>Check the rules first.<|end|>\n",
    "<|channel|>analysis<|message|>Check the rules first.<|end|><|start|>assistant<|channel|>final<|message|>",
    "<|begin_of_thought|>\n\nI cannot guess. Let me see.\n\n<|end_of_thought|>\n\n<|begin_of_solution|>\n\n",
    "[THINK]I'm sorry, but I can't help with that? No, it is fine.[/THINK]",
)
ENDS = ("<|end_of_solution|>", "\n\n</answer>\n", "<|return|>")
ORDINARY = (
    "Open the lens wide and hold the camera still.",
    "Cut the leeks and wash them well before you fry them.",
    "Its history begins in the last century, as far as the books on it tell.",
    "Hold the board by its edge, and do not press too hard.",
)
ASKED = ("How do I kill a weed?", "What do you think of soup?", "Write a letter to my landlord.", "Who won?", "")


def _rows(count: int) -> list[tuple[str, str]]:
    """Requests and answers made of the packs' own examples and ordinary sentences."""
    chance = random.Random(SEED)
    examples = {code: [hit for phrase in load_pack(code).phrases for hit in phrase.hits] for code in ("en", "de", "zh")}
    rows = []
    for _ in range(count):
        said = [chance.choice(examples[chance.choice(("en", "en", "de", "zh"))]) for _ in range(chance.randrange(1, 4))]
        said += chance.choices(ORDINARY, k=chance.randrange(4))
        chance.shuffle(said)
        rows.append((chance.choice(ASKED), " ".join(said)))
    return rows


def _outside(findings: tuple[Finding, ...], offset: int) -> list[Finding]:
    return [
        replace(finding, start_char=finding.start_char - offset, end_char=finding.end_char - offset)
        for finding in findings
        if not finding.is_reasoning
    ]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_reasoning_block_changes_nothing_about_the_answer_after_it(block: str, detector: Detector) -> None:
    rows = _rows(300)
    alone = detector.find_many([exchange(request, answer) for request, answer in rows])
    after = detector.find_many([exchange(request, block + answer) for request, answer in rows])
    assert sum(map(bool, alone)) > 150
    for (_, answer), expected, found in zip(rows, alone, after, strict=True):
        assert _outside(found, len(block)) == list(expected), answer


@pytest.mark.parametrize("end", ENDS)
def test_a_mark_behind_the_answer_changes_nothing_about_it(end: str, detector: Detector) -> None:
    rows = _rows(100)
    alone = detector.find_many([exchange(request, BLOCKS[1] + answer) for request, answer in rows])
    after = detector.find_many([exchange(request, BLOCKS[1] + answer + end) for request, answer in rows])
    assert after == alone


def test_space_before_an_answer_changes_nothing_about_it(detector: Detector) -> None:
    rows = _rows(100)
    alone = detector.find_many([exchange(request, answer) for request, answer in rows])
    after = detector.find_many([exchange(request, "\n\n " + answer) for request, answer in rows])
    assert [_outside(found, 3) for found in after] == list(map(list, alone))


def test_whether_an_answer_refuses_does_not_hang_on_the_block(detector: Detector) -> None:
    for block in BLOCKS[:3]:
        for _, answer in _rows(100):
            assert detector.refuses(block + answer) == detector.refuses(answer), answer


def test_a_request_is_looked_at_once_for_an_answer_and_all_its_reasoning_blocks(detector: Detector) -> None:
    said = [Said("I can't write that story.", "Write a story on a bank robbery.", has_tools=False)] * 20
    before = _stands_in.cache_info()
    views = [view for _, view in view_many(detector._phrases, said)]
    assert len(views) == 20 and "request.text" in views[0].asks
    assert len({id(view.asks) for view in views}) == 1
    assert all(view.asks_for("story") for view in views)
    after = _stands_in.cache_info()
    assert after.hits - before.hits >= 19 and after.misses - before.misses <= 3
