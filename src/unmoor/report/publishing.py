"""From a finished run to a data set on the Hugging Face hub: what stays, what went as a second config, and the card.

Nothing is sent before the whole plan is known, and one commit carries everything: the hub holds the old state or the new one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmoor.errors import MachineError, RunFolderError, UsageError, nearest_name
from unmoor.report.card import render_dataset_card
from unmoor.run_folder import RUN, read_json, read_manifest

__all__ = ["ALSO", "Upload", "licence_doubt", "plan_upload", "upload"]

CARD = "README.md"
ALSO = {"ledger": "ledger.jsonl", "report": "report.html", "numbers": "report.json", "policy": "policy.toml"}
"""What can go along beside the rows and the card, and the file it is in."""
_NOT_THERE = (401, 403, 404)
_LISTED = """
afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0
cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0
creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gemma gfdl gpl gpl-2.0 gpl-3.0
isc lgpl lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl
odc-by ofl-1.1 openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
"""
_LICENCES = tuple(_LISTED.split())
"""The licences that the hub lists: most SPDX identifiers in lower case, and some of its own."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What will lie on the hub: name there to the file here, and the card's bytes."""

    repo: str
    files: Mapping[str, Path]
    card: bytes
    is_public: bool
    mixed_layouts: Mapping[str, int]
    """The layouts, with their rows, of rows that are no single table; empty where they are one."""

    def sizes(self) -> dict[str, int]:
        """Return the size of each file in bytes, the card first."""
        return {CARD: len(self.card), **{name: path.stat().st_size for name, path in self.files.items()}}


def plan_upload(
    run: Path, repo: str, *, also: Sequence[str] = (), is_public: bool = False, licence: str = ""
) -> Upload:
    """Return what `upload` would send for the filter run in `run`; asks nobody and sends nothing.

    Raises:
        RunFolderError: the folder holds no finished filter run, or a shard of one.
        UsageError: `repo` is no name for a data set, or `also` names something that the run has not.
    """
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError as error:
        raise UsageError(f'"{repo}" cannot be a data set\'s name: {error}. Expected OWNER/NAME') from error
    if repo.count("/") != 1:
        raise UsageError(f'"{repo}" names no owner. Expected OWNER/NAME, such as my-name/my-data')
    if licence and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", licence):
        raise UsageError(f'"{licence}" is no licence as the hub writes it, such as mit, apache-2.0 or cc-by-4.0')
    manifest = read_manifest(run, RUN)
    if manifest.get("shard") is not None:
        raise RunFolderError(f"{run} is a shard, a part of the rows. Next: unmoor merge, then push the whole")
    there = list(manifest["files"])
    rows = [name for name in there if name.split(".")[0] in ("kept", "removed")]
    if not manifest["counts"]["removed"]:
        rows = [name for name in rows if name.split(".")[0] != "removed"]
    if not rows:
        raise RunFolderError(f"{run} has no kept rows: it is no filter run. Next: unmoor filter DATA -o RUN")
    for each in also:
        if each not in ALSO:
            raise UsageError(f'"{each}" cannot go along.{nearest_name(each, ALSO)} Known: {", ".join(ALSO)}')
        if ALSO[each] not in there:
            raise UsageError(f"{run} has no {ALSO[each]}")
    names = sorted({*rows, *(ALSO[each] for each in also)})
    facts = _facts(run)
    card = render_dataset_card(facts, names, licence=licence)
    mixed = facts["input"].get("mixed_layouts") or {}
    return Upload(repo, {name: run / name for name in names}, card, is_public, mixed)


def licence_doubt(licence: str) -> str:
    """Return one sentence on a licence that the hub is not known to list, with the nearest that it does; nothing on others.

    A doubt and no error: the hub's list grows.
    """
    if not licence or licence in _LICENCES:
        return ""
    return (
        f'The hub is not known to list a licence "{licence}".{nearest_name(licence, _LICENCES)} '
        "Next: the name as huggingface.co/docs/hub/repositories-licenses has it, or other"
    )


def _facts(run: Path) -> dict[str, Any]:
    facts: dict[str, Any] = read_json(run / "report.json")
    return facts


def upload(wanted: Upload, version: str) -> str:
    """Create the data set if it is not there, send everything in one commit and return its address.

    Raises:
        UsageError: no token, one that may not write there, or a data set that is public while a private one was asked for.
        MachineError: the hub cannot be reached, or fails.
    """
    import httpx2
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    hub = HfApi(library_name="unmoor", library_version=version)
    operations = [CommitOperationAdd(CARD, wanted.card)]
    operations += [CommitOperationAdd(name, str(path)) for name, path in wanted.files.items()]
    try:
        hub.create_repo(wanted.repo, repo_type="dataset", private=not wanted.is_public, exist_ok=True, token=True)
        _refuse_public(hub.dataset_info(wanted.repo, token=True), wanted)
        hub.create_commit(
            wanted.repo, operations, commit_message=f"Filtered by unmoor {version}", repo_type="dataset", token=True
        )
    except LocalTokenNotFoundError as error:
        raise UsageError("There is no token for the hub. Next: `hf auth login`, or set HF_TOKEN") from error
    except HfHubHTTPError as error:
        raise _refused(error, wanted) from error
    except (httpx2.HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise MachineError(f"The hub cannot be reached: {error}. Nothing was changed there") from error
    return f"{hub.endpoint}/datasets/{wanted.repo}"


def _refuse_public(info: Any, wanted: Upload) -> None:
    """Raise UsageError where the data set was there already and everybody can read it."""
    if not info.private and not wanted.is_public:
        raise UsageError(
            f"{wanted.repo} exists and is public, and --public was not said. Nothing was sent. "
            "Next: --public, another name, or make it private on the hub first"
        )


def _refused(error: Any, wanted: Upload) -> UsageError | MachineError:
    status = getattr(error.response, "status_code", None)
    said = " ".join(str(getattr(error, "server_message", None) or error).split())[:200]
    if status in _NOT_THERE:
        return UsageError(
            f"The hub refuses to write to {wanted.repo} ({status}): {said}. Next: a token that may write there (HF_TOKEN)"
        )
    return MachineError(f"The hub failed ({status}): {said}. The data set there is as it was before")
