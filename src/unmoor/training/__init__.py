"""From a recipe and data sets to twins: models that differ in their data and in nothing else."""

from unmoor.training.arms import Leak
from unmoor.training.plan import Plan, Read, Training, plan_twins
from unmoor.training.recipe import Recipe, read_recipe
from unmoor.training.tiny_model import hold_training_parts, make_demo_base
from unmoor.training.twin import Progress
from unmoor.training.twins import train_planned, train_twins

__all__ = [
    "Leak",
    "Plan",
    "Progress",
    "Read",
    "Recipe",
    "Training",
    "hold_training_parts",
    "make_demo_base",
    "plan_twins",
    "read_recipe",
    "train_planned",
    "train_twins",
]
