"""The table of who may import whom, held against the source, and what the light commands may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "unmoor"

ROOMS = {path.name for path in SOURCE.iterdir() if path.is_dir() and path.name != "__pycache__"}
EVERYTHING = ROOMS | {"run_folder", "errors", ""}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "records": {"errors"},
    "storage": {"errors"},
    "run_folder": {"storage", "records", "errors"},
    "layouts": {"storage", "records", "errors"},
    "languages": {"records", "errors"},
    "detectors": {"languages", "records", "errors"},
    "policy": {"records", "errors"},
    "engines": {"storage", "layouts", "detectors", "policy", "records", "run_folder", "errors", ""},
    "review": {"records", "run_folder", "errors"},
    "training": {"records", "run_folder", "errors", ""},
    "serving": {"records", "run_folder", "errors", ""},
    "demo": {"records", "run_folder", "serving", "errors"},
    "evaluation": {"records", "run_folder", "serving", "detectors", "errors", ""},
    "report": {"records", "run_folder", "errors", ""},
    "commands": EVERYTHING,
}
"""Room to rooms, as DESIGN says it; the empty name is the package's own root (its version)."""

HEAVY = {
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "ray",
    "starlette",
    "uvicorn",
    "fastapi",
    "altair",
    "pandas",
    "scipy",
    "fsspec",
    "s3fs",
}


def _room(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def _modules() -> list[Path]:
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.name != "__main__.py" or _room(path) == "commands"]


def _imports(path: Path) -> set[str]:
    """Return every module name that `path` imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "unmoor")
    return names


def _rooms_used(path: Path) -> set[str]:
    used = set()
    for name in _imports(path):
        parts = name.split(".")
        if parts[0] == "unmoor" and len(parts) > 1:
            used.add(parts[1] if parts[1] in EVERYTHING else "")
    return used


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_room_imports_only_the_rooms_it_may(path: Path) -> None:
    room = _room(path)
    if room == "__init__":
        assert _rooms_used(path) == set()
        return
    assert room in MAY_IMPORT, f"the room {room} is not in the table"
    assert _rooms_used(path) - {room} <= MAY_IMPORT[room]


def test_there_are_no_import_cycles_between_rooms() -> None:
    graph: dict[str, set[str]] = {}
    for path in _modules():
        room = _room(path)
        graph.setdefault(room, set()).update(_rooms_used(path) - {room, ""})

    def reach(room: str, seen: frozenset[str]) -> None:
        assert room not in seen, f"a cycle through {room}: {sorted(seen)}"
        for other in graph.get(room, set()):
            reach(other, seen | {room})

    for room in graph:
        reach(room, frozenset())


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_importing_a_module_loads_no_heavy_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_module_level = {
        name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert not at_module_level & HEAVY


def _loaded_by(arguments: list[str]) -> set[str]:
    program = (
        "import sys; sys.argv = ['unmoor', *sys.argv[1:]]\n"
        "from unmoor.commands import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "print('\\nLOADED', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


def test_help_loads_no_heavy_library_and_no_detector() -> None:
    loaded = _loaded_by(["--help"])
    assert not loaded & (HEAVY | {"hyperscan", "pyarrow", "rich", "re2"})


def test_an_audit_loads_no_trainer_no_cluster_and_no_web_server(tmp_path: Path) -> None:
    data = tmp_path / "one.jsonl"
    data.write_text('{"instruction": "Say hello.", "output": "I\'m sorry, but I can\'t help with that."}\n')
    assert not _loaded_by(["audit", str(data), "--json"]) & HEAVY
