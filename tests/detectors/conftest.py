"""What the tests of the detectors share: a detector with everything on, and short ways to ask it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from unmoor.detectors import Detector, load
from unmoor.detectors.structure import labels_of
from unmoor.languages import load_packs
from unmoor.records import REFUSALS, Conversation, Finding, Turn

Ask = Callable[..., tuple[Finding, ...]]
LABELS = labels_of(load_packs())


@pytest.fixture(scope="session")
def detector() -> Detector:
    return load()


@pytest.fixture(scope="session")
def phrases_only() -> Detector:
    return load(["phrases"])


def exchange(request: str, answer: str, *, has_tools: bool = False) -> Conversation:
    return Conversation((Turn("user", request), Turn("assistant", answer, is_target=True)), has_tools)


@pytest.fixture(scope="session")
def found(detector: Detector) -> Ask:
    """Ask for the findings that count in one exchange."""

    def ask(request: str, answer: str, *, has_tools: bool = False) -> tuple[Finding, ...]:
        findings = detector.find(exchange(request, answer, has_tools=has_tools))
        return tuple(finding for finding in findings if finding.probability >= 0.5)

    return ask


@pytest.fixture(scope="session")
def refusals(found: Ask) -> Ask:
    """Ask for the refusals outside reasoning that count in one exchange."""

    def ask(request: str, answer: str, *, has_tools: bool = False) -> tuple[Finding, ...]:
        return tuple(
            f for f in found(request, answer, has_tools=has_tools) if f.behaviour in REFUSALS and not f.is_reasoning
        )

    return ask
