"""From the folder of an adapter to the base that answers with it: an adapter alone says nothing."""

from __future__ import annotations

import json
from pathlib import Path

__all__ = ["base_of", "commit_of"]

_WAIT_SECONDS = 10.0


def base_of(folder: Path) -> str:
    """Return the base that is loaded with the adapter in `folder`, a folder or a hub id; the empty string where the folder holds a
    whole model, or is no adapter's.
    """
    path = folder / "adapter_config.json"
    if (folder / "config.json").exists() or not path.exists():
        return ""
    try:
        return str(json.loads(path.read_bytes())["base_model_name_or_path"])
    except (ValueError, KeyError, TypeError):
        return ""  # loading it says what is wrong


def commit_of(base: str) -> str:
    """Return the commit of a base on the hub that is loaded now: the hub's newest or, where it cannot be asked, the one in its
    cache; the empty string where neither is known.
    """
    from httpx2 import HTTPError
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return str(HfApi().model_info(base, timeout=_WAIT_SECONDS).sha or "")
    except HFValidationError:
        return ""
    except (HfHubHTTPError, HTTPError, OSError):
        kept = try_to_load_from_cache(base, "config.json")
        return Path(kept).parent.name if isinstance(kept, str) else ""
