"""From a TRL SFT file to settings that are known to be real: every key checked, nothing added but what makes twins
comparable.

The file is what `trl sft --config` takes. TRL reads it with YAML 1.1, where `save_strategy: no` is False and a key
given twice silently wins; here it is YAML 1.2 and a key given twice is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from unmoor.errors import MissingExtraError, RecipeError
from unmoor.training.alone import unread_alone
from unmoor.training.inner_keys import is_yes, settings_in, unread
from unmoor.training.other_names import all_wrong, said_of

__all__ = ["NOWHERE", "SWAPPED", "Recipe", "read_recipe"]

SWAPPED = ("dataset_name", "datasets", "dataset_config", "dataset_streaming", "output_dir")
"""What a twin swaps: where the data come from and where the model goes. Whatever the recipe says here is replaced."""

OF_THE_RUN = ("resume_from_checkpoint",)
"""Keys that speak of one run, not of the recipe: unmoor resumes by itself where it finds a checkpoint."""

NOWHERE = Path("unused")
"""An output path for reading settings only; nothing is written there."""

LEAST = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "seed": 0, "learning_rate": 0.0}
"""Numbers that TRL takes and its trainer then fails on, and the least that each may be."""

_REPORTERS = ("wandb", "mlflow", "swanlab", "trackio", "clearml", "neptune", "comet_ml")
"""Packages to which a run may be reported; the trainer misses one only after the model is loaded."""

EXTRA_KEYS = ("env",)
"""Keys that TRL reads beside its dataclasses."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe: `values` as written, in the file's order."""

    path: Path
    values: dict[str, Any]
    trusts_code: bool = False
    """Whether code that comes with the model may run: the recipe says so, and the owner said so again."""

    @property
    def base(self) -> str:
        """Return the model that training starts from: a local folder or a hub id."""
        return str(self.values["model_name_or_path"])

    def arguments(self, output: Path, max_steps: int | None = None) -> tuple[Any, Any]:
        """Return TRL's (SFTConfig, ModelConfig) for one twin: the recipe with its output path, and its steps if
        given.

        Raises:
            RecipeError: TRL does not accept a value.
        """
        values = {key: value for key, value in self.values.items() if key not in (*SWAPPED, *OF_THE_RUN)}
        values["output_dir"] = str(output)
        if max_steps is not None:
            values["max_steps"] = max_steps
        return _parse(self.path, values)


def read_recipe(path: Path, trust_remote_code: bool = False) -> Recipe:
    """Return the recipe in a TRL SFT file; `trust_remote_code` is the owner's word, beside the recipe's.

    Raises:
        RecipeError: no such file, not YAML, unknown keys (each with what stands for it, or the nearest), keys in a setting that
        nobody would read, no base, or something that unmoor refuses. MissingExtraError: the parts for training are not installed.
    """
    values = _load(path)
    known = _known_keys()
    wrong = [
        *(said_of(key, known) for key in values if key not in known),
        *_refused(values),
        *_of_evaluation(values),
        *unread(values),
        *unread_alone(values),
    ]
    if wrong:
        raise RecipeError(f"{path}: {all_wrong(wrong)}")
    if not values.get("model_name_or_path"):
        raise RecipeError(f"{path}: model_name_or_path is missing: which model does training start from?")
    return Recipe(path, values, _trusts_code(path, values, trust_remote_code))


def _load(path: Path) -> dict[str, Any]:
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    try:
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"The recipe {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RecipeError(f"{path} is not UTF-8 text (byte {error.start})") from error
    except YAMLError as error:
        raise RecipeError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise RecipeError(f"{path}: a recipe is a list of `key: value` lines, found {type(values).__name__}")
    return values


def _refused(values: dict[str, Any]) -> Iterator[str]:
    """Yield why settings are refused that would publish by accident or break the comparison."""
    for key in ("assistant_only_loss", "completion_only_loss"):
        if values.get(key) is False:
            yield f"{key}: false is refused: twins learn from assistant turns only. Next: remove the line"
    if values.get("push_to_hub"):
        yield "push_to_hub is refused: the twins would overwrite each other. Next: upload the one you want afterwards"
    if values.get("auto_find_batch_size"):
        yield "auto_find_batch_size is refused: each twin would find a batch size of its own. Next: say the size that fits"
    if isinstance(values.get("resume_from_checkpoint"), str):
        yield (
            "resume_from_checkpoint is refused: an interrupted twin goes on by itself, from its own checkpoint. "
            "Next: remove the line"
        )
    told = values.get("report_to")
    for name in [told] if isinstance(told, str) else told if isinstance(told, list) else ():
        if name in _REPORTERS and find_spec(name) is None:
            yield f"report_to: {name}, and {name} is not installed. Next: pip install {name}, or report_to: none"
    if settings_in(values.get("dataset_kwargs")).get("skip_prepare_dataset"):
        yield "skip_prepare_dataset is refused: TRL would not cut rows to max_length, and nobody would know"


def _of_evaluation(values: dict[str, Any]) -> Iterator[str]:
    """Yield why settings are refused that want rows to be kept back, from which TRL would evaluate."""
    if str(values.get("eval_strategy", "no")) != "no":
        yield "eval_strategy is refused: twins have no evaluation split. Next: unmoor evaluate, afterwards"
    if is_yes(values.get("eval_on_start")):
        yield "eval_on_start is refused: twins have no evaluation split. Next: unmoor evaluate, afterwards"
    if values.get("test_split_size"):
        yield "test_split_size is refused: no row is kept back, twins have no evaluation split. Next: remove the line"
    if str(values.get("save_strategy")) == "best":
        yield "save_strategy: best would save no checkpoint: twins have no evaluation split. Next: save_strategy: steps"


def _trusts_code(path: Path, values: dict[str, Any], said_again: bool) -> bool:
    """Return whether the model's own code may run.

    Raises:
        RecipeError: the recipe says so and the owner did not say it again, or the other way round.
    """
    hidden = bool(settings_in(values.get("model_init_kwargs")).get("trust_remote_code"))
    asked = values.get("trust_remote_code") is True or hidden
    if asked and not said_again:
        raise RecipeError(
            f"{path}: trust_remote_code is refused: it runs code that came with the model. Next: remove the line, or, "
            "after reading that code, say it a second time with --trust-remote-code"
        )
    if said_again and not asked:
        raise RecipeError(f"{path}: --trust-remote-code was given and the recipe does not ask for it")
    return asked


def _parser() -> Any:
    try:
        from trl.scripts.sft import make_parser
    except ImportError as error:
        raise MissingExtraError("Training", "train") from error
    return make_parser()


def _known_keys() -> set[str]:
    return {action.dest for action in _parser()._actions} - {"help", "config"} | set(EXTRA_KEYS)


def _parse(path: Path, values: dict[str, Any]) -> tuple[Any, Any]:
    import os
    import warnings

    parser = _parser()

    def fail(message: str) -> NoReturn:
        raise RecipeError(f"{path}: {message}")

    parser.error = fail  # argparse would print its usage and leave the program
    values = dict(values)
    os.environ.update({str(key): str(value) for key, value in (values.pop("env", None) or {}).items()})
    parser.set_defaults_with_config(**values)
    try:
        with (
            warnings.catch_warnings()
        ):  # names that a library will drop in its next version are TRL's to mend, not the user's
            warnings.simplefilter("ignore", FutureWarning)
            _script, training, model, _mixture = parser.parse_args_into_dataclasses(args=[])
    except (ValueError, TypeError, ImportError) as error:
        raise RecipeError(f"{path}: {error}") from error
    for key, least in LEAST.items():
        value = getattr(training, key)
        if not value >= least:  # nor is .nan
            raise RecipeError(f"{path}: {key} must be at least {least}, found {value}")
    if model.use_peft:
        _check_adapter(path, model)
    return training, model


def _check_adapter(path: Path, model: Any) -> None:
    """Raise RecipeError for an adapter without a rank, or on one plain name.

    TRL makes a word of a list of one, and PEFT takes a word for a pattern of a module's whole name.
    """
    if model.lora_r < 1:
        raise RecipeError(f"{path}: lora_r must be at least 1 with use_peft, found {model.lora_r}")
    name = model.lora_target_modules
    if isinstance(name, str) and name.isidentifier():
        raise RecipeError(
            f"{path}: lora_target_modules: a single name is a pattern to TRL, for a module's whole name, and {name} alone matches "
            f"none. Next: ['.*\\.{name}']"
        )
