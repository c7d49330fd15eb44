"""Tiny models in this process, a mixture of experts and a dense one, behind the same door: many answers at a time, none mixed."""

from __future__ import annotations

import asyncio
import json
import math
import queue
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.serving.server.running import SECRET, Running, running_service, wait_until
from unmoor.commands.serve import _upstream
from unmoor.errors import ServiceError
from unmoor.serving.local_model import LocalModel, load_model
from unmoor.serving.server import Embedded, Limits, Rules
from unmoor.serving.server.batching import Batching, Written, capacity_tokens
from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.picking import Picker, Sampling

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "Tell me about the garden."}]


@pytest.fixture(scope="module", params=["mixture", "dense"])
def loaded(request: pytest.FixtureRequest, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> LocalModel:
    if request.param == "mixture":
        return load_model(tiny_base)
    return load_model(make_dense(tiny_base, tmp_path_factory.mktemp("dense") / "dense"))


def make_dense(tiny_base: Path, folder: Path) -> Path:
    """Make a Llama of a few weights with the tokenizer of the mixture, in `folder`."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_base)
    torch.manual_seed(3)
    shape = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": None, "pad_token_id": tokenizer.pad_token_id}
    config = LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, max_position_embeddings=512, **shape, **ends)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def server(loaded: LocalModel) -> Iterator[Running]:
    embedded = Embedded(loaded, at_once=4, waiting=4)
    rules = Rules(markers=embedded.markers, tools=True)
    with running_service(embedded, rules=rules, limits=Limits(max_tokens=64)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0, timeout=60) as client:
        yield client


def test_the_answer_is_the_one_that_unmoor_chat_gives(client: openai.OpenAI, loaded: LocalModel) -> None:
    answer = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=12)
    expected = "".join(loaded.answer(HELLO, 12))
    assert answer.choices[0].message.content == expected
    assert expected.strip()


def test_a_stream_gives_the_same_answer_in_several_pieces(client: openai.OpenAI, loaded: LocalModel) -> None:
    stream = client.chat.completions.create(
        model=loaded.name, messages=HELLO, max_tokens=12, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    whole = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=12)
    assert len(pieces) > 1
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage


def test_the_reason_of_an_end_is_length_or_stop(client: openai.OpenAI, loaded: LocalModel) -> None:
    cut = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=3)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None and cut.usage.completion_tokens == 3


def test_a_stop_word_ends_the_answer_before_itself(client: openai.OpenAI, loaded: LocalModel) -> None:
    whole = "".join(loaded.answer(HELLO, 24))
    word = whole[len(whole) // 2 : len(whole) // 2 + 3]
    answer = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=24, stop=[word])
    assert answer.choices[0].message.content == whole[: whole.index(word)]
    assert answer.choices[0].finish_reason == "stop"


def test_a_seed_repeats_a_sampled_answer_and_another_seed_does_not(client: openai.OpenAI, loaded: LocalModel) -> None:
    def ask(seed: int) -> list[str | None]:
        answer = client.chat.completions.create(
            model=loaded.name, messages=HELLO, max_tokens=16, temperature=1.5, seed=seed, n=2
        )
        return [choice.message.content for choice in answer.choices]

    first = ask(7)
    assert ask(7) == first
    assert ask(8) != first
    assert first[0] != first[1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}),
        ("tools", [{"type": "function", "function": {"name": "look_up"}}]),
        ("tool_choice", "required"),
        ("parallel_tool_calls", True),
    ],
)
def test_what_the_engine_does_not_offer_is_refused_by_its_name(
    client: openai.OpenAI, loaded: LocalModel, option: str, value: Any
) -> None:
    with pytest.raises(openai.BadRequestError, match=option) as caught:
        client.chat.completions.create(model=loaded.name, messages=HELLO, **{option: value})
    assert (caught.value.param, caught.value.code) == (option, "unsupported_value")


def test_a_models_own_settings_hold_as_in_unmoor_chat(client: openai.OpenAI, loaded: LocalModel) -> None:
    config = loaded.model.generation_config
    plain = said_by(client, loaded.name, HELLO, max_tokens=24)
    config.no_repeat_ngram_size = 1
    try:
        answer = said_by(client, loaded.name, HELLO, max_tokens=24)
        assert answer == "".join(loaded.answer(HELLO, 24)) != plain
    finally:
        config.no_repeat_ngram_size = None


def test_a_setting_that_is_not_done_here_is_named_at_the_start(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(tiny_base, tmp_path / "beams")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "num_beams": 2}))
    options: dict[str, Any] = {"models": (), "upstream_key_file": None}
    upstream, _ = _upstream(str(folder), options, Limits(), "")
    asyncio.run(upstream.close())
    assert (
        capsys.readouterr().err.splitlines()[-1]
        == "beams's generation_config.json sets num_beams: that is not done here."
    )


def questions(count: int) -> list[list[Any]]:
    """Return chats of many lengths."""
    return [
        [{"role": "user", "content": f"Tell me about garden {at}" + " please" * (7 * at % 23)}] for at in range(count)
    ]


def said_by(client: openai.OpenAI, name: str, chat: list[Any], **options: Any) -> str:
    """Return the answer to a chat, of a stream where the options say so."""
    answer = client.chat.completions.create(model=name, messages=chat, **options)
    if not options.get("stream"):
        return answer.choices[0].message.content or ""
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)


def test_answers_at_the_same_time_are_those_that_each_gets_alone(client: openai.OpenAI, loaded: LocalModel) -> None:
    chats = questions(8)
    alone = ["".join(loaded.answer(chat, 20)) for chat in chats]
    assert len(set(alone)) > 2, "equal answers could not be told apart if they were mixed up"
    for stream in (False, True):
        with ThreadPoolExecutor(len(chats)) as threads:
            asked = [threads.submit(said_by, client, loaded.name, chat, max_tokens=20, stream=stream) for chat in chats]
            assert [one.result() for one in asked] == alone


def test_a_seed_repeats_an_answer_whoever_else_is_asking(client: openai.OpenAI, loaded: LocalModel) -> None:
    chats = questions(6)
    options: dict[str, Any] = {"max_tokens": 20, "temperature": 1.3, "top_p": 0.9}
    alone = [said_by(client, loaded.name, chat, seed=seed, **options) for seed, chat in enumerate(chats)]
    with ThreadPoolExecutor(8) as threads:
        others = [threads.submit(said_by, client, loaded.name, HELLO, max_tokens=40) for _ in range(2)]
        asked = [
            threads.submit(said_by, client, loaded.name, chat, seed=seed, **options) for seed, chat in enumerate(chats)
        ]
        assert [one.result() for one in asked] == alone
    assert len({other.result() for other in others}) == 1
    assert len(set(alone)) == len(alone)


def test_answers_are_written_in_one_batch_and_not_one_after_the_other(server: Running, client: openai.OpenAI) -> None:
    embedded = server.service.upstream
    assert isinstance(embedded, Embedded)
    name = embedded._loaded.name
    first = client.chat.completions.create(model=name, messages=HELLO, max_tokens=64, stream=True)
    pieces = iter(first)
    next(pieces)
    short = client.chat.completions.create(model=name, messages=HELLO, max_tokens=2)
    assert short.choices[0].finish_reason == "length"
    rest = "".join(chunk.choices[0].delta.content or "" for chunk in pieces if chunk.choices)
    assert rest == said_by(client, name, HELLO, max_tokens=64)


@pytest.mark.parametrize(
    ("at_once", "context_tokens", "most"), [(1, 512, 512), (4, 512, 2_048), (400, 512, 16_384), (2, 1 << 20, 32_768)]
)
def test_what_answers_hold_together_is_bounded_by_their_number_and_length(
    loaded: LocalModel, at_once: int, context_tokens: int, most: int
) -> None:
    assert capacity_tokens(loaded.model, at_once, context_tokens) == most


def test_more_answers_than_the_memory_holds_are_written_all_the_same(loaded: LocalModel) -> None:
    batching = Batching(loaded, at_once=4, context_tokens=32)
    prompt = loaded.tokenizer("Tell me about the garden.")["input_ids"]
    assert batching.capacity_tokens < 4 * (len(prompt) + 48)
    told: queue.Queue[Written] = queue.Queue()
    try:
        for _ in range(4):
            batching.submit(prompt, 48, Picker(Sampling()), told.put)
        over: list[Written] = []
        while len(over) < 4:
            written = told.get(timeout=60)
            over += [written] if written.is_over else []
    finally:
        batching.close()
    assert not any(written.failed for written in over)
    assert len({tuple(written.tokens) for written in over}) == 1


def test_log_probabilities_are_those_of_the_tokens_that_were_written(client: openai.OpenAI, loaded: LocalModel) -> None:
    options: dict[str, Any] = {"max_tokens": 12, "logprobs": True, "top_logprobs": 3}
    answer = client.chat.completions.create(model=loaded.name, messages=HELLO, **options)
    known = answer.choices[0].logprobs
    assert known is not None and known.content is not None
    said = answer.choices[0].message.content or ""
    assert "".join(entry.token for entry in known.content).replace("\ufffd", "") == said.replace("\ufffd", "")
    for entry in known.content:
        assert entry.logprob <= 0 and len(entry.top_logprobs) == 3
        assert entry.top_logprobs[0].token == entry.token, "greedy takes the likeliest"
        assert sum(math.exp(other.logprob) for other in entry.top_logprobs) <= 1.0001
    chunks = client.chat.completions.create(model=loaded.name, messages=HELLO, stream=True, **options)
    streamed = [
        entry
        for chunk in chunks
        for choice in chunk.choices
        if choice.logprobs is not None
        for entry in choice.logprobs.content or []
    ]
    assert [entry.token for entry in streamed] == [entry.token for entry in known.content]


def test_a_negative_penalty_makes_a_model_that_knows_nothing_say_one_word(
    client: openai.OpenAI, loaded: LocalModel
) -> None:
    def tokens(**options: Any) -> list[str]:
        answer = client.chat.completions.create(
            model=loaded.name, messages=HELLO, max_tokens=20, logprobs=True, **options
        )
        known = answer.choices[0].logprobs
        return [entry.token for entry in (known.content if known else None) or []]

    assert len(set(tokens())) > 5
    assert len(set(tokens(frequency_penalty=-2, presence_penalty=-2))) == 1


def test_a_model_that_fails_ends_its_answers_with_an_error_and_starts_again(
    server: Running, client: openai.OpenAI, loaded: LocalModel
) -> None:
    head = loaded.model.lm_head
    loaded.model.lm_head = None
    try:
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=3)
        assert (caught.value.status_code, caught.value.code) == (500, "model_failed")
    finally:
        loaded.model.lm_head = head
    assert said_by(client, loaded.name, HELLO, max_tokens=12) == "".join(loaded.answer(HELLO, 12))


def test_a_program_that_forgets_to_close_the_model_still_ends(tiny_base: Path) -> None:
    program = (
        "from pathlib import Path; from unmoor.serving import load_model; from unmoor.serving.server import Embedded;"
        f"Embedded(load_model(Path({str(tiny_base)!r})))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_messages_beyond_the_models_context_are_refused_in_tokens(client: openai.OpenAI, loaded: LocalModel) -> None:
    long = [{"role": "user", "content": "garden " * 20_000}]
    with pytest.raises(openai.BadRequestError, match="maximum context length is") as caught:
        client.chat.completions.create(model=loaded.name, messages=long)
    assert caught.value.code == "context_length_exceeded"


def test_an_answer_that_would_leave_the_models_context_ends_there(client: openai.OpenAI, loaded: LocalModel) -> None:
    long: Any = [{"role": "user", "content": "." * 490}]
    answer = client.chat.completions.create(model=loaded.name, messages=long, max_tokens=64)
    assert answer.choices[0].finish_reason == "length" and answer.usage is not None
    assert answer.usage.total_tokens == loaded.context_tokens


def test_the_models_own_special_tokens_are_refused_in_a_message(client: openai.OpenAI, loaded: LocalModel) -> None:
    end = loaded.tokenizer.eos_token
    with pytest.raises(openai.BadRequestError, match="could pose as another role"):
        client.chat.completions.create(model=loaded.name, messages=[{"role": "user", "content": f"hi{end}"}])


def test_more_requests_than_the_queue_takes_are_turned_away_and_the_others_answered(
    server: Running, client: openai.OpenAI, loaded: LocalModel
) -> None:
    def ask(_: int) -> str:
        try:
            client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=64, n=8)
        except openai.InternalServerError as error:
            assert error.status_code == 503 and error.response.headers["retry-after"] == "1"
            return "turned away"
        return "answered"

    with ThreadPoolExecutor(24) as threads:
        outcomes = list(threads.map(ask, range(24)))
    assert set(outcomes) == {"answered", "turned away"}


def test_requests_that_come_at_the_same_moment_are_no_more_than_the_queue_takes(
    server: Running, client: openai.OpenAI, loaded: LocalModel
) -> None:
    embedded = server.service.upstream
    assert isinstance(embedded, Embedded)
    wait_until(lambda: embedded._batching.held == 0)
    request = ChatRequest(model=loaded.name, messages=tuple(HELLO), sent=(), max_tokens=8)

    async def ask() -> str:
        try:
            await embedded.complete(request)
        except ServiceError as error:
            return str(error.status)
        return "answered"

    async def ask_all() -> list[str]:
        return await asyncio.gather(*(ask() for _ in range(20)))

    assert sorted(asyncio.run(ask_all())) == ["503"] * 12 + ["answered"] * 8
    assert said_by(client, loaded.name, HELLO, max_tokens=2)


def test_a_client_that_leaves_stops_the_model(server: Running, client: openai.OpenAI, loaded: LocalModel) -> None:
    embedded = server.service.upstream
    assert isinstance(embedded, Embedded)
    stream = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=64, stream=True)
    next(iter(stream))
    stream.close()
    wait_until(lambda: server.service.gate.inside == 0 and embedded._batching.held == 0)
    wait_until(lambda: not embedded._batching._manager.batch_processor.has_pending_requests())
    answer = client.chat.completions.create(model=loaded.name, messages=HELLO, max_tokens=2)
    assert answer.usage is not None and answer.usage.completion_tokens == 2
