"""From prompts as they arrive to tokens as they are written: many answers at a time, each joining and leaving at any token.

This is transformers' continuous batching with two things of ours: every request picks its tokens by its own options and seed, and
the memory that the answers share is bounded by their number and not by what the machine has. Requires transformers 5.23 or later.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unmoor.errors import ServiceError, UsageError
from unmoor.serving.local_model import LocalModel
from unmoor.serving.server.picking import Picker

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batching", "Written", "capacity_tokens"]

_LOG = logging.getLogger(__name__)
PAGE_TOKENS = 32
"""Tokens by which an answer's memory grows; the library's 256 would leave most of a short chat's memory empty."""
STEP_TOKENS = 256
"""Tokens of one pass through the model: longer prompts are read in pieces, between the tokens of the answers that run."""
SHARED_TOKENS = 16_384
"""Held for all answers together: beyond it the attention mask of one pass, which covers them all, costs more than it brings."""
LONGEST_TOKENS = 32_768
"""The longest prompt and answer, Mixtral's context; a model that takes more is cut here, by the same mask's cost."""
SHARE_OF_MEMORY = 0.25
"""How much of the memory that is free at the start the answers may take together."""
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.1
_TICKETS = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Written:
    """All tokens of one answer so far; `is_over` when the model ended it, by an end token or at the most tokens."""

    tokens: Sequence[int]
    is_over: bool
    failed: bool = False


Hear = Callable[[Written], None]


class Batching:
    """One model and the answers that it writes at the same time. What is written is told from a thread."""

    def __init__(self, loaded: LocalModel, *, at_once: int, context_tokens: int) -> None:
        self._model = loaded.model
        self._name = loaded.name
        self._at_once = at_once
        self.capacity_tokens = capacity_tokens(loaded.model, at_once, context_tokens)
        self._heard: dict[str, Hear] = {}
        self._pickers: dict[int, Picker] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._is_closed = False
        self._start()

    @property
    def held(self) -> int:
        """Return how many answers are being written or wait."""
        return len(self._heard)

    @property
    def is_alive(self) -> bool:
        """Say whether somebody writes and somebody listens."""
        return self._listener.is_alive() and bool(self._manager.is_running())

    def submit(self, prompt: Sequence[int], most_tokens: int, picker: Picker, hear: Hear) -> int:
        """Let an answer join and return its ticket; `hear` is told what is written, until it is over or taken back.

        Raises:
            ServiceError: 503, the model has stopped.
        """
        ticket = next(self._numbers) % _TICKETS
        self._pickers[ticket] = picker
        self._heard[str(ticket)] = hear
        self._manager.add_request(
            list(prompt), request_id=str(ticket), max_new_tokens=most_tokens, streaming=True, ticket=ticket
        )
        if not self.is_alive:
            self.take_back(ticket)
            raise _stopped()
        return ticket

    def take_back(self, ticket: int) -> None:
        """Let an answer leave at the next token; it may have ended already."""
        self._pickers.pop(ticket, None)
        if self._heard.pop(str(ticket), None) is not None:
            self._manager.cancel_request(str(ticket))

    def revive(self) -> None:
        """Start the model's thread again if an error ended it.

        Raises:
            ServiceError: 503, it does not start.
        """
        with self._lock:
            if self._is_closed:
                raise _stopped()
            if self.is_alive:
                return
            self._listener.join(_STOP_SECONDS)
            try:
                self._start()
            except UsageError as error:
                raise _stopped() from error

    def close(self) -> None:
        """End every answer and the thread."""
        with self._lock:
            self._is_closed = True
        self._manager.stop(block=True, timeout=_STOP_SECONDS, hard_stop=True)
        self._listener.join(_STOP_SECONDS)

    def _start(self) -> None:
        self._manager = _manager(self._model, self._pickers, self._at_once, self.capacity_tokens)
        self._manager.start()
        self._listener = threading.Thread(target=self._listen, args=(self._manager,), name="answers")
        self._wait_until_ready()
        self._listener.start()

    def _wait_until_ready(self) -> None:
        """Raise unless the thread got as far as asking for work: memory is taken there, and unknown layers are met there."""
        passed = 0.0
        while self._manager.batch_processor is None and self._manager.is_running() and passed < _START_SECONDS:
            threading.Event().wait(_POLL_SECONDS / 10)
            passed += _POLL_SECONDS / 10
        if self._manager.batch_processor is None:
            why = self._manager.background_thread_status.fatal_error or "it does not start"
            raise UsageError(
                f"{self._name} cannot be served in this process: {str(why).splitlines()[0]}. "
                "Next: put a model server in front of it (vLLM, llama.cpp) and give its URL"
            )

    def _listen(self, manager: Any) -> None:
        """Pass on what the model's thread writes; end that thread when the program ends without having closed it.

        The program waits for this thread: one that it cut off in the midst of the model's own code would abort it.
        """
        while manager.is_running():
            output = manager.get_result(timeout=_POLL_SECONDS)
            if output is not None:
                self._pass_on(output)
            elif not threading.main_thread().is_alive():
                manager.stop(block=False, hard_stop=True)
        while (output := manager.get_result(timeout=0)) is not None:
            self._pass_on(output)
        for name in list(self._heard):
            self._tell(name, Written((), is_over=True, failed=True))

    def _pass_on(self, output: Any) -> None:
        if output.error:
            _LOG.error("the model failed: %s", output.error)
        self._tell(
            output.request_id,
            Written(output.generated_tokens, is_over=output.is_finished(), failed=output.error is not None),
        )

    def _tell(self, name: str, written: Written) -> None:
        hear = self._heard.get(name)
        if written.is_over:
            self._heard.pop(name, None)
            self._pickers.pop(int(name), None)
        if hear is not None:
            hear(written)


def capacity_tokens(model: Any, at_once: int, context_tokens: int) -> int:
    """Return how many tokens, of prompts and answers together, are held at a time.

    One whole context where memory allows it, and more where contexts are short; never more than `at_once` of them could fill.
    """
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token_bytes = 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize
    wanted = min(max(context_tokens, min(at_once * context_tokens, SHARED_TOKENS)), LONGEST_TOKENS)
    allowed = int(_free_bytes(model.device) * SHARE_OF_MEMORY) // token_bytes
    return int(max(2 * PAGE_TOKENS, min(wanted, allowed) // PAGE_TOKENS * PAGE_TOKENS))


def _free_bytes(device: Any) -> int:
    import psutil
    import torch

    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def _manager(model: Any, pickers: dict[int, Picker], at_once: int, tokens: int) -> Any:
    """Return transformers' manager of a continuous batch, not started yet."""
    from transformers import ContinuousBatchingConfig, GenerationConfig

    own = model.generation_config
    ends = own.eos_token_id if own.eos_token_id is not None else -1
    shape = ContinuousBatchingConfig(
        page_size=PAGE_TOKENS,
        num_blocks=tokens // PAGE_TOKENS,
        max_batch_tokens=max(STEP_TOKENS, at_once),
        max_requests_per_batch=at_once,
        use_cuda_graph=False,  # a graph would replay one request's options for all
        use_async_batching=False,
        auto_switch_to_flash=False,  # would fetch code from the network
    )
    greedy = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=own.pad_token_id)
    manager = model.init_continuous_batching(generation_config=greedy, continuous_batching_config=shape)
    manager.logit_processor = _processors(pickers)
    return manager


def _processors(pickers: dict[int, Picker]) -> Any:
    """Return what the library calls between the model's scores and its argmax: each row goes to its own request's picker."""
    import torch
    from transformers.generation import LogitsProcessorList
    from transformers.generation.continuous_batching.cb_logits_processors import (
        ContinuousBatchingLogitsProcessor,
        ContinuousBatchingLogitsProcessorList,
    )

    class PerRequest(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]
        supported_kwargs = {"ticket": int}  # noqa: RUF012
        ignored_kwargs = ()

        def fill_defaults(self, int32_tensor: Tensor) -> None:
            int32_tensor.fill_(0)

        def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Tensor:
            tickets = [request.state.logit_processor_kwargs.get("ticket", 0) for request in requests_with_new_token]
            return torch.tensor(tickets, dtype=torch.int32)

        def __call__(self, scores: Tensor, tensor_arg: Tensor) -> Tensor:
            for row, ticket in enumerate(tensor_arg[: scores.shape[0]].tolist()):
                picker = pickers.get(ticket)
                if picker is not None and not picker.changes_nothing:
                    scores[row] = picker.row(scores[row])
            return scores

    made = ContinuousBatchingLogitsProcessorList(LogitsProcessorList([PerRequest()]))
    made.tensors_required = 1
    return made


def _stopped() -> ServiceError:
    return ServiceError(503, "The model has stopped.", kind="server_error", code="model_stopped")
