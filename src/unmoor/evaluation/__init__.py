"""From models to what they do when asked: the same prompts to each, every answer kept, rates with intervals beside
each other.
"""

from unmoor.evaluation.built_in import BUILT_IN
from unmoor.evaluation.checks import is_right
from unmoor.evaluation.compare import rate_of
from unmoor.evaluation.dose import dose_result
from unmoor.evaluation.evaluate import Asking, evaluate_twins
from unmoor.evaluation.judging import Judge, detector_judge, second_judge
from unmoor.evaluation.seeds import seeds_result
from unmoor.evaluation.statistics import MINIMUM_ANSWERS, holm, mcnemar_exact, newcombe_paired
from unmoor.evaluation.suite import Prompt, join_suites, read_suite

__all__ = [
    "BUILT_IN",
    "MINIMUM_ANSWERS",
    "Asking",
    "Judge",
    "Prompt",
    "detector_judge",
    "dose_result",
    "evaluate_twins",
    "holm",
    "is_right",
    "join_suites",
    "mcnemar_exact",
    "newcombe_paired",
    "rate_of",
    "read_suite",
    "second_judge",
    "seeds_result",
]
