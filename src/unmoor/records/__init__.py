"""What flows through unmoor: conversations, findings, decisions and verdicts. Standard library only."""

from unmoor.records.cache import cache_folder, keep_in_cache, kept_in_cache
from unmoor.records.conversation import Conversation, Path, Piece, Role, Row, Turn
from unmoor.records.decision import (
    ACTIONS,
    LEFT_ALONE,
    OUTCOMES,
    Decision,
    Edit,
    FloorTopics,
    Held,
    Left,
    Outcome,
    action_for,
    is_list_alone,
    readable_rows,
    rule_for,
)
from unmoor.records.finding import BEHAVIOURS, FLOOR_TOPICS, REFUSALS, UNRECOGNISED_FROM, Finding
from unmoor.records.guard import GUARD_ACTIONS, GuardRules
from unmoor.records.parts import ContentWords, content_words
from unmoor.records.reasoning import ANSWER_MARKS, may_reason, reasoning_spans, without_reasoning
from unmoor.records.verdict import JUDGEMENTS, Judgement, Verdict

__all__ = [
    "ACTIONS",
    "ANSWER_MARKS",
    "BEHAVIOURS",
    "FLOOR_TOPICS",
    "GUARD_ACTIONS",
    "JUDGEMENTS",
    "LEFT_ALONE",
    "OUTCOMES",
    "REFUSALS",
    "UNRECOGNISED_FROM",
    "ContentWords",
    "Conversation",
    "Decision",
    "Edit",
    "Finding",
    "FloorTopics",
    "GuardRules",
    "Held",
    "Judgement",
    "Left",
    "Outcome",
    "Path",
    "Piece",
    "Role",
    "Row",
    "Turn",
    "Verdict",
    "action_for",
    "cache_folder",
    "content_words",
    "is_list_alone",
    "keep_in_cache",
    "kept_in_cache",
    "may_reason",
    "readable_rows",
    "reasoning_spans",
    "rule_for",
    "without_reasoning",
]
