"""How reading, finding and deciding are run over a data set: here, in shards, on Ray. The same bytes come out everywhere."""

from unmoor.engines.beside import FOUND_BY
from unmoor.engines.compared import compare_runs
from unmoor.engines.explained import explain_row, rows_with
from unmoor.engines.job import FOUND_FROM, Dedup, Job, JudgeSettings, Options, RowObserver
from unmoor.engines.judge import counted
from unmoor.engines.ray_cluster import Cluster, run_on_ray
from unmoor.engines.restore import plain_name, restore, restored_files
from unmoor.engines.run import Finisher, run_job
from unmoor.engines.shards import merge
from unmoor.engines.summary import Summary

__all__ = [
    "FOUND_BY",
    "FOUND_FROM",
    "Cluster",
    "Dedup",
    "Finisher",
    "Job",
    "JudgeSettings",
    "Options",
    "RowObserver",
    "Summary",
    "compare_runs",
    "counted",
    "explain_row",
    "merge",
    "plain_name",
    "restore",
    "restored_files",
    "rows_with",
    "run_job",
    "run_on_ray",
]
