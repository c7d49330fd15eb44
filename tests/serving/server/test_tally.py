"""What a request used: the model server's count where it gives one, an estimate where it gives none or nonsense."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from unmoor.serving.server.chat_request import ChatRequest
from unmoor.serving.server.tally import Tally
from unmoor.serving.server.upstream import Batch, batch_of

REQUEST = ChatRequest(model="m", messages=({"role": "user", "content": "x" * 41},), sent=(), max_tokens=9, stream=True)
WORD = {"id": "a", "choices": [{"index": 0, "delta": {"content": "word"}}]}


def events_of(*chunks: dict[str, Any]) -> Batch:
    return batch_of(chunks)


def run(tally: Tally, *batches: Batch) -> list[Batch]:
    async def said() -> AsyncGenerator[Batch, None]:
        for batch in batches:
            yield batch

    async def all_of() -> list[Batch]:
        return [batch async for batch in tally.over(said())]

    return asyncio.run(all_of())


def test_the_events_that_only_count_are_kept_back() -> None:
    tally = Tally(REQUEST)
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    shown = run(tally, events_of(WORD, WORD), events_of(WORD, usage), events_of(usage))
    assert [list(batch.chunks) for batch in shown] == [[WORD, WORD], [WORD]]
    assert [batch.data for batch in shown] == [[orjson.dumps(WORD)] * 2, [orjson.dumps(WORD)]]
    assert tally.usage() == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    assert tally.last_chunk() == {"id": "a", "choices": [], "usage": tally.usage()}


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": "7"},
        {"prompt_tokens": -7, "completion_tokens": None},
        {"prompt_tokens": 2**63, "completion_tokens": 2**63},
        {"prompt_tokens": True, "completion_tokens": False},
    ],
)
def test_without_a_count_letters_and_pieces_are_counted(usage: Any) -> None:
    tally = Tally(REQUEST)
    run(tally, events_of(WORD, WORD, {"choices": [], "usage": usage}))
    assert tally.usage() == {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}


def test_a_whole_answer_without_a_count_is_counted_by_its_letters() -> None:
    tally = Tally(REQUEST)
    tally.whole({"choices": [{"index": 0, "message": {"content": "x" * 9}}]})
    assert tally.usage()["completion_tokens"] == 3
