"""From a trainer's name and length to what it does with a row that does not fit: cut it, split it, or leave it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Cut", "Rule", "axolotl_rule", "trl_rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a trainer does with a row of more than `max_length` tokens (None: no row is too long), or fewer than `min_length`.

    `over_long` is "truncate" (the rest is lost), "split" (nothing is lost) or "drop" (the row is lost); `keep` is the
    end of a row that stays when it is cut.
    """

    trainer: str
    max_length: int | None
    over_long: Literal["truncate", "split", "drop"] = "truncate"
    keep: Literal["start", "end"] = "start"
    min_length: int = 0

    def kept(self, tokens: int) -> slice:
        """Return which of a row's tokens stay."""
        if self.over_long != "truncate" or self.max_length is None or tokens <= self.max_length:
            return slice(0, tokens)
        return slice(0, self.max_length) if self.keep == "start" else slice(tokens - self.max_length, tokens)

    def is_too_long(self, tokens: int) -> bool:
        """Return whether a row of so many tokens is longer than the trainer takes."""
        return self.max_length is not None and tokens > self.max_length


def trl_rule(max_length: int | None, keep: Literal["start", "end"] = "start") -> Rule:
    """Return TRL's rule: rows are truncated (TRL 1.16, SFTTrainer._prepare_dataset)."""
    return Rule("trl", max_length, "truncate", keep)


AXOLOTL_LEAST = 2
"""Tokens that a row must have for Axolotl, where min_sample_len says nothing (utils/data/utils.py, 0.19 to 0.21)."""


def axolotl_rule(
    sequence_len: int, over_long: Literal["truncate", "drop"] = "drop", min_length: int = AXOLOTL_LEAST
) -> Rule:
    """Return Axolotl's rule: rows longer than sequence_len are left out unless `excess_length_strategy: truncate`, rows shorter
    than `min_sample_len` always.
    """
    return Rule("axolotl", sequence_len, over_long, min_length=min_length)


@dataclass(frozen=True, slots=True)
class Cut:
    """A row that is truncated: how many tokens it has, which stay (from, to; 0-based, end not included), and how many
    tokens with a loss go with the rest.
    """

    row: int
    tokens: int
    kept_from: int
    kept_to: int
    trained_lost: int
