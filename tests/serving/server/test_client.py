"""The vendor's own Python client against a real server on loopback."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from tests.serving.server.conftest import PERSONA
from tests.serving.server.running import SECRET, Running, running_service
from tests.serving.server.upstream_app import Upstream, answer_to
from unmoor.serving.server import Limits, Proxy, Rules

HELLO: list[Any] = [{"role": "user", "content": "hello there"}]


def test_a_chat_gets_the_answer_of_the_model_and_its_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="echo", messages=HELLO)
    assert answer.choices[0].message.content == answer_to("hello there")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None and answer.usage.completion_tokens == 16
    assert answer._request_id


def test_the_persona_comes_first_and_the_clients_key_stays_here(client: openai.OpenAI, upstream: Upstream) -> None:
    client.chat.completions.create(model="echo", messages=HELLO, user="me", prompt_cache_key="me too")
    assert upstream.bodies[0]["messages"] == [{"role": "system", "content": PERSONA}, *HELLO]
    assert SECRET not in str(upstream.headers) + str(upstream.bodies)
    assert upstream.bodies[0].keys() == {"model", "messages", "max_tokens"}


def test_a_stream_comes_piece_by_piece_and_is_whole(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="echo", messages=HELLO, stream=True))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(pieces) == 16
    assert "".join(pieces) == answer_to("hello there")
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_stream_ends_with_its_usage_when_asked(client: openai.OpenAI) -> None:
    options = {"include_usage": True}
    chunks = list(client.chat.completions.create(model="echo", messages=HELLO, stream=True, stream_options=options))
    assert chunks[-1].choices == [] and chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + 16
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_in_parts_is_its_text(client: openai.OpenAI, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "parts please"}]
    answer: Any = client.chat.completions.create(model="echo", messages=messages, stream=stream)
    said = [one.choices[0].delta for one in answer if one.choices] if stream else [answer.choices[0].message]
    assert "".join(part.content or "" for part in said) == answer_to("parts please")
    assert "".join(getattr(part, "reasoning_content", None) or "" for part in said) == "Let me think."


@pytest.mark.parametrize("stream", [False, True])
def test_several_choices_are_answered(client: openai.OpenAI, stream: bool) -> None:
    said = {0: "", 1: "", 2: ""}
    if stream:
        for chunk in client.chat.completions.create(model="echo", messages=HELLO, n=3, stream=True):
            for choice in chunk.choices:
                said[choice.index] += choice.delta.content or ""
    else:
        for choice in client.chat.completions.create(model="echo", messages=HELLO, n=3).choices:
            said[choice.index] += choice.message.content or ""
    assert said == {index: answer_to("hello there", index) for index in range(3)}


@pytest.mark.parametrize("prompt", ["thinks a bit", "declines", "parts please"])
def test_an_answer_can_be_sent_back_as_it_came(client: openai.OpenAI, upstream: Upstream, prompt: str) -> None:
    asked: list[Any] = [{"role": "user", "content": prompt}]
    message = client.chat.completions.create(model="echo", messages=asked).choices[0].message
    client.chat.completions.create(model="echo", messages=[*asked, message, *HELLO])  # type: ignore[list-item]
    said = message.content or "I would rather not."
    assert upstream.bodies[1]["messages"][2] == {"role": "assistant", "content": said}


def test_every_option_reaches_the_model(client: openai.OpenAI, upstream: Upstream) -> None:
    client.chat.completions.create(
        model="echo", messages=HELLO, stop=["END"], max_completion_tokens=7, temperature=0.5, top_p=0.9, seed=3,
        presence_penalty=0.1, frequency_penalty=-0.1, response_format={"type": "json_object"}, logprobs=True, top_logprobs=2,
    )  # fmt: skip
    assert upstream.bodies[0] == {
        "model": "echo", "messages": upstream.bodies[0]["messages"], "stop": ["END"], "max_tokens": 7, "temperature": 0.5,
        "top_p": 0.9, "seed": 3, "presence_penalty": 0.1, "frequency_penalty": -0.1, "response_format": {"type": "json_object"},
        "logprobs": True, "top_logprobs": 2,
    }  # fmt: skip


def test_a_schema_for_the_answer_reaches_the_model_as_it_is(client: openai.OpenAI, upstream: Upstream) -> None:
    schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    client.chat.completions.create(model="echo", messages=HELLO, response_format=form)
    assert upstream.bodies[0]["response_format"] == form


@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_of_the_model_server_are_passed_on(client: openai.OpenAI, stream: bool) -> None:
    answer: Any = client.chat.completions.create(
        model="echo", messages=HELLO, logprobs=True, top_logprobs=1, stream=stream
    )
    chunks = [chunk.choices[0] for chunk in answer] if stream else answer.choices
    known = [entry for choice in chunks if choice.logprobs for entry in choice.logprobs.content]
    assert "".join(entry.token for entry in known) == answer_to("hello there")
    assert known[0].top_logprobs[0].token == "other"


def test_the_personas_sampling_holds_unless_the_client_says_otherwise(upstream: Upstream, upstream_url: str) -> None:
    rules = Rules(sampling={"temperature": 0.7, "top_p": 0.95})
    with running_service(Proxy(upstream_url), rules=rules) as server:
        client = openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0)
        with client:
            client.chat.completions.create(model="echo", messages=HELLO, temperature=0)
    assert (upstream.bodies[0]["temperature"], upstream.bodies[0]["top_p"]) == (0, 0.95)


@pytest.mark.parametrize(
    ("given", "persona", "sent"), [({}, 30, 30), ({"max_tokens": 7}, 30, 7), ({"max_tokens": 40}, 30, 40), ({}, 99, 50)]
)
def test_the_personas_longest_answer_holds_unless_the_client_says_otherwise_and_under_the_owners(
    upstream: Upstream, upstream_url: str, given: dict[str, int], persona: int, sent: int
) -> None:
    rules, limits = Rules(sampling={"max_tokens": persona}), Limits(max_tokens=50)
    with running_service(Proxy(upstream_url), rules=rules, limits=limits) as server:
        client = openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0)
        with client:
            client.chat.completions.create(model="echo", messages=HELLO, **given)
    assert upstream.bodies[0]["max_tokens"] == sent


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["echo", "other"]


NOT_SERVED: dict[str, Any] = {
    "completions": lambda client: client.completions.create(model="echo", prompt="hello"),
    "embeddings": lambda client: client.embeddings.create(model="echo", input="hello"),
    "responses": lambda client: client.responses.create(model="echo", input="hello"),
    "one model": lambda client: client.models.retrieve("echo"),
    "without /v1": lambda client: client.with_options(base_url=str(client.base_url)[:-3]).models.list(),
}


@pytest.mark.parametrize("what", NOT_SERVED)
def test_what_is_not_served_is_a_not_found_error_that_names_what_is(client: openai.OpenAI, what: str) -> None:
    with pytest.raises(openai.NotFoundError, match="answers /v1/chat/completions, /v1/models") as caught:
        NOT_SERVED[what](client)
    assert caught.value.code == "unknown_url"


def test_a_wrong_key_is_an_authentication_error(server: Running) -> None:
    client = openai.OpenAI(api_key="wrong", base_url=f"{server.url}/v1", max_retries=0)
    with client, pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"


def test_an_unknown_model_is_a_not_found_error_that_names_the_nearest(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match='Did you mean "echo"') as caught:
        client.chat.completions.create(model="ecko", messages=HELLO)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_a_negative_max_tokens_is_a_bad_request_error(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="Expected a value >= 1, but got -1") as caught:
        client.chat.completions.create(model="echo", messages=HELLO, max_tokens=-1)
    assert (caught.value.code, caught.value.param) == ("integer_below_min_value", "max_tokens")
    assert caught.value.type == "invalid_request_error"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("word", ["fail", "page", "forbid", "noise"])
def test_an_upstream_that_fails_at_once_is_an_internal_server_error(
    client: openai.OpenAI, word: str, stream: bool
) -> None:
    if word == "noise" and not stream:
        pytest.skip("noise is for streams")
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": word}], stream=stream)
    assert caught.value.status_code == 502
    assert "secret" not in str(caught.value)


def test_a_busy_upstream_is_a_503_with_its_own_time_to_wait(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "busy"}])
    assert caught.value.status_code == 503
    assert caught.value.response.headers["retry-after"] == "7"


def test_the_models_own_words_about_a_bad_request_are_passed_on(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="maximum context length is 9 tokens"):
        client.chat.completions.create(model="echo", messages=[{"role": "user", "content": "refuse"}])


@pytest.mark.parametrize("word", ["die", "half", "late-error", "nobody", "unended"])
def test_a_stream_that_breaks_is_an_error_and_never_an_end(client: openai.OpenAI, word: str) -> None:
    said = []
    with pytest.raises(openai.APIError) as caught:
        for chunk in client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": word}], stream=True
        ):
            said.append(chunk.choices[0].delta.content or "")
    assert answer_to(word).startswith("".join(said))
    assert "model server" in str(caught.value)
