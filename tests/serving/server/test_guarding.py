"""A guard at work behind the server: what it refuses is not said, what it fails at is refused, and the log has no text."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.serving.server.running import SECRET, Running, running_service, wait_until
from tests.serving.server.upstream_app import Upstream, answer_to
from tests.serving.server.word_guard import WORDS, WordGuard
from unmoor.errors import UsageError
from unmoor.records import GuardRules
from unmoor.serving.guard import Ruling
from unmoor.serving.policy_guard import PolicyGuard
from unmoor.serving.server import InterventionLog, Metrics, Oversight, Proxy, Rules
from unmoor.serving.server.guarded_answer import guard_stream, guard_whole
from unmoor.serving.server.oversight import Watch
from unmoor.serving.server.upstream import Batch, batch_of

CLOCK = "2026-01-02T03:04:05.678+00:00"


@contextmanager
def asking(
    url: str, guard: WordGuard, log: InterventionLog | None = None, **rules: Any
) -> Iterator[tuple[openai.OpenAI, Running]]:
    """Run a guarded server and give the client that asks it."""
    with running_service(Proxy(url), guard=guard, log=log, rules=Rules(**rules)) as running:
        client = openai.OpenAI(api_key=SECRET, base_url=f"{running.url}/v1", max_retries=0, timeout=20)
        with client:
            yield client, running


def ask(client: openai.OpenAI, text: str, **options: Any) -> tuple[list[str], list[str | None]]:
    """Return texts and reasons of every choice, of a stream or of a whole answer."""
    answer = client.chat.completions.create(model="echo", messages=[{"role": "user", "content": text}], **options)
    if not options.get("stream"):
        return [choice.message.content or "" for choice in answer.choices], [
            choice.finish_reason for choice in answer.choices
        ]
    texts = [""] * options.get("n", 1)
    reasons: list[str | None] = [None] * len(texts)
    for chunk in answer:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
    return texts, reasons


@pytest.mark.parametrize("stream", [False, True])
def test_a_refused_request_is_answered_in_the_owners_words_and_never_reaches_the_model(
    upstream: Upstream, upstream_url: str, stream: bool
) -> None:
    with asking(upstream_url, WordGuard()) as (client, _):
        texts, reasons = ask(client, "draw a kitten", stream=stream, n=2)
    assert (texts, reasons) == ([WORDS, WORDS], ["stop", "stop"])
    assert not upstream.bodies


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_holds_nothing_forbidden_is_whole(upstream_url: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard()) as (client, _):
        assert ask(client, "hello", stream=stream) == ([answer_to("hello")], ["stop"])
        assert ask(client, "says a kit and no more kitte", stream=stream) == (["a kit and no more kitte"], ["stop"])


def test_a_stream_stops_before_the_first_letter_of_what_is_forbidden(upstream: Upstream, upstream_url: str) -> None:
    guard = WordGuard(forbidden="secret-code")
    upstream.delay_seconds = 0.002
    with asking(upstream_url, guard) as (client, _):
        prompt = "says a long way to the secre" + "t-code and far beyond it" + " x" * 500
        guard.request = lambda messages: WordGuard("never").request(messages)  # type: ignore[method-assign]
        texts, reasons = ask(client, prompt, stream=True)
        assert texts == [f"a long way to the \n\n{WORDS}"]
        assert reasons == ["content_filter"]
        wait_until(lambda: upstream.streaming == 0)
        assert upstream.left == 1, "the model wrote on for nobody"
        assert ask(client, prompt) == ([WORDS], ["content_filter"])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fails_at", ["request", "answer", "feed", "finish"])
def test_a_guard_that_fails_refuses(upstream_url: str, fails_at: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard(fails_at=fails_at)) as (client, running):
        [text], reasons = ask(client, "hello", stream=stream)
    assert reasons == ["content_filter"]
    assert "could not be checked" in text
    if fails_at != "finish":
        assert answer_to("hello")[:4] not in text
    counted = running.service.metrics.text({})
    assert f'unmoor_guard_errors_total{{stage="{"request" if fails_at == "request" else "answer"}"}}' in counted


@pytest.mark.parametrize("action", ["frobnicate", "", "ALLOW"])
def test_an_action_that_nobody_knows_refuses(upstream_url: str, action: str) -> None:
    with asking(upstream_url, WordGuard(request_action=action)) as (client, _):
        assert ask(client, "a kitten")[1] == ["content_filter"]


def test_a_note_goes_into_the_system_message(upstream: Upstream, upstream_url: str) -> None:
    with asking(upstream_url, WordGuard(forbidden="dose", request_action="note"), system="Persona.") as (client, _):
        ask(client, "what dose?")
        assert upstream.bodies[0]["messages"][0] == {"role": "system", "content": f"Persona.\n\n{WORDS}"}
    with asking(upstream_url, WordGuard(forbidden="dose", request_action="note")) as (client, _):
        ask(client, "what dose?")
        assert upstream.bodies[1]["messages"][0] == {"role": "system", "content": WORDS}


def test_every_intervention_is_in_the_log_with_its_place_and_without_its_text(
    tmp_path: Path, upstream_url: str
) -> None:
    log = InterventionLog(tmp_path / "guard.jsonl", lambda: CLOCK)
    with asking(upstream_url, WordGuard(), log) as (client, _):
        ask(client, "draw a kitten")
        ask(client, "hello")
        ask(client, "says ki" + "ttens")  # the request holds the word too: refused there
    with asking(upstream_url, WordGuard(forbidden=answer_to("hi")[8:14]), log) as (client, _):
        ask(client, "hi", stream=True)
    lines = [json.loads(line) for line in (tmp_path / "guard.jsonl").read_text().splitlines()]
    assert [(line["stage"], line["action"], line["rule"], line["evidence"]) for line in lines] == [
        ("request", "refuse", "request.word", [[7, 13]]),
        ("request", "refuse", "request.word", [[5, 11]]),
        ("answer", "refuse", "answer.word", [[8, 14]]),
    ]
    assert set(lines[0]) == {"at", "request_id", "key_name", "stage", "action", "rule", "topic", "evidence"}
    assert (lines[0]["at"], lines[0]["key_name"], lines[0]["topic"]) == (CLOCK, "alice", "kittens")
    assert (tmp_path / "guard.jsonl").stat().st_mode & 0o777 == 0o600


def test_every_ruling_that_holds_is_a_line_of_the_log(tmp_path: Path, upstream_url: str) -> None:
    log = InterventionLog(tmp_path / "guard.jsonl", lambda: CLOCK)
    guard = WordGuard()
    guard.request = lambda _: Ruling("log", "a", "b", also=(Ruling("log", "c", "d"),))  # type: ignore[method-assign]
    with asking(upstream_url, guard, log) as (client, running):
        ask(client, "hello")
    lines = [json.loads(line) for line in (tmp_path / "guard.jsonl").read_text().splitlines()]
    assert [(line["rule"], line["topic"]) for line in lines] == [("a", "b"), ("c", "d")]
    assert 'unmoor_guard_total{action="log",stage="request"} 2' in running.service.metrics.text({})


def test_text_is_logged_only_when_the_owner_asks_for_it(tmp_path: Path, upstream_url: str) -> None:
    log = InterventionLog(tmp_path / "guard.jsonl", lambda: CLOCK, with_text=True)
    with asking(upstream_url, WordGuard(), log) as (client, _):
        ask(client, "draw a kitten")
    assert json.loads((tmp_path / "guard.jsonl").read_text())["text"] == "draw a kitten"


def test_a_log_that_cannot_be_written_is_an_error_before_serving(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        InterventionLog(tmp_path / "nowhere" / "guard.jsonl", lambda: CLOCK)


def test_a_full_disk_refuses_what_would_have_to_be_logged(upstream_url: str) -> None:
    log = InterventionLog(Path("/dev/full"), lambda: CLOCK)
    with asking(upstream_url, WordGuard(forbidden="dose", request_action="note"), log) as (client, running):
        assert ask(client, "what dose?")[1] == ["content_filter"]
        assert ask(client, "hello")[1] == ["stop"]
    assert 'unmoor_guard_errors_total{stage="log"} 1' in running.service.metrics.text({})


@pytest.mark.parametrize("stream", [False, True])
def test_calls_of_tools_and_reasoning_are_watched_too(upstream_url: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard(), tools=True) as (client, _):
        assert ask(client, "calls now", stream=stream) == ([WORDS], ["content_filter"])
    with asking(upstream_url, WordGuard(forbidden="me think"), tools=True) as (client, _):
        [text], reasons = ask(client, "thinks hard", stream=stream)
        assert reasons == ["content_filter"] and text.strip() == WORDS
    with asking(upstream_url, WordGuard(forbidden="puppy"), tools=True) as (client, _):
        answer: Any = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "calls now"}], stream=stream
        )
        if stream:
            calls = [call for chunk in answer for choice in chunk.choices for call in choice.delta.tool_calls or []]
            assert "".join(call.function.arguments or "" for call in calls) == '{"word": "kitten"}'
        else:
            assert answer.choices[0].message.tool_calls[0].function.arguments == '{"word": "kitten"}'


@pytest.mark.parametrize("stream", [False, True])
def test_the_parts_of_an_answer_are_watched_as_one_text(upstream_url: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard(forbidden="never said")) as (client, _):
        assert ask(client, "parts please", stream=stream) == ([answer_to("parts please")], ["stop"])
    for forbidden in (answer_to("parts please")[6:14], "me think"):
        with asking(upstream_url, WordGuard(forbidden=forbidden)) as (client, _):
            [text], reasons = ask(client, "parts please", stream=stream)
            assert reasons == ["content_filter"] and text.endswith(WORDS) and forbidden not in text


@pytest.mark.parametrize("stream", [False, True])
def test_the_field_for_refusals_is_passed_on_and_watched(upstream_url: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard(forbidden="rather")) as (client, _):
        [text], reasons = ask(client, "declines", stream=stream)
        assert text.strip() == WORDS and reasons == ["content_filter"]
    with asking(upstream_url, WordGuard()) as (client, _):
        messages: Any = [{"role": "user", "content": "declines"}]
        answer: Any = client.chat.completions.create(model="echo", messages=messages, stream=stream)
        choices = [choice for chunk in answer for choice in chunk.choices] if stream else answer.choices
        said = [choice.delta if stream else choice.message for choice in choices]
        assert "".join(part.refusal or "" for part in said) == "I would rather not."
        assert not any(part.content for part in said)


def deltas_behind(
    guard: WordGuard | PolicyGuard, *deltas: dict[str, str], log: InterventionLog | None = None
) -> list[dict[str, Any]]:
    """Return the deltas that are sent of a stream of these."""

    async def batches() -> AsyncGenerator[Batch, None]:
        for delta in deltas:
            yield batch_of([{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}])

    def watch() -> Watch:
        return Watch(Oversight(guard, Metrics(), log), guard.answer([]), "r1", "alice")

    async def sent() -> list[dict[str, Any]]:
        found = [chunk async for batch in guard_stream(batches(), watch, 1) for chunk in batch.chunks]
        return [chunk["choices"][0]["delta"] for chunk in found]

    return asyncio.run(sent())


def test_a_stream_has_the_end_of_its_reasoning_before_its_answer() -> None:
    thought, said = {"reasoning_content": "Let me think of it."}, {"content": "Four, I think, or more."}
    deltas = deltas_behind(WordGuard(), thought, said, {"reasoning_content": " Or five."}, {"content": " Five."})
    names = [name for delta in deltas for name in delta]
    assert [name for name, _ in groupby(names)] == ["reasoning_content", "content"] * 2
    assert "".join(delta.get("content", "") for delta in deltas) == "Four, I think, or more. Five."
    assert "".join(delta.get("reasoning_content", "") for delta in deltas) == "Let me think of it. Or five."


def test_a_word_that_is_split_over_another_field_is_seen() -> None:
    deltas = deltas_behind(WordGuard(), {"content": "a kit"}, {"reasoning_content": "go on"}, {"content": "ten"})
    assert deltas[-1]["content"].strip() == WORDS
    assert not any(delta.get("content") == "ten" for delta in deltas)


def test_what_was_logged_of_a_text_is_not_logged_again_where_the_text_goes_on(tmp_path: Path) -> None:
    def topics_in(texts: Collection[str]) -> set[str]:
        return {topic for topic in ("oak", "elm") if any(topic in text for text in texts)}

    guard = PolicyGuard(GuardRules(answer={"oak": "log", "elm": "log"}), topics_in, lambda _request, _context: [])
    log = InterventionLog(tmp_path / "log.jsonl", lambda: CLOCK)
    thoughts = [{"reasoning_content": said} for said in ("An oak, say. ", "Or an elm. ", "Yes, an elm, or an oak.")]
    said = {"content": "Let me think. "}
    deltas = deltas_behind(guard, thoughts[0], said, thoughts[1], said, thoughts[2], log=log)
    assert "".join(delta.get("reasoning_content", "") for delta in deltas).endswith("or an oak.")
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["topic"] for line in lines] == ["oak", "elm"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_looked_at_as_the_tool_will_read_it(upstream_url: str, stream: bool) -> None:
    with asking(upstream_url, WordGuard(), tools=True) as (client, _):
        assert ask(client, "escapes now", stream=stream) == ([WORDS], ["content_filter"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_long_answer_that_comes_at_once_leaves_others_their_turn(stream: bool) -> None:
    def watch() -> Watch:
        return Watch(Oversight(WordGuard(), Metrics()), WordGuard().answer([]), "r1", "alice")

    async def batches() -> AsyncGenerator[Batch, None]:
        delta = {"content": "a line\n"}
        yield batch_of([{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}] * 2_000)

    async def guarded() -> None:
        if stream:
            async for _ in guard_stream(batches(), watch, 1):
                pass
        else:
            await guard_whole({"choices": [{"message": {"content": "a line\n" * 2_000}}]}, watch)

    async def turns_of_others() -> int:
        working, turns = asyncio.create_task(guarded()), 0
        while not working.done():
            await asyncio.sleep(0)
            turns += 1
        await working
        return turns

    assert asyncio.run(turns_of_others()) > 20


def test_what_is_no_text_in_a_field_of_texts_passes_no_guard() -> None:
    """A client may put parts together that are looked at one by one."""

    def watch() -> Watch:
        return Watch(Oversight(WordGuard(), Metrics()), WordGuard().answer([]), "r1", "alice")

    parts = [{"text": "a kit"}, {"text": "ten"}]
    message = {"content": "Oak.", "reasoning": {"steps": parts}, "refusal": parts}
    (choice,) = asyncio.run(guard_whole({"choices": [{"message": message}]}, watch))["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Oak."}


def test_usage_is_counted_and_given_behind_a_guard(upstream_url: str) -> None:
    with asking(upstream_url, WordGuard()) as (client, _):
        chunks = list(
            client.chat.completions.create(
                model="echo",
                messages=[{"role": "user", "content": "hi"}],
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 16


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_cannot_show_what_a_guard_would_stop(
    upstream: Upstream, upstream_url: str, stream: bool
) -> None:
    with asking(upstream_url, WordGuard()) as (client, _), pytest.raises(openai.BadRequestError) as caught:
        ask(client, "hello", stream=stream, logprobs=True)
    assert (caught.value.param, caught.value.code) == ("logprobs", "unsupported_value")
    assert not upstream.bodies


KITTEN_TOOL: dict[str, Any] = {"type": "function", "function": {"name": "draw", "description": "Draws a kitten."}}
KITTEN_SCHEMA = {"name": "a", "schema": {"type": "object", "properties": {"kitten": {"type": "string"}}}}
PLAIN_CALL = {"id": "c1", "type": "function", "function": {"name": "draw", "arguments": "{}"}}
ESCAPED_CALL = {**PLAIN_CALL, "function": {"name": "draw", "arguments": '{"what": "{\\"a\\": \\"\\\\u006bitten\\"}"}'}}
KITTEN_CALL = {"id": "c1", "type": "function", "function": {"name": "draw", "arguments": '{"what": "a kitten"}'}}


@pytest.mark.parametrize(
    ("messages", "options"),
    [
        ([], {"tools": [KITTEN_TOOL]}),
        ([], {"response_format": {"type": "json_schema", "json_schema": KITTEN_SCHEMA}}),
        (
            [
                {"role": "assistant", "content": None, "tool_calls": [KITTEN_CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ],
            {},
        ),
        (
            [
                {"role": "assistant", "content": None, "tool_calls": [{**PLAIN_CALL, "id": "a kitten"}]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ],
            {},
        ),
        (
            [
                {"role": "assistant", "content": None, "tool_calls": [ESCAPED_CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "done"},
            ],
            {},
        ),
        ([{"role": "tool", "tool_call_id": "a kitten", "content": "done"}], {}),
        ([{"role": "tool", "tool_call_id": "c1", "content": '{"found": "\\u006bitten"}'}], {}),
        ([{"role": "assistant", "content": "a kitten?"}, {"role": "user", "content": "yes"}], {}),
    ],
    ids=["tool", "schema", "call", "call's id", "escaped call", "result's id", "escaped result", "assistant"],
)
def test_a_request_is_looked_at_wherever_it_holds_words(
    upstream: Upstream, upstream_url: str, messages: list[Any], options: Any
) -> None:
    with asking(upstream_url, WordGuard(), tools=True) as (client, _):
        answer = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "hello"}, *messages], **options
        )
    assert answer.choices[0].message.content == WORDS
    assert not upstream.bodies


def test_a_long_request_is_ruled_on_beside_the_others(upstream_url: str) -> None:
    """A guard reads a request of 190,000 code points for seconds; the server's own thread answers others meanwhile."""
    threads: dict[int, bool] = {}
    own: list[int] = []

    class Noting(WordGuard):
        def request(self, messages: Sequence[Mapping[str, Any]]) -> Ruling:
            size = sum(len(str(message["content"])) for message in messages)
            threads[size] = threading.get_ident() in own
            return super().request(messages)

        def answer(self, messages: Sequence[Mapping[str, Any]]) -> Any:
            own.append(threading.get_ident())  # what is answered is watched where the server runs
            return super().answer(messages)

    with asking(upstream_url, Noting()) as (client, _):
        for text in ("hello", "hi", "hello " * 5_000):
            ask(client, text)
    assert threads == {5: False, 2: True, 30_000: False}
