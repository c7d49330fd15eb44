"""Every exception that unmoor raises, with the exit code the command line gives it.

UnmoorError                  exit 2: the caller can mend it
├── UsageError               a flag, path or name that makes no sense
├── PolicyError              a policy file that says something unknown or impossible
├── PackError                a language pack that breaks its contract
├── LayoutError              a file in no layout that unmoor knows
├── RecipeError              a training recipe that cannot be run as it stands
├── RunFolderError           a run folder that is missing, half-written, altered or in use
├── MissingExtraError        an optional part that is not installed; names the command that installs it
├── BadDataError             exit 3: more bad data, or more removed rows, than the owner's limit allows
└── MachineError             exit 4: disk full, memory, a device that failed

FoundError                   exit 1: the command found what it was asked to fail on
BadRow                       not for users: why one row goes to quarantine; the run goes on
ServiceError                 for clients of the server: a status and the body that OpenAI's own service gives
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "BadDataError",
    "BadRow",
    "FoundError",
    "LayoutError",
    "MachineError",
    "MissingExtraError",
    "PackError",
    "PolicyError",
    "RecipeError",
    "RunFolderError",
    "ServiceError",
    "UnmoorError",
    "UsageError",
    "nearest_name",
]


_FEWEST_CHARS = 3
"""Characters of a name from which it is taken for the beginning of a known one."""


class UnmoorError(Exception):
    """Something a person can act on: what was expected, what was found and where, what to do next."""

    exit_code = 2


class FoundError(UnmoorError):
    """The command did its work and found what it was asked to fail on."""

    exit_code = 1


class UsageError(UnmoorError):
    """A flag, path or name that makes no sense."""


class PolicyError(UnmoorError):
    """A policy file that says something unknown or impossible."""


class PackError(UnmoorError):
    """A language pack that breaks its contract."""


class LayoutError(UnmoorError):
    """A file in no layout that unmoor knows."""


class RecipeError(UnmoorError):
    """A training recipe that cannot be run as it stands."""


class RunFolderError(UnmoorError):
    """A run folder that is missing, half-written, altered or in use."""


class MissingExtraError(UnmoorError):
    """An optional part that is not installed; `package` is one more to install, as each kind of storage has its own."""

    def __init__(self, what: str, extra: str, package: str = "") -> None:
        command = f"pip install 'unmoor[{extra}]' {package}".rstrip()
        super().__init__(f"{what} needs parts that are not installed. Next: {command}")


class BadDataError(UnmoorError):
    """More bad data, or more removed rows, than the owner's limit allows."""

    exit_code = 3


class MachineError(UnmoorError):
    """The machine failed: disk full, memory, a device."""

    exit_code = 4


class BadRow(Exception):
    """Why one row goes to quarantine: a stable `code`, one plain sentence, and the byte within the row where it shows."""

    def __init__(self, code: str, message: str, byte_in_row: int = 0) -> None:
        super().__init__(code, message, byte_in_row)
        self.code = code
        self.message = message
        self.byte_in_row = byte_in_row


class ServiceError(Exception):
    """What a client of the server gets instead of an answer, in the form that OpenAI's own service uses."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.retry_after_seconds = retry_after_seconds

    def body(self) -> dict[str, dict[str, str | None]]:
        """Return the JSON body: `error` with message, type, param and code."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def nearest_name(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean "x"?` with the nearest known name, or the empty string if none is near.

    A name that was begun and not ended is near, however much of it is missing: "look" is no "floor".
    """
    names = list(known)
    begun = [one for one in names if len(name) >= _FEWEST_CHARS and one.startswith(name)]
    close = begun or difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""
