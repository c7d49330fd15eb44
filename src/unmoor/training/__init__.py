"""From a recipe and data sets to twins: models that differ in their data and in nothing else."""

from unmoor.training.arms import Leak
from unmoor.training.backends import Backend
from unmoor.training.backends.trl_model import load_tokenizer
from unmoor.training.plan import Plan, Read, Training, plan_twins
from unmoor.training.prepare import Prepared
from unmoor.training.recipe import Recipe, read_recipe
from unmoor.training.rule import Rule
from unmoor.training.tiny_model import hold_training_parts, make_demo_base
from unmoor.training.twin import Progress, Twin, TwinResult
from unmoor.training.twins import started_over, train_planned, train_twins

__all__ = [
    "Backend",
    "Leak",
    "Plan",
    "Prepared",
    "Progress",
    "Read",
    "Recipe",
    "Rule",
    "Training",
    "Twin",
    "TwinResult",
    "hold_training_parts",
    "load_tokenizer",
    "make_demo_base",
    "plan_twins",
    "read_recipe",
    "started_over",
    "train_planned",
    "train_twins",
]
