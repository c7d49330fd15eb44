"""From findings and the owner's file to decisions. Pure: no files are read but the policy's own."""

from unmoor.policy.decide import audited, decide, turns_to_remove
from unmoor.policy.exceptions import OpenRules, RulesOrPhrases, is_rule, near_rule, nearest_rule
from unmoor.policy.mend import cut_spans
from unmoor.policy.policy import ALL_TOPICS, SHIPPED, Policy, load_policy, policy_of_run

__all__ = [
    "ALL_TOPICS",
    "SHIPPED",
    "OpenRules",
    "Policy",
    "RulesOrPhrases",
    "audited",
    "cut_spans",
    "decide",
    "is_rule",
    "load_policy",
    "near_rule",
    "nearest_rule",
    "policy_of_run",
    "turns_to_remove",
]
