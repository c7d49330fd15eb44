"""From whatever a storage library raises to one of our errors, with nothing in its words that could be a secret.

fsspec has a library for each kind of storage, each with exceptions of its own below and beside OSError, so all are caught here, and
nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from unmoor.errors import MachineError, MissingExtraError, UnmoorError

__all__ = ["said", "storage_errors"]

_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|CONNECTION_STRING|SAS", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?i)\b(sig|signature|token|password|secret|accountkey|credential|x-amz-[\w-]+)=[^&\s;,'\"]+"
)
_USER_INFO = re.compile(r"//[^/\s@]*:[^/\s@]*@")
_SHORTEST_SECRET = 6
_MOST_CHARS = 300
_GO_ON = "Next: see that network and credentials are right, then the same command again"


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn what a storage library raises while `doing` into an error of ours; FileNotFoundError stays what it is.

    Raises:
        MachineError: access was denied, or the storage does not answer, or answers with an error.
        MissingExtraError: the library for this kind of storage is not installed.
    """
    try:
        yield
    except UnmoorError:
        raise
    except FileNotFoundError as error:
        if not _had_no_answer(error.__cause__):
            raise
        raise MachineError(f"{doing}: the storage cannot be reached: {said(error.__cause__)}. {_GO_ON}") from error
    except ImportError as error:
        raise MissingExtraError(doing, "remote") from error
    except PermissionError as error:
        raise MachineError(f"{doing}: access was denied ({said(error)}). {_GO_ON}") from error
    except MemoryError:
        raise
    except Exception as error:
        raise MachineError(f"{doing}: the storage cannot be reached or refuses: {said(error)}. {_GO_ON}") from error


def _had_no_answer(cause: BaseException | None) -> TypeGuard[OSError]:
    """Return whether it is the network that failed: fsspec says of a server that does not answer that it has no such file."""
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError) and not hasattr(cause, "response")


def said(error: BaseException) -> str:
    """Return the first line of what an exception says, without the values of secrets in the environment or in an address."""
    text = (str(error).strip().splitlines() or [""])[0]
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST_SECRET and _SECRET_NAME.search(name):
            text = text.replace(value, "…")
    text = _USER_INFO.sub("//…@", _SECRET_TEXT.sub(r"\1=…", text))
    return f"{type(error).__name__}: {text[:_MOST_CHARS]}" if text else type(error).__name__
