"""A text that holds a whole chat is split where its style splits it, and cut so that it stays in its style."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.layouts.rows import ASKED, NO_SYSTEM, SAID, STYLES
from unmoor.errors import BadRow, LayoutError
from unmoor.layouts import LAYOUTS, apply_to_row, apply_to_text, layout_of_row, recognise_layout
from unmoor.layouts.styles import said_within
from unmoor.records import Row, without_reasoning

TRANSCRIPT = LAYOUTS["transcript"]
WITH_SYSTEM = sorted(set(STYLES) - set(NO_SYSTEM))
RULES = "You are a helpful assistant. Be brief."
WORDS = (
    "A quoted Human: line",
    "See\n\n- an item\n- another",
    "x = 1\n\ny = 2",
    "Å 𝕏",
    "é\u0301",
    "Answer: no",
    "# Title",
    "`a`",
)
words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("; ".join)
exchanges = st.lists(st.tuples(words, words), min_size=1, max_size=5)


def _turns(row: Row) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in TRANSCRIPT.read(row).turns]


def _said(said: list[tuple[str, str]], prompt: str) -> list[tuple[str, str]]:
    turns = [turn for asked, answer in said for turn in (("user", asked), ("assistant", answer))]
    return [("system", prompt), *turns] if prompt else turns


@given(st.sampled_from(sorted(STYLES)), exchanges, st.booleans())
def test_what_a_style_writes_is_read_back(style: str, said: list[tuple[str, str]], has_system: bool) -> None:
    prompt = RULES if has_system and style in WITH_SYSTEM else ""
    row = {"text": STYLES[style](said, prompt)}
    assert _turns(row) == _said(said, prompt)
    targets = [turn.is_target for turn in TRANSCRIPT.read(row).turns if turn.role == "assistant"]
    assert targets == [True] * len(said)


@given(st.data(), st.sampled_from(sorted(STYLES)), exchanges.filter(lambda said: len(said) > 1), st.booleans())
def test_a_text_without_some_exchanges_is_what_the_style_writes_of_the_others(
    data: st.DataObject, style: str, said: list[tuple[str, str]], has_system: bool
) -> None:
    prompt = RULES if has_system and style in WITH_SYSTEM else ""
    gone = data.draw(st.sets(st.integers(0, len(said) - 1), min_size=1, max_size=len(said) - 1))
    row = {"n": 1, "text": STYLES[style](said, prompt)}
    turns = [turn for turn in TRANSCRIPT.read(row).turns if turn.role != "system"]
    positions = tuple(turns[2 * at + side].position for at in sorted(gone) for side in (0, 1))
    changes = TRANSCRIPT.remove(row, positions)
    assert changes is not None
    left = [one for at, one in enumerate(said) if at not in gone]
    expected = {"n": 1, "text": STYLES[style](left, prompt)}
    assert apply_to_row(row, changes) == expected
    assert json.loads(apply_to_text(json.dumps(row), changes)) == expected


QUOTED: list[tuple[str, str, list[tuple[str, str]]]] = [
    (
        "another style",
        "### Human: q### Assistant: a\n### Response:\nb",
        [("user", "q"), ("assistant", "a\n### Response:\nb")],
    ),
    (
        "another style's tokens",
        "\n\nHuman: q\n\nAssistant: a <|im_start|>user",
        [("user", "q"), ("assistant", "a <|im_start|>user")],
    ),
    ("within a line", "\n\nHuman: q\n\nAssistant: a Human: b", [("user", "q"), ("assistant", "a Human: b")]),
    ("after one newline", "\n\nHuman: q\n\nAssistant: a\nHuman: b", [("user", "q"), ("assistant", "a\nHuman: b")]),
    (
        "by who speaks already",
        "\n\nHuman: q\n\nAssistant: a\n\nAssistant: b",
        [("user", "q"), ("assistant", "a\n\nAssistant: b")],
    ),
    ("by another name", "\n\nHuman: q\n\nAssistant: a\n\nUser: b", [("user", "q"), ("assistant", "a\n\nUser: b")]),
    (
        "in code",
        "### Instruction:\nq\n\n### Response:\n```\n### Instruction:\nx\n\n### Response:\ny\n```\nend",
        [("user", "q"), ("assistant", "```\n### Instruction:\nx\n\n### Response:\ny\n```\nend")],
    ),
    (
        "before the end token",
        f"{'USER: q ASSISTANT: a USER: x ASSISTANT: y</s>' * 2}",
        [("user", "q"), ("assistant", "a USER: x ASSISTANT: y")] * 2,
    ),
    (
        "in the request",
        "### Instruction:\nq\n### Instruction:\nr\n\n### Response:\na",
        [("user", "q\n### Instruction:\nr"), ("assistant", "a")],
    ),
]


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in QUOTED], ids=[case[0] for case in QUOTED])
def test_a_marker_that_is_quoted_splits_nothing(text: str, said: list[tuple[str, str]]) -> None:
    assert _turns({"text": text}) == said


def test_code_that_a_cut_off_answer_leaves_open_hides_no_turn() -> None:
    text = "### Human: q\n### Assistant: ```py\nx\n### Human: go on\n### Assistant: ```py\ny\n```"
    assert _turns({"text": text}) == [
        ("user", "q"),
        ("assistant", "```py\nx"),
        ("user", "go on"),
        ("assistant", "```py\ny\n```"),
    ]


PLAIN = [
    "Trees grow. Human: a word. Assistant: another.",
    "Human: all too human, he wrote.",
    "Human: one.\n\nHuman: two.",
    "An essay.\n\nHuman: q\n\nAssistant: a",
    "# How to write prompts\n\n### Instruction:\nsay what\n\n### Response:\nsay it",
    "User: guest\nPassword: secret\n",
    "<|unknown|>user",
    "[INST",
    "",
    "Anna: Hi!\r\nBen: Hello.",
]


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("key", ["text", "dialogue"])
def test_plain_text_is_no_conversation_and_the_error_says_so(text: str, key: str) -> None:
    assert layout_of_row({key: text}, LAYOUTS["alpaca"]) is None
    with pytest.raises(LayoutError, match=rf'"{key}" is plain text, as for pre-training') as caught:
        recognise_layout([{key: text, "url": "https://example.org"}], Path("x.jsonl"))
    assert "columns:user=text" not in str(caught.value)


def test_alpacas_input_is_more_of_the_request() -> None:
    text = "Below is an instruction that describes a task.\n\n### Instruction:\nAdd.\n\n### Input:\n1, 2\n\n### Response:\n3"
    row = {"text": text}
    assert _turns(row) == [
        ("system", "Below is an instruction that describes a task."),
        ("user", "Add.\n1, 2"),
        ("assistant", "3"),
    ]
    pieces = TRANSCRIPT.read(row).turns[1].pieces
    assert [text[piece.offset :][: piece.end_char - piece.start_char] for piece in pieces] == ["Add.", "1, 2"]
    assert _turns({"text": text.replace("1, 2", "")})[1] == ("user", "Add.")


def test_glaives_calls_are_no_targets_and_what_functions_give_is_a_tool() -> None:
    row = {
        "system": "SYSTEM: You may call.",
        "chat": 'USER: Rain?\n\n\nASSISTANT: <functioncall> {} <|endoftext|>\n\n\nFUNCTION RESPONSE: {"rain": 0}\n\n\n'
        "ASSISTANT: No rain. <|endoftext|>\n\n\nASSISTANT: Anything else? <|endoftext|>",
    }
    conversation = TRANSCRIPT.read(row)
    assert [(turn.role, turn.text, turn.is_target) for turn in conversation.turns] == [
        ("system", "You may call.", False),
        ("user", "Rain?", False),
        ("assistant", "<functioncall> {}", False),
        ("tool", '{"rain": 0}', False),
        ("assistant", "No rain.", True),
        ("assistant", "Anything else?", True),
    ]
    assert conversation.has_tools and conversation.turns[2].has_tool_calls
    assert row["system"][conversation.turns[0].pieces[0].offset :] == "You may call."


@pytest.mark.parametrize("text", ["### Human: q### Assistant: a### Human: r", "### Human: q### Assistant:"])
def test_a_transcript_that_ends_without_an_answer_is_read(text: str) -> None:
    roles = [turn.role for turn in TRANSCRIPT.read({"text": text}).turns]
    assert roles[-1] == "user"


def test_a_request_without_an_answer_is_read_where_tokens_leave_no_doubt() -> None:
    turns = TRANSCRIPT.read({"text": f"<|im_start|>user\n{ASKED}<|im_end|>\n"}).turns
    assert [(turn.role, turn.is_target) for turn in turns] == [("user", False)]


def test_what_s1_thinks_is_of_the_turn_of_its_answer() -> None:
    asked, said = "<|im_start|>user\n{}<|im_end|>\n", "<|im_start|>assistant\n{}<|im_end|>\n"
    thought = "<|im_start|>think\nHm.\n\n<|im_start|>answer\nAn oak."
    text = asked.format("Name a tree.") + said.format(thought) + asked.format("One more.") + said.format("An ash.")
    assert _turns({"text": text}) == [
        ("user", "Name a tree."),
        ("assistant", thought),
        ("user", "One more."),
        ("assistant", "An ash."),
    ]
    assert without_reasoning(thought) == "An oak."


def test_what_gpt_oss_thinks_is_of_the_turn_of_its_answer_and_its_calls_are_no_targets() -> None:
    thought = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>"
    call = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    text = (
        "<|start|>system<|message|>Be brief.<|end|><|start|>developer<|message|>Call f.<|end|>"
        f"<|start|>user<|message|>Rain?<|end|><|start|>assistant{call}"
        "<|start|>functions.f to=assistant<|channel|>commentary<|message|>0<|end|>"
        f"<|start|>assistant{thought}final<|message|>No rain.<|end|>"
        f"<|start|>user<|message|>And snow?<|end|><|start|>assistant{thought}commentary to=functions.f<|message|>1<|call|>"
    )
    read = TRANSCRIPT.read({"text": text})
    assert [(turn.role, without_reasoning(turn.text), turn.is_target) for turn in read.turns] == [
        ("system", "Be brief.", False),
        ("system", "Call f.", False),
        ("user", "Rain?", False),
        ("assistant", call, False),
        ("tool", "<|channel|>commentary<|message|>0", False),
        ("assistant", "No rain.", True),
        ("user", "And snow?", False),
        ("assistant", "<|channel|>commentary to=functions.f<|message|>1<|call|>", False),
    ]
    assert [turn.has_tool_calls for turn in read.turns if turn.role == "assistant"] == [True, False, True]


def test_a_speaker_that_nobody_knows_is_named() -> None:
    with pytest.raises(BadRow, match="text has a turn of 'narrator'") as caught:
        TRANSCRIPT.read({"text": "<|im_start|>user\nq<|im_end|>\n<|im_start|>narrator\nx<|im_end|>\n"})
    assert caught.value.code == "UNKNOWN_ROLE"


def test_what_began_and_was_never_said_stays_at_the_end() -> None:
    row = {"input": "[|Human|] a\n[|AI|] b\n[|Human|] c\n[|AI|] d\n[|Human|] "}
    changes = TRANSCRIPT.remove(row, (2, 3))
    assert changes is not None
    assert apply_to_row(row, changes) == {"input": "[|Human|] a\n[|AI|] b\n[|Human|] "}


def test_the_only_exchange_and_half_of_one_cannot_go() -> None:
    row = {"text": "### Human: a### Assistant: b### Human: c### Assistant: d"}
    assert TRANSCRIPT.remove(row, (0, 1, 2, 3)) is None
    assert TRANSCRIPT.remove(row, (0,)) is None
    assert TRANSCRIPT.mask(row, 1) is None


PAIR: dict[str, Any] = {
    "chosen": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d",
    "rejected": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: No.",
}


def test_a_pair_of_transcripts_trains_its_last_answer_alone() -> None:
    turns = LAYOUTS["preference"].read(PAIR).turns
    assert [(turn.role, turn.text, turn.is_target) for turn in turns] == [
        ("user", "a", False),
        ("assistant", "b", False),
        ("user", "c", False),
        ("assistant", "d", True),
    ]


def test_a_pair_is_of_transcripts_only_if_both_sides_are() -> None:
    row = {**PAIR, "rejected": "No."}
    assert [turn.text for turn in LAYOUTS["preference"].read(row).turns] == [PAIR["chosen"]]


def test_a_prompt_before_a_pair_may_be_a_transcript() -> None:
    row = {"prompt": "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", "chosen": " d", "rejected": " e"}
    turns = LAYOUTS["preference"].read(row).turns
    assert [(turn.role, turn.is_target) for turn in turns] == [
        ("user", False),
        ("assistant", False),
        ("user", False),
        ("assistant", True),
    ]


def test_a_pair_of_columns_stands_before_a_transcript() -> None:
    row = {"question": ASKED, "answer": SAID, "text": STYLES["Guanaco"]([(ASKED, SAID)], "")}
    assert recognise_layout([row], Path("x.jsonl")).name == "columns:user=question,assistant=answer"
    alpaca = {"instruction": ASKED, "input": "", "output": SAID, "text": STYLES["Alpaca"]([(ASKED, SAID)], "")}
    assert recognise_layout([alpaca], Path("x.jsonl")).name == "alpaca"


@pytest.mark.parametrize(
    "mark", ["### Human:", "### Assistant:", "### Human: ```\n", "```\n### Assistant:", "[INST]", " "]
)
def test_a_long_text_of_markers_takes_no_long_time(mark: str) -> None:
    started = process_time()
    turns = TRANSCRIPT.read({"text": "### Human: ```\n### Assistant: a" + mark * 100_000}).turns
    assert turns[0].role == "user" and len(turns) >= 2
    assert process_time() - started < 10


@pytest.mark.parametrize("token", ["<|start_of_role|>", "<|start|>", "<|start_header_id|>", "<|im_start|>"])
def test_the_very_long_name_of_a_speaker_is_looked_at_once(token: str) -> None:
    """Where a pattern goes back over each code point, this takes minutes."""
    assert not TRANSCRIPT.recognises({"text": token + "a" * 200_000})


class _Watched(str):
    """A text that counts the code points that are copied out of it."""

    copied = 0

    def __getitem__(self, place: SupportsIndex | slice) -> str:
        piece = super().__getitem__(place)
        self.copied += len(piece)
        return piece


@pytest.mark.parametrize("ends", ["</s>", "</s> <|im_end|>\n\t"])
def test_tokens_that_end_a_turn_over_and_over_are_passed_in_one_look(ends: str) -> None:
    text = _Watched(f"\n Oak. \n</s> ash {ends * 500} Elm")
    start, end = said_within(text, 0, len(text) - len("Elm"))
    assert str(text)[start:end] == " Oak. \n</s> ash"
    assert text.copied <= len(text)


class _Compared(int):
    """A position that counts how often one is compared with another."""

    times = 0

    def __eq__(self, other: object) -> bool:
        _Compared.times += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_each_of_many_turns_that_go_is_compared_with_few_others() -> None:
    row = {"text": STYLES["ChatML"]([("Name a tree.", SAID), ("Name a car.", "No.")] * 200, "")}
    positions = [turn.position for turn in TRANSCRIPT.read(row).turns]
    gone = tuple(_Compared(position) for position in positions if position % 4 > 1)
    changes = TRANSCRIPT.remove(row, gone)
    assert changes is not None and len(changes) == 200
    assert apply_to_row(row, changes)["text"] == STYLES["ChatML"]([("Name a tree.", SAID)] * 200, "")
    assert _Compared.times < 10 * len(gone)


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>user\nName three trees.<|im_end|>\n<|im_start|>assistant\nOak, ash and elm.<|im_end|>\n"
        "<|im_start|>user<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n"
        "<|im_start|>user\nThe capital of France?<|im_end|>\n<|im_start|>assistant\nParis.<|im_end|>\n",
        "A chat with an AI assistant. USER: How are turns written? ASSISTANT: Put USER: before a request and ASSISTANT: before "
        "an answer.</s>USER: Name three cars. ASSISTANT: No.</s>",
    ],
    ids=["an empty request", "an end that told turns apart"],
)
def test_an_exchange_stays_where_the_rest_would_be_read_otherwise_without_it(text: str) -> None:
    row = {"text": text}
    turns = TRANSCRIPT.read(row).turns
    refused = next(index for index, turn in enumerate(turns) if turn.text == "No.")
    assert TRANSCRIPT.remove(row, (turns[refused - 1].position, turns[refused].position)) is None
