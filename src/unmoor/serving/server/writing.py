"""From the tokens of one choice, as they come, to the parts of a chat.completion.chunk: text, log probabilities, the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unmoor.serving.local_model import LocalModel
from unmoor.serving.server.batching import Written
from unmoor.serving.server.decoding import StopWords, TextOfTokens
from unmoor.serving.server.picking import TokenScores

__all__ = ["Writing"]


class Writing:
    """One choice as it is written; `scores` grows with the tokens where log probabilities are wanted, and stays empty else."""

    def __init__(self, loaded: LocalModel, index: int, stop: Sequence[str], scores: Sequence[TokenScores]) -> None:
        self._tokenizer = loaded.tokenizer
        ends = loaded.model.generation_config.eos_token_id
        self._ends = frozenset([ends] if isinstance(ends, int) else ends or ())
        self._index = index
        self._text = TextOfTokens(self._decode)
        self._stop = StopWords(stop)
        self._scores = scores
        self._shown_scores = 0
        self.tokens = 0
        self.is_over = False

    def first(self) -> dict[str, Any]:
        """Return the part that opens the choice."""
        return self._part({"role": "assistant", "content": ""}, None)

    def take(self, written: Written) -> list[dict[str, Any]]:
        """Return the parts for what is new in `written`; nothing once the choice is over."""
        if self.is_over:
            return []
        text, ended = "", False
        for token in written.tokens[self.tokens :]:
            self.tokens += 1
            ended = token in self._ends
            text += self._stop.feed(self._text.feed(token))
            if self._stop.is_over:
                break
        self.is_over = written.is_over or self._stop.is_over
        if self.is_over:
            text += self._stop.feed(self._text.finish()) + self._stop.finish()
        made = [self._part({"content": text}, None, with_scores=True)] if text else []
        if self.is_over:
            made.append(self._part({}, "stop" if ended or self._stop.is_over else "length"))
        return made

    def _decode(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _part(self, delta: dict[str, Any], reason: str | None, *, with_scores: bool = False) -> dict[str, Any]:
        part: dict[str, Any] = {"index": self._index, "delta": delta, "finish_reason": reason}
        if with_scores and self._scores:
            content = [self._entry(known) for known in self._scores[self._shown_scores : self.tokens]]
            self._shown_scores = self.tokens
            part["logprobs"] = {"content": [entry for entry in content if entry["token"]], "refusal": None}
        return part

    def _entry(self, known: TokenScores) -> dict[str, Any]:
        best = [self._scored(token, logprob) for token, logprob in known.best]
        return {**self._scored(known.token, known.logprob), "top_logprobs": best}

    def _scored(self, token: int, logprob: float) -> dict[str, Any]:
        """Return a token as text with its score; the bytes only where the token is whole characters."""
        text = self._decode([token])
        whole = None if "\ufffd" in text else list(text.encode())
        return {"token": text, "logprob": max(logprob, -9999.0), "bytes": whole}
