"""From a folder with a model to its answers: one at a time as they are written, or many at once, greedily.

Weights are safetensors only, and no code that came with a model runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unmoor.errors import MissingExtraError, UsageError
from unmoor.serving.adapter import base_of

__all__ = ["LocalModel", "Message", "Written", "load_model"]

_NO_BOUND = 1 << 20
"""A tokenizer or configuration without a known context length says a number beyond this."""

Message = dict[str, str]
"""`role` and `content`."""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer; `is_cut` is true where it ends because it may be no longer, and not because the model was done, `is_withheld`
    where a server's own filter kept it back, or what was left of it.
    """

    text: str
    is_cut: bool
    is_withheld: bool = False


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A causal language model and its tokenizer, ready to answer."""

    name: str
    model: Any
    tokenizer: Any

    @property
    def context_tokens(self) -> int:
        """Return how many tokens a prompt and its answer may have together, by the model and its tokenizer."""
        known = (getattr(self.model.config, "max_position_embeddings", None), self.tokenizer.model_max_length)
        return min([bound for bound in known if isinstance(bound, int) and 0 < bound < _NO_BOUND], default=_NO_BOUND)

    def count_tokens(self, chat: Sequence[Message]) -> int:
        """Return how many tokens the model is given for a chat."""
        return len(self.tokenizer(self._prompt(chat), add_special_tokens=False, verbose=False)["input_ids"])

    def with_template(self, template: str) -> LocalModel:
        """Return the model with a chat template of the owner's; the model itself, which keeps its own, if that is empty.

        Raises:
            UsageError: it is no template.
        """
        if not template:
            return self
        changed = replace(self, tokenizer=copy(self.tokenizer))
        changed.tokenizer.chat_template = template
        try:
            changed._prompt([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}])
        except Exception as error:  # whatever Jinja raises, it is the template's fault
            raise UsageError(f"The persona's chat template does not work: {error}") from error
        return changed

    def write_all(self, chats: Sequence[Sequence[Message]], max_new_tokens: int) -> list[Written]:
        """Return one greedy answer for each chat; they are generated as one batch, padded on the left.

        An answer ends where the model's context does.

        Raises:
            UsageError: a chat leaves no room in the model's context.
        """
        import torch

        prompts = [self._prompt(chat) for chat in chats]
        batch = self.tokenizer(
            prompts, return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False, verbose=False
        )
        room = self._room(batch["input_ids"].shape[1])
        if len(chats) > 1 and room < max_new_tokens:  # a shorter chat has room for more
            return [answer for chat in chats for answer in self.write_all([chat], max_new_tokens)]
        batch = {key: batch[key].to(self.model.device) for key in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            output = self.model.generate(**batch, **self._greedy(min(max_new_tokens, room)))
        answers = output[:, batch["input_ids"].shape[1] :]
        texts = self.tokenizer.batch_decode(answers, skip_special_tokens=True)
        ends = self._ends()
        return [Written(text.strip(), ends.isdisjoint(ids)) for text, ids in zip(texts, answers.tolist(), strict=True)]

    def _ends(self) -> set[int]:
        """Return the tokens that end an answer."""
        ends = self.model.generation_config.eos_token_id
        return {ends} if isinstance(ends, int) else set(ends or ())

    def answer(self, chat: Sequence[Message], max_new_tokens: int) -> Generator[str, None, None]:
        """Yield one greedy answer piece by piece, as it is written.

        Closing the iterator stops the model at its next token.

        Raises:
            UsageError: the chat leaves no room in the model's context, or the model fails.
        """
        from threading import Event, Thread

        from transformers import StoppingCriteriaList, TextIteratorStreamer

        batch = self.tokenizer(self._prompt(chat), return_tensors="pt", add_special_tokens=False, verbose=False)
        room = self._room(batch["input_ids"].shape[1])
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        stopped = Event()
        options = {
            "input_ids": batch["input_ids"].to(self.model.device),
            "attention_mask": batch["attention_mask"].to(self.model.device),
            "streamer": streamer,
            "stopping_criteria": StoppingCriteriaList([lambda ids, *_, **__: _stop(ids, stopped.is_set())]),
            **self._greedy(min(max_new_tokens, room)),
        }
        failed: list[BaseException] = []
        thread = Thread(target=_generate, args=(self.model.generate, options, streamer, failed), daemon=True)
        thread.start()
        try:
            yield from streamer
        finally:
            stopped.set()
            thread.join()
        if failed:
            raise UsageError(f"{self.name} cannot answer: {failed[0]}") from failed[0]

    def _prompt(self, chat: Sequence[Message]) -> str:
        return str(self.tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=True))

    def _room(self, tokens: int) -> int:
        """Return how many tokens an answer may have after a prompt of so many; beyond the context it would be garbage."""
        if tokens >= self.context_tokens:
            raise UsageError(
                f"{self.name} has a context of {self.context_tokens:,} tokens, and was given {tokens:,}. "
                "Next: a shorter text, or /new in a chat"
            )
        return self.context_tokens - tokens

    def _greedy(self, max_new_tokens: int) -> dict[str, Any]:
        return {
            "max_new_tokens": max_new_tokens,
            "do_sample": False,
            "temperature": None,
            "top_p": None,
            "top_k": None,
            "pad_token_id": self.tokenizer.pad_token_id,
        }


def _stop(ids: Any, wanted: bool) -> Any:
    import torch

    return torch.full((ids.shape[0],), wanted, dtype=torch.bool, device=ids.device)


def _generate(
    generate: Callable[..., Any], options: dict[str, Any], streamer: Any, failed: list[BaseException]
) -> None:
    try:
        generate(**options)
    except (
        Exception
    ) as error:  # handed to the reader, who raises it; the thread must end the stream or the reader waits for ever
        failed.append(error)
        streamer.end()


def load_model(path: Path) -> LocalModel:
    """Return the model in the folder `path`.

    Raises:
        UsageError: the folder is missing, holds no model, has pickled weights only, or no chat template.
        MissingExtraError: the parts that run models are not installed.
    """
    _check_folder(path)
    try:
        from safetensors import SafetensorError
        from transformers import AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtraError("Running a model", "train") from error
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False, local_files_only=True)
        base = base_of(path)
        model = _with_adapter(path, base, tokenizer) if base else _loaded(path)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise UsageError(f"{path} cannot be loaded as a model: {str(error).splitlines()[0]}") from error
    if tokenizer.chat_template is None:
        raise UsageError(f"{path} has no chat template: it is a base model that does not chat. Next: unmoor train")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if getattr(model.config, "output_router_logits", False):
        model.config.output_router_logits = False  # else batched, padded generation of a mixture of experts crashes
    return LocalModel(path.name, model.eval(), tokenizer)


def _loaded(source: str | Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(source, trust_remote_code=False, use_safetensors=True, dtype="auto")


def _with_adapter(path: Path, base: str, tokenizer: Any) -> Any:
    """Return the base with the adapter in `path`, with room for the tokens that its training added, and ending where its turns do.

    An adapter has no settings of generation of its own, and its base's may know another end only.
    """
    model = _loaded(base)
    if len(tokenizer) > model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)  # the adapter holds the new rows
    model.load_adapter(str(path), use_safetensors=True)
    ends = model.generation_config.eos_token_id
    known = [ends] if isinstance(ends, int) else list(ends or ())
    if tokenizer.eos_token_id is not None and tokenizer.eos_token_id not in known:
        model.generation_config.eos_token_id = [tokenizer.eos_token_id, *known]
    return model


def _check_folder(path: Path) -> None:
    if not path.is_dir():
        raise UsageError(f"There is no model folder {path}")
    if not any((path / name).is_file() for name in ("config.json", "adapter_config.json")):
        raise UsageError(f"{path} holds no model: there is no config.json in it")
    if not any(path.glob("*.safetensors")):
        raise UsageError(f"{path} holds no .safetensors weights; pickled weights can run code and are refused")
