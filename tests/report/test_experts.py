"""What a filter did to the load of the experts is told by its figures."""

from __future__ import annotations

import pytest

from unmoor.report.experts import experts_said


@pytest.mark.parametrize(
    ("shrunk", "filtered", "said"),
    [
        (0.28, 0.251, "no more than a random cut does"),
        (0.25, 0.25, "no more than a random cut does"),
        (0.26, 0.35, "more than a random cut does"),
        (0.30, 0.32, "fewer rows, whichever they are, did more of this"),
    ],
)
def test_the_random_cut_is_the_yardstick(shrunk: float, filtered: float, said: str) -> None:
    rows = [{"raw": 0.25, "raw-shrunk": shrunk, "filtered": filtered}]
    told = experts_said({"models": ["raw", "raw-shrunk", "filtered"], "rows": rows})
    assert said in told and ("no more" in told) == (filtered - 0.25 <= shrunk - 0.25)


def test_without_a_random_cut_nothing_is_concluded() -> None:
    assert experts_said({"models": ["raw", "filtered"], "rows": []}) == ""
