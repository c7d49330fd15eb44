"""From numbers to what people read: facts, the HTML report, data set and model cards.

The names below load on use, so that a worker process that only counts does not load templates and plots.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unmoor.report.card import render_dataset_card
    from unmoor.report.facts import FactsBuilder, Made, empty_facts
    from unmoor.report.model_card import write_model_card
    from unmoor.report.page import render_report, write_report
    from unmoor.report.publishing import licence_doubt, plan_upload, upload
    from unmoor.report.terms import ChunkFacts
    from unmoor.report.visible import size

__all__ = [
    "ChunkFacts",
    "FactsBuilder",
    "Made",
    "empty_facts",
    "licence_doubt",
    "plan_upload",
    "render_dataset_card",
    "render_report",
    "size",
    "upload",
    "write_model_card",
    "write_report",
]

_HOMES = {
    "ChunkFacts": "terms",
    "FactsBuilder": "facts",
    "Made": "facts",
    "empty_facts": "facts",
    "licence_doubt": "publishing",
    "plan_upload": "publishing",
    "render_dataset_card": "card",
    "render_report": "page",
    "size": "visible",
    "upload": "publishing",
    "write_model_card": "model_card",
    "write_report": "page",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
