"""From a recipe and data sets to twins: models that differ in their data and in nothing else."""

from unmoor.training.recipe import Recipe, read_recipe
from unmoor.training.tiny_model import make_demo_base
from unmoor.training.twin import Progress
from unmoor.training.twins import Read, train_twins

__all__ = ["Progress", "Read", "Recipe", "make_demo_base", "read_recipe", "train_twins"]
