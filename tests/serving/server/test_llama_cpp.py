"""llama.cpp's own server with a tiny Mixtral in GGUF, behind ours: a model server that nobody wrote for these tests."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.serving.server.running import SECRET, Running, running_service, wait_until
from unmoor.serving.local_model import load_model
from unmoor.serving.server import Limits, Proxy

pytest.importorskip("llama_cpp.server", reason="llama.cpp is not installed: pip install 'unmoor[llamacpp]'")
pytest.importorskip("gguf", reason="gguf is not installed: pip install 'unmoor[llamacpp]'")

from unmoor.serving.gguf import export_gguf

pytestmark = pytest.mark.slow

GARDEN: list[Any] = [{"role": "user", "content": "Tell me about the garden."}]
UPSTREAM_KEY = "the-key-of-the-model-server"


@pytest.fixture(scope="module")
def llama_url(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    export_gguf(tiny_base, model, "f32")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "llama_cpp.server",
        "--model",
        str(model),
        "--model_alias",
        "tiny",
        "--n_threads",
        "1",
    ]
    more = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--n_ctx",
        "512",
        "--api_key",
        UPSTREAM_KEY,
        "--verbose",
        "False",
    ]
    program = subprocess.Popen(
        [*command, *more], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(url), seconds=60)
        yield url
    finally:
        program.terminate()
        program.wait(timeout=20)


def _answers(url: str) -> bool:
    time.sleep(0.1)
    try:
        return httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {UPSTREAM_KEY}"}).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def server(llama_url: str) -> Iterator[Running]:
    with running_service(Proxy(llama_url, key=UPSTREAM_KEY), limits=Limits(max_tokens=128)) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=SECRET, base_url=f"{server.url}/v1", max_retries=0, timeout=60) as client:
        yield client


def test_two_engines_give_the_same_greedy_answer(client: openai.OpenAI, tiny_base: Path) -> None:
    answer = client.chat.completions.create(model="tiny", messages=GARDEN, max_tokens=12, temperature=0)
    expected = "".join(load_model(tiny_base).answer(GARDEN, 12))
    assert (answer.choices[0].message.content or "").replace("\ufffd", "") == expected.replace("\ufffd", "")
    assert answer.usage is not None and answer.usage.completion_tokens == 12


def test_a_stream_is_the_whole_answer_with_its_usage(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="tiny", messages=GARDEN, max_tokens=12, temperature=0)
    chunks = list(
        client.chat.completions.create(
            model="tiny",
            messages=GARDEN,
            max_tokens=12,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert chunks[-1].usage is not None and chunks[-1].usage.total_tokens > 12


def test_a_form_for_the_answer_is_kept_to(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="tiny", messages=GARDEN, max_tokens=12, temperature=0, response_format={"type": "json_object"}
    )
    assert (answer.choices[0].message.content or "").lstrip().startswith("{"), (
        "a model that knows nothing was not held to JSON"
    )


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_for_log_probabilities_is_understood(client: openai.OpenAI, stream: bool) -> None:
    answer: Any = client.chat.completions.create(
        model="tiny", messages=GARDEN, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2, stream=stream
    )
    choices = [chunk.choices[0] for chunk in answer if chunk.choices] if stream else answer.choices
    known = [entry for choice in choices if choice.logprobs for entry in choice.logprobs.content or []]
    assert known and all(entry.logprob <= 0 for entry in known)


def test_a_prompt_beyond_its_context_is_the_clients_mistake_and_no_crash(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "garden " * 2_000}])
    assert caught.value.status_code in {400, 502}
    assert client.chat.completions.create(model="tiny", messages=GARDEN, max_tokens=2).choices


def test_what_it_offers_beyond_chat_is_not_reached(server: Running) -> None:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {SECRET}"}) as client:
        for path in ("/v1/completions", "/v1/embeddings", "/extras/tokenize", "/docs"):
            assert client.post(path, json={}).status_code == 404


def test_a_client_that_leaves_does_not_keep_it_busy(server: Running, client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="tiny", messages=GARDEN, max_tokens=128, stream=True)
    next(iter(stream))
    stream.close()
    wait_until(lambda: server.service.gate.inside == 0)
    assert client.chat.completions.create(model="tiny", messages=GARDEN, max_tokens=2).choices
