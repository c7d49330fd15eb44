"""A run on disk: written whole or not at all, resumed after a crash, checked byte by byte."""

from unmoor.run_folder.files import (
    MANIFEST,
    clear,
    dump_json,
    fail_point,
    hash_file,
    hidden_beside,
    holding,
    machine_errors,
    make_folder,
    making,
    scratch_beside,
    unfinished_folder,
    write_atomic,
)
from unmoor.run_folder.places import hold_others_out, hold_replaceable, hold_room, others_in, put_back
from unmoor.run_folder.reading import (
    MAKE_AGAIN,
    hold_as_written,
    hold_outside_runs,
    place_in_files,
    read_json,
    read_lines_of,
    read_manifest,
    row_at,
    verify,
)
from unmoor.run_folder.shape import COUNT, FILES, RUN
from unmoor.run_folder.versions import versions_of
from unmoor.run_folder.writing import RunWriter

__all__ = [
    "COUNT",
    "FILES",
    "MAKE_AGAIN",
    "MANIFEST",
    "RUN",
    "RunWriter",
    "clear",
    "dump_json",
    "fail_point",
    "hash_file",
    "hidden_beside",
    "hold_as_written",
    "hold_others_out",
    "hold_outside_runs",
    "hold_replaceable",
    "hold_room",
    "holding",
    "machine_errors",
    "make_folder",
    "making",
    "others_in",
    "place_in_files",
    "put_back",
    "read_json",
    "read_lines_of",
    "read_manifest",
    "row_at",
    "scratch_beside",
    "unfinished_folder",
    "verify",
    "versions_of",
    "write_atomic",
]
