"""The demo's own data: made by a seeded script, with the truth about every row, so that the demo can mark its own
work.
"""

from unmoor.demo.data import write_demo_data
from unmoor.demo.recipe import write_demo_recipe
from unmoor.demo.suite import plain_sentences, write_demo_suite

__all__ = [
    "plain_sentences",
    "write_demo_data",
    "write_demo_recipe",
    "write_demo_suite",
]
