"""What flows through unmoor: conversations, findings and decisions. Standard library only."""

from unmoor.records.conversation import Conversation, Path, Piece, Role, Row, Turn
from unmoor.records.decision import ACTIONS, OUTCOMES, Decision, Edit, Outcome
from unmoor.records.finding import BEHAVIOURS, FLOOR_TOPICS, REFUSALS, Finding

__all__ = [
    "ACTIONS",
    "BEHAVIOURS",
    "FLOOR_TOPICS",
    "OUTCOMES",
    "REFUSALS",
    "Conversation",
    "Decision",
    "Edit",
    "Finding",
    "Outcome",
    "Path",
    "Piece",
    "Role",
    "Row",
    "Turn",
]
