"""From the scores of a next token to the token: greedy or sampled, by each request's own options and its own seed.

Requests that are generated together share nothing but the model's work. A sampled row gets Gumbel noise, and its highest score is
taken: that draws from the softmax of the scores (Gumbel 1954; Maddison, Tarlow and Minka 2014), so one argmax serves greedy and
sampled rows alike, and a seed repeats an answer whoever else is asking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor

__all__ = ["Picker", "Sampling", "TokenScores", "sampling_of"]

_SMALLEST = 1e-10
"""Below it a random number or a temperature is taken as this, so that no noise and no score is infinite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How one choice is written; a temperature of 0 is greedy. `alternatives` is None where no log probabilities are wanted."""

    temperature: float = 0.0
    top_p: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None
    alternatives: int | None = None


@dataclass(frozen=True, slots=True)
class TokenScores:
    """The log probability of a token that was written, and of the likeliest at its place, before any sampling option."""

    token: int
    logprob: float
    best: tuple[tuple[int, float], ...]


def sampling_of(options: Mapping[str, Any], index: int, *, repetition_penalty: float) -> Sampling:
    """Return how choice `index` of a request with these options is written; without a temperature greedily, as in `unmoor chat`."""
    seed = options.get("seed")
    return Sampling(
        temperature=float(options.get("temperature", 1.0 if "top_p" in options else 0.0)),
        top_p=float(options.get("top_p", 1.0)),
        presence_penalty=float(options.get("presence_penalty", 0.0)),
        frequency_penalty=float(options.get("frequency_penalty", 0.0)),
        repetition_penalty=repetition_penalty,
        seed=None if seed is None else seed + index,
        alternatives=options.get("top_logprobs", 0) if options.get("logprobs") else None,
    )


@dataclass(slots=True)
class Picker:
    """Picks the tokens of one choice, one after the other; `prompt` are the tokens before them, `own` the model's own settings
    (see `own_settings`).
    """

    sampling: Sampling
    prompt: Sequence[int] = ()
    own: Sequence[Callable[[Tensor, Tensor], Tensor]] = ()
    scores: list[TokenScores] = field(default_factory=list)
    """What is known of each token written so far, if log probabilities are wanted; in the order of the tokens."""
    _written: list[int] = field(default_factory=list)
    _chance: Generator | None = None

    @property
    def changes_nothing(self) -> bool:
        """Say whether the highest score is the token and nobody asks for its probability."""
        return self.sampling.temperature == 0 and not self._remembers

    @property
    def _remembers(self) -> bool:
        chosen = self.sampling
        penalties = (chosen.presence_penalty, chosen.frequency_penalty, chosen.repetition_penalty - 1.0)
        return chosen.alternatives is not None or any(penalties) or bool(self.own)

    def row(self, scores: Tensor) -> Tensor:
        """Return the scores (of shape [vocabulary], not changed) so that the highest is the token to take, and note that token."""
        made = self._penalised(scores)
        if self.sampling.temperature > 0:
            made = self._noisy(made)
        if self._remembers:
            token = int(made.argmax())
            self._written.append(token)
            if self.sampling.alternatives is not None:
                self.scores.append(_scores_of(scores, token, self.sampling.alternatives))
        return made

    def _penalised(self, scores: Tensor) -> Tensor:
        """Lower what was written: by OpenAI's formula what the answer holds, by the model's own settings the prompt too."""
        import torch

        chosen = self.sampling
        if chosen.repetition_penalty != 1.0 and (seen := sorted({*self.prompt, *self._written})):
            scores = scores.clone()
            old = scores[seen]
            scores[seen] = torch.where(old < 0, old * chosen.repetition_penalty, old / chosen.repetition_penalty)
        if self.own:
            tokens = torch.tensor([[*self.prompt, *self._written]], device=scores.device)
            for change in self.own:
                scores = change(tokens, scores[None])[0]
        if (chosen.presence_penalty or chosen.frequency_penalty) and self._written:
            written = torch.tensor(self._written, device=scores.device)
            times = torch.bincount(written, minlength=scores.shape[0]).to(scores.dtype)
            scores = scores - times * chosen.frequency_penalty - (times > 0) * chosen.presence_penalty
        return scores

    def _noisy(self, scores: Tensor) -> Tensor:
        import torch
        from transformers import TopPLogitsWarper

        if self._chance is None:
            self._chance = torch.Generator(scores.device)
            self._chance.seed() if self.sampling.seed is None else self._chance.manual_seed(self.sampling.seed)
        scores = scores.float()
        scores = (scores - scores.max()) / max(
            self.sampling.temperature, _SMALLEST
        )  # the likeliest is 0, whatever divides it
        if self.sampling.top_p < 1:
            least = max(self.sampling.top_p, _SMALLEST)
            scores = TopPLogitsWarper(top_p=least)(scores, scores[None])[0]
        noise = torch.empty_like(scores).exponential_(generator=self._chance).clamp_(min=_SMALLEST).log()
        return scores - noise


def _scores_of(scores: Tensor, token: int, alternatives: int) -> TokenScores:
    import torch

    logprobs = torch.log_softmax(scores, dim=-1)
    best = torch.topk(logprobs, min(alternatives, logprobs.shape[0]))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return TokenScores(token, float(logprobs[token]), tuple(pairs))
