"""From the name of a base model to where it is: a folder here, or a model on the hub.

The hub is asked once before a loader asks for a file, for loaders ask eleven times and say so: a typing error in the path of a
folder would take most of a minute.
"""

from __future__ import annotations

from pathlib import Path

from unmoor.errors import RecipeError

__all__ = ["check_base"]

_WAIT_SECONDS = 10.0
_UNKNOWN = (401, 404)
"""What the hub answers about a model that is not there, or not for everybody."""
_NEXT = "Next: the path of a folder that holds the base, or a hub id like owner/name"


def check_base(base: str, recipe: Path) -> bool:
    """Return whether the base is a folder here; else it is in the hub's cache, or the hub knows it or could not say.

    Raises:
        RecipeError: there is no such folder, and the value cannot be a hub id, or the hub has no such model or cannot be reached.
    """
    folder = Path(base)
    if folder.exists():
        return True
    if folder.is_absolute() or base.startswith(".") or base.count("/") > 1:
        raise RecipeError(f"{recipe}: there is no base model {base}: no such folder. {_NEXT}")
    why = _why_not_on_hub(base)
    if why:
        raise RecipeError(f"{recipe}: there is no base model {base}: no such folder, and {why}. {_NEXT}")
    return False


def _why_not_on_hub(base: str) -> str:
    """Return why no loader would find `base` on the hub or in its cache, or the empty string."""
    import httpx2
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import HFValidationError

    try:
        if isinstance(try_to_load_from_cache(base, "config.json"), str):
            return ""
        HfApi().model_info(base, timeout=_WAIT_SECONDS)
    except HFValidationError:
        return "a hub id looks otherwise"
    except HfHubHTTPError as error:
        if error.response.status_code in _UNKNOWN:
            return "the hub shows no model of that name (a private one needs a token)"
        return ""  # the hub is there and has trouble: the loader says which
    except (httpx2.HTTPError, OSError) as error:
        return f"the hub cannot be asked for one ({str(error).splitlines()[0] or type(error).__name__})"
    return ""
