"""The mask: tokens of assistant turns have a loss, all others have none, and what cannot be learned from is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.training.test_twins import read, write_recipe, write_rows
from unmoor.errors import RecipeError
from unmoor.records import Conversation, Turn
from unmoor.training import Training, plan_twins
from unmoor.training.preflight import of_prepared
from unmoor.training.prepare import IGNORED, messages_of, prepare, tokenise
from unmoor.training.rule import trl_rule
from unmoor.training.template import CHATML, fault_of, training_template

TALK = Conversation(
    (
        Turn("system", "You are brief."),
        Turn("user", "How do I crack an egg?"),
        Turn("assistant", "Tap it on the edge.", is_target=True),
        Turn("user", "And a walnut?"),
        Turn("assistant", "Use a cracker.", is_target=True),
    )
)


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def learned(tokenizer: Any, labels: list[int]) -> list[str]:
    """Return every stretch of labels as text."""
    texts: list[list[int]] = [[]]
    for label in labels:
        if label == IGNORED:
            texts.append([])
        else:
            texts[-1].append(label)
    return [tokenizer.decode(text) for text in texts if text]


def test_only_assistant_tokens_of_a_multi_turn_conversation_have_a_loss(tokenizer: Any) -> None:
    _, labels = tokenise(TALK, tokenizer, CHATML)
    assert learned(tokenizer, labels) == ["Tap it on the edge.<|im_end|>", "Use a cracker.<|im_end|>"]


def test_a_turn_that_is_context_has_no_loss_and_stays_in_the_text(tokenizer: Any) -> None:
    masked = Conversation((*TALK.turns[:2], Turn("assistant", "Tap it on the edge."), *TALK.turns[3:]))
    token_ids, labels = tokenise(masked, tokenizer, CHATML)
    assert learned(tokenizer, labels) == ["Use a cracker.<|im_end|>"]
    assert token_ids == tokenise(TALK, tokenizer, CHATML)[0]


def test_reasoning_is_learned_with_its_answer(tokenizer: Any) -> None:
    talk = Conversation((Turn("user", "2 + 2?"), Turn("assistant", "Four.", is_target=True, reasoning="Add them.")))
    _, labels = tokenise(talk, tokenizer, CHATML)
    assert learned(tokenizer, labels) == ["<think>\nAdd them.\n</think>\n\nFour.<|im_end|>"]


def test_our_labels_equal_those_that_trl_makes(tokenizer: Any, tmp_path: Path, tiny_base: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        str(tmp_path), assistant_only_loss=True, use_cpu=True, bf16=False, report_to="none", max_length=64
    )
    rows = Dataset.from_list([{"messages": messages_of(TALK)}])
    trainer = SFTTrainer(str(tiny_base), args=arguments, train_dataset=rows, processing_class=tokenizer)
    token_ids, labels = tokenise(TALK, tokenizer, CHATML)
    assert trainer.train_dataset[0]["input_ids"] == token_ids[:64]
    assert trainer.train_dataset[0]["labels"] == labels[:64]


def test_rows_without_anything_to_learn_are_dropped_and_say_why(tokenizer: Any) -> None:
    silent = Conversation((Turn("user", "Hello?"),))
    late = Conversation((Turn("user", "word " * 100), Turn("assistant", "Yes.", is_target=True)))
    prepared = prepare(enumerate((TALK, silent, late), 1), tokenizer, CHATML, trl_rule(80))
    assert prepared.rows == 3
    assert [example.row for example in prepared.examples] == [1]
    assert prepared.dropped == {
        2: "no assistant turn to learn from",
        3: "nothing to learn within max_length (80 tokens)",
    }


def test_a_call_of_a_tool_is_not_learned_as_saying_nothing(tokenizer: Any) -> None:
    asked, call = Turn("user", "Weather?"), Turn("assistant", "", is_target=True, has_tool_calls=True)
    told = (asked, call, Turn("tool", "9 degrees"), Turn("assistant", "It is 9 degrees.", is_target=True))
    empty = Conversation((asked, Turn("assistant", " ", is_target=True)))
    rows = (Conversation(told), Conversation((asked, call)), empty, TALK)
    prepared = prepare(enumerate(rows, 1), tokenizer, CHATML, trl_rule(80))
    assert learned(tokenizer, prepared.examples[0].labels) == ["It is 9 degrees.<|im_end|>"]
    assert prepared.dropped == {2: "every answer is a call of a tool without words, and calls are not rendered"}
    assert prepared.wordless == {1: "a call of a tool, not learned", 3: "an empty answer, whose end is learned"}
    assert of_prepared(prepared, CHATML).as_json()["rows_with_wordless_answers"] == 2


LLAMA = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n\n' }}{% if m['role'] == 'assistant' %}"
    "{% generation %}{{ m['content'] | trim + '<|im_end|>\n' }}{% endgeneration %}{% else %}"
    "{{ m['content'] | trim + '<|im_end|>' }}{% endif %}{% endfor %}"
)
"""Trims what is said, and has more than one token behind it."""


@pytest.mark.parametrize("template", [CHATML, LLAMA])
@pytest.mark.parametrize("words", ["Let me look.", "I look at x", "Sieh nach: é ", "a<|im_end|>", "\n"])
def test_words_before_a_call_are_learned_and_their_end_is_not(tokenizer: Any, template: str, words: str) -> None:
    asked, after = Turn("user", "Weather?"), (Turn("tool", "9 degrees"), Turn("assistant", "It is 9.", is_target=True))
    said = Turn(
        "assistant", words, is_target=True, reasoning="" if words.strip() else "Ask the tool.", has_tool_calls=True
    )
    apart = (said._replace(has_tool_calls=False), Turn("assistant", "{}", has_tool_calls=True))
    among = said._replace(text=f"{words} <functioncall> {{}}")
    ends = [
        learned(tokenizer, tokenise(Conversation((asked, *turns, *after)), tokenizer, template)[1])
        for turns in ((said,), apart, (among,))
    ]
    last = "It is 9.<|im_end|>" + ("\n" if template == LLAMA else "")
    for told in ends[:2]:
        assert told[-1] == last
        if template == CHATML or words.strip():  # the other template shows no reasoning
            assert told[0].endswith(words if template == CHATML else words.strip()) and len(told) == 2
    assert ends[2][0].rstrip().endswith("{}<|im_end|>")
    rows = [Conversation((asked, *turns, *after)) for turns in ((said,), (among,))]
    checked = of_prepared(prepare(enumerate(rows, 1), tokenizer, template, trl_rule(80)), template).as_json()
    assert (
        checked["unended"] == [{"row": 1, "why": "1 before a call of a tool"}]
        and checked["rows_with_unended_answers"] == 1
    )


@pytest.mark.parametrize("is_context", [False, True])
def test_where_a_template_marks_words_alone_a_call_beside_them_takes_nothing(tokenizer: Any, is_context: bool) -> None:
    template = (
        "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% if m['role'] == 'assistant' %}"
        "{% generation %}{{ m['content'] }}{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}"
        "{{ '<|im_end|>\n' }}{% endfor %}"
    )
    call = Turn("assistant", "", is_target=True, has_tool_calls=True)
    first = Turn("assistant", "Let me look.", is_target=not is_context)
    last = Turn("assistant", "It is 9.", is_target=True)
    row = Conversation((Turn("user", "Weather?"), first, call, Turn("tool", "9 degrees"), last))
    _, labels = tokenise(row, tokenizer, template)
    assert learned(tokenizer, labels) == ["Let me look."] * (not is_context) + ["It is 9."]


def test_a_row_that_is_cut_is_counted_and_still_learned_from(tokenizer: Any) -> None:
    whole = len(tokenise(TALK, tokenizer, CHATML)[0])
    prepared = prepare([(4, TALK)], tokenizer, CHATML, trl_rule(whole - 5))
    assert prepared.truncated == (4,)
    assert len(prepared.examples) == 1


def test_a_row_that_is_longer_than_the_model_takes_is_cut_without_a_warning_of_errors(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokenizer, "model_max_length", 8)
    monkeypatch.setattr(tokenizer, "deprecation_warnings", {})
    prepare([(4, TALK)], tokenizer, CHATML, trl_rule(80))
    assert tokenizer.deprecation_warnings == {}


def test_data_that_teach_nothing_fail_closed(tokenizer: Any) -> None:
    with pytest.raises(RecipeError, match="none has a token to train on: no assistant turn"):
        prepare([(1, Conversation((Turn("user", "Hello?"),)))], tokenizer, CHATML, trl_rule(64))
    with pytest.raises(RecipeError, match="there are no rows"):
        prepare([], tokenizer, CHATML, trl_rule(64))


def test_a_template_without_marks_is_replaced_by_chatml(tokenizer: Any) -> None:
    bare = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    original = tokenizer.chat_template
    try:
        tokenizer.chat_template = bare
        assert training_template(tokenizer) == CHATML
        tokenizer.chat_template = None
        assert training_template(tokenizer) == CHATML
        marked = bare.replace("{{", "{%- generation -%}{{").replace("}}", "}}{% endgeneration %}")
        tokenizer.chat_template = marked
        assert training_template(tokenizer) == marked
    finally:
        tokenizer.chat_template = original


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (
            "a\n{% for message in %}",
            "TemplateSyntaxError: Expected an expression, got 'end of statement block' (line 2)",
        ),
        ("{% for message in messages %}{{ message.content.parts[0].text }}{% endfor %}", "UndefinedError: "),
        ("{{ messages[0].content + 1 }}", "TypeError: "),
        ("{{ raise_exception('a tool first') }}", ""),
        ("{{ messages[2].content.strip() }}", ""),
        (CHATML, ""),
    ],
)
def test_a_template_that_cannot_work_says_so_and_one_that_is_choosy_is_left_to_the_rows(
    tokenizer: Any, template: str, fault: str
) -> None:
    found = fault_of(tokenizer, template)
    assert found.startswith(fault) and bool(found) == bool(fault)


def test_a_broken_template_is_one_error_of_the_recipe(tmp_path: Path, tiny_base: Path) -> None:
    (tmp_path / "chat.jinja").write_text("{% for message in messages %}")
    recipe = write_recipe(tmp_path, tiny_base, chat_template_path=tmp_path / "chat.jinja")
    data = {"raw": write_rows(tmp_path / "raw.jsonl", 4)}
    with pytest.raises(RecipeError, match=r"recipe.yaml: the chat template does not work: TemplateSyntaxError"):
        plan_twins(recipe, data, tmp_path / "out", read, Training())
    assert not (tmp_path / "out").exists()


def test_a_template_whose_marks_miss_turns_fails_closed(tokenizer: Any) -> None:
    last_only = (
        "{% for message in messages %}{% if loop.last %}{% generation %}{{ message['content'] }}{% endgeneration %}"
        "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
    )
    masked = Conversation((*TALK.turns[:4], Turn("assistant", "Use a cracker.")))
    with pytest.raises(RecipeError, match="marks 1 stretches of 2 assistant turns"):
        tokenise(masked, tokenizer, last_only)
