"""From conversations to what a trainer learns from: token ids and labels, with only the assistant's words as labels.

Labels are made here and not by the trainer because an assistant turn may be context only (`Turn.is_target` false: the
rejected side of a pair, a turn marked `train: false`), which no trainer's mask knows, or be nothing but the call of a tool,
which is not rendered: the end of such a turn would teach a model to say nothing. Where words stand before a call, their end would
teach it to say them and never to call: it has no label. For rows without such turns the result equals TRL's own (a test holds
that).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from unmoor.errors import RecipeError
from unmoor.records import Conversation, Turn
from unmoor.training.roles import odd_order
from unmoor.training.rule import Cut, Rule

__all__ = ["IGNORED", "Example", "Looked", "Prepared", "gather", "look_at_rows", "messages_of", "prepare", "tokenise"]

IGNORED = -100
"""The label that PyTorch's cross entropy leaves out."""

CALLS_ALONE = "every answer is a call of a tool without words, and calls are not rendered"
"""Why a row with answers that are to be learned has nothing to learn."""

CALLS_AMONG_WORDS = ("<functioncall>", "<tool_call>")
"""How some data write a call into the words themselves, where it is learned as they are, and its end with it."""

CONTEXT_ONLY = "every answer is context only: marked train: false, undesirable, or not chosen"
"""Why a row with answers has nothing to learn: somebody said so, a policy with the action `mask` for instance."""


@dataclass(frozen=True, slots=True)
class Example:
    """One row as the trainer sees it: token ids and as many labels; `row` is its number in the file, from 1."""

    row: int
    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a trainer will make of one row: an example, or `dropped` with the reason; `cut` if it is truncated.

    `trained` counts the tokens with a loss that stay. `odd` says what is strange about the order of roles in a row
    that is trained on all the same, `wordless` what becomes of its answers without words, `unended` of those before a call.
    """

    row: int
    example: Example | None = None
    dropped: str = ""
    cut: Cut | None = None
    trained: int = 0
    odd: str = ""
    wordless: str = ""
    unended: str = ""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A twin's examples, and the rows that cannot be learned from: row number to the reason."""

    rows: int
    examples: tuple[Example, ...]
    dropped: dict[int, str]
    cuts: tuple[Cut, ...]
    odd: dict[int, str]
    wordless: dict[int, str]
    unended: dict[int, str]
    rule: Rule
    trained: tuple[int, ...]

    @property
    def truncated(self) -> tuple[int, ...]:
        """Return the rows that are cut."""
        return tuple(cut.row for cut in self.cuts)

    @property
    def tokens_trained(self) -> int:
        """Return how many tokens have a loss in one pass, after rows are cut."""
        return sum(self.trained)

    def as_cut(self) -> Prepared:
        """Return the same with only those tokens of each row that stay, for a trainer that does not cut by itself."""
        kept = ((one, self.rule.kept(len(one.input_ids))) for one in self.examples)
        return replace(self, examples=tuple(Example(one.row, one.input_ids[of], one.labels[of]) for one, of in kept))


def messages_of(conversation: Conversation) -> list[dict[str, str]]:
    """Return a conversation as the messages that chat templates take."""
    messages = []
    for turn in conversation.turns:
        message = {"role": turn.role, "content": turn.text}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        messages.append(message)
    return messages


def tokenise(conversation: Conversation, tokenizer: Any, template: str) -> tuple[list[int], list[int]]:
    """Return (token ids, labels) of one conversation; labels are IGNORED outside the assistant turns that are targets, and at
    the end of one that is followed by a call of a tool.

    Raises:
        RecipeError: the template marks another number of turns than the assistant has, so that no mask can be
        trusted, or will not render the conversation at all.
    """
    encoded = _rendered(conversation, tokenizer, template)
    token_ids, mask = list(encoded["input_ids"]), list(encoded["assistant_masks"])
    spans = _spans(mask)
    spoken = [conversation.turns[place] for place in _spoken(conversation, len(spans))]
    is_target = [turn.is_target for turn in spoken]
    unended = _unended(conversation)
    if len(spans) != len(spoken):
        if (
            all(is_target) and spans and not unended
        ):  # e.g. a template that marks tool calls apart: the marks are right, turns are not told apart
            return token_ids, [token if marked else IGNORED for token, marked in zip(token_ids, mask, strict=True)]
        raise RecipeError(
            f"The chat template marks {len(spans)} stretches of {len(spoken)} assistant turns: no mask can be trusted. "
            "Next: set chat_template_path to a template with {% generation %} around each assistant turn"
        )
    labels = [IGNORED] * len(token_ids)
    for (start, end), turn in zip(spans, spoken, strict=True):
        if turn.is_target and not _only_calls(turn):
            labels[start:end] = token_ids[start:end]
    if unended:
        for start, end in _ends(conversation, unended, (tokenizer, template), (token_ids, spans)):
            labels[start:end] = [IGNORED] * (end - start)
    return token_ids, labels


def _spoken(conversation: Conversation, count: int) -> list[int]:
    """Return the places of the assistant's turns; without those that say nothing, if only then they are as many as the `count`
    stretches that a template marks: one that marks the words alone marks nothing of these.
    """
    spoken = [place for place, turn in enumerate(conversation.turns) if turn.role == "assistant"]
    worded = [place for place in spoken if _has_words(conversation.turns[place])]
    return worded if len(spoken) != count == len(worded) else spoken


def _unended(conversation: Conversation) -> frozenset[int]:
    """Return the turns that are learned and whose words a call follows, in a field of their own or as the next turn.

    The call is not rendered, so that the end of the turn would stand where it should begin.
    """
    turns = conversation.turns
    calls = [turn.role == "assistant" and turn.has_tool_calls for turn in (*turns[1:], Turn("user", ""))]
    return frozenset(
        place
        for place, (turn, is_before_call) in enumerate(zip(turns, calls, strict=True))
        if turn.is_target
        and _has_words(turn)
        and (turn.has_tool_calls or is_before_call)
        and not any(mark in turn.text for mark in CALLS_AMONG_WORDS)
    )


def _ends(
    conversation: Conversation,
    unended: frozenset[int],
    with_what: tuple[Any, str],
    rendered: tuple[list[int], list[tuple[int, int]]],
) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) of the tokens by which the template ends each of these turns.

    They are what stays as it is at the end of a turn when something is added to its words.
    """
    token_ids, spans = rendered
    longer = [
        turn._replace(text=turn.text + ("y" if turn.text.rstrip().endswith("x") else "x")) if place in unended else turn
        for place, turn in enumerate(conversation.turns)
    ]
    encoded = _rendered(replace(conversation, turns=tuple(longer)), *with_what)
    others, other_ids = _spans(list(encoded["assistant_masks"])), list(encoded["input_ids"])
    spoken = _spoken(conversation, len(spans))
    if len(others) != len(spans):  # nobody can tell where these turns end, so nothing of them is learned
        others = spans
        other_ids = token_ids
    for place, (start, end), (other_start, other_end) in zip(spoken, spans, others, strict=True):
        if place in unended:
            pairs = zip(reversed(token_ids[start:end]), reversed(other_ids[other_start:other_end]), strict=False)
            yield end - sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs)), end


def _has_words(turn: Turn) -> bool:
    return bool(turn.text.strip() or turn.reasoning.strip())


def _only_calls(turn: Turn) -> bool:
    return turn.has_tool_calls and not _has_words(turn)


def _wordless(conversation: Conversation) -> str:
    """Return what becomes of the answers without words that are to be learned; empty where there are none."""
    silent = [turn for turn in conversation.turns if turn.is_target and not _has_words(turn)]
    if any(map(_only_calls, silent)):
        return "a call of a tool, not learned"
    return "an empty answer, whose end is learned" if silent else ""


def _rendered(conversation: Conversation, tokenizer: Any, template: str) -> Any:
    from jinja2 import TemplateError

    try:
        return tokenizer.apply_chat_template(
            messages_of(conversation),
            chat_template=template,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
            tokenizer_kwargs={"verbose": False},  # warns of "indexing errors" in a row that is cut afterwards
        )
    except (TemplateError, LookupError, TypeError, ValueError) as error:  # the last three of expressions in a template
        order = odd_order(conversation)
        why = f"wrong order of roles ({order}): " if order else ""
        raise RecipeError(f"{why}the chat template will not render it: {error}") from error


def _spans(mask: list[int]) -> list[tuple[int, int]]:
    """Return the (start, end) of every stretch of ones."""
    edges = [
        index
        for index in range(len(mask) + 1)
        if (mask[index - 1] if index else 0) != (mask[index] if index < len(mask) else 0)
    ]
    return list(zip(edges[::2], edges[1::2], strict=True))


def look_at_rows(
    rows: Iterable[tuple[int, Conversation | str]], tokenizer: Any, template: str, rule: Rule
) -> Iterator[Looked]:
    """Yield what the trainer will make of each row; a row that is a string could not be read, for that reason."""
    for row, conversation in rows:
        if isinstance(conversation, str):
            yield Looked(row, dropped=conversation)
        elif not any(turn.is_target for turn in conversation.turns):
            has_answer = any(turn.role == "assistant" for turn in conversation.turns)
            yield Looked(row, dropped=CONTEXT_ONLY if has_answer else "no assistant turn to learn from")
        elif all(_only_calls(turn) for turn in conversation.turns if turn.is_target):
            yield Looked(row, dropped=CALLS_ALONE)
        else:
            yield _look_at(row, conversation, (tokenizer, template), rule)


def _look_at(row: int, conversation: Conversation, with_what: tuple[Any, str], rule: Rule) -> Looked:
    try:
        token_ids, labels = tokenise(conversation, *with_what)
    except RecipeError as error:
        return Looked(row, dropped=str(error))
    count = len(token_ids)
    if rule.over_long == "drop" and rule.is_too_long(count):
        return Looked(
            row, dropped=f"too long: {count} tokens, and {rule.trainer} leaves out more than {rule.max_length}"
        )
    if count < rule.min_length:
        return Looked(
            row, dropped=f"too short: {count} tokens, and {rule.trainer} leaves out fewer than {rule.min_length}"
        )
    kept = rule.kept(count)
    whole = sum(label != IGNORED for label in labels)
    trained = sum(label != IGNORED for label in labels[kept])
    if not trained:
        why = f"nothing to learn within max_length ({rule.max_length} tokens)" if whole else "no token to learn from"
        return Looked(row, dropped=why)
    cut = Cut(row, count, kept.start, kept.stop, whole - trained) if kept.stop - kept.start < count else None
    example, odd, wordless = Example(row, token_ids, labels), odd_order(conversation), _wordless(conversation)
    unended = f"{count} before a call of a tool" if (count := len(_unended(conversation))) else ""
    return Looked(row, example, cut=cut, trained=trained, odd=odd, wordless=wordless, unended=unended)


def prepare(rows: Iterable[tuple[int, Conversation | str]], tokenizer: Any, template: str, rule: Rule) -> Prepared:
    """Return what a trainer with that rule will learn from, and what it will not.

    Raises:
        RecipeError: not one token of all rows would be trained on.
    """
    prepared = gather(look_at_rows(rows, tokenizer, template, rule), rule)
    if not prepared.examples:
        why = next(iter(prepared.dropped.values()), "there are no rows")
        raise RecipeError(
            f"Of {prepared.rows} rows none has a token to train on: {why}. "
            "Next: check the data's layout, max_length and the chat template"
        )
    return prepared


def gather(looked_at: Iterable[Looked], rule: Rule) -> Prepared:
    """Return rows that were looked at as one record, whether or not there is anything to learn in them."""
    looked = list(looked_at)
    learned = [(one.example, one.trained) for one in looked if one.example]
    return Prepared(
        len(looked),
        tuple(example for example, _ in learned),
        {one.row: one.dropped for one in looked if one.dropped},
        tuple(one.cut for one in looked if one.cut),
        {one.row: one.odd for one in looked if one.odd},
        {one.row: one.wordless for one in looked if one.wordless},
        {one.row: one.unended for one in looked if one.unended},
        rule,
        tuple(trained for _, trained in learned),
    )
