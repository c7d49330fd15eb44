"""From a job to the detectors that it asks for, loaded once in a process: several hundred patterns take time to compile."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from unmoor import detectors
from unmoor.detectors import Detector
from unmoor.engines.job import Job

__all__ = ["detector_of"]


def detector_of(job: Job) -> Detector:
    """Return the job's detectors; those with a word list are loaded anew, since its file may have changed.

    Raises:
        UsageError, PackError: as `detectors.load` does.
    """
    names = job.detectors or detectors.DEFAULT
    if job.wordlist is not None or "wordlist" in names:
        return detectors.load(names, languages=job.languages, wordlist=job.wordlist, packs=job.packs)
    return _loaded(names, job.languages, job.packs)


@lru_cache(maxsize=4)
def _loaded(names: tuple[str, ...], languages: tuple[str, ...] | None, packs: tuple[Path, ...]) -> Detector:
    return detectors.load(names, languages=languages, packs=packs)
