"""A Hugging Face hub on loopback: it keeps what it is sent, one commit at a time, small files and large ones, and can be read."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

TOKEN = "hf_ownersowntoken"
"""The only one that this hub knows."""
LARGE_BYTES = 2_000


@dataclass
class FakeHub:
    """What lies on the hub, and what it was asked: (method, path) in order."""

    repos: dict[str, dict[str, Any]] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    is_broken: bool = False
    url: str = ""

    def answer(self, method: str, address: str, body: bytes, token: str | None) -> tuple[int, Any]:
        """Return (status, JSON) for a request."""
        path, _, query = address.partition("?")
        self.asked.append((method, path))
        if method == "PUT":
            self.stored[path.rpartition("/")[2]] = body
            return 200, {}
        if token != TOKEN:
            return 401, {"error": "Invalid username or password."}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, self._batch(json.loads(body))
        return self._of_repo(path.split("/"), query, body)

    def _of_repo(self, parts: list[str], query: str, body: bytes) -> tuple[int, Any]:
        """Answer what is asked of /api/datasets/OWNER/NAME/..."""
        repo, verb = "/".join(parts[3:5]), "".join(parts[5:6])
        sha = self.repos.get(repo, {}).get("sha", "0" * 40)
        if repo not in self.repos or (verb == "revision" and unquote(parts[6]) not in ("main", sha)):
            return 404, {"error": "Repository or revision not found"}
        if verb == "preupload":
            return 200, {"files": [self._mode(each) for each in json.loads(body)["files"]]}
        if verb == "commit":
            return self._commit(repo, body)
        if verb == "paths-info":
            return 200, self._told(repo, parse_qs(body.decode())["paths"])
        if verb == "tree":
            return 200, self._tree(repo, unquote("/".join(parts[7:])), is_whole="recursive=true" in query.lower())
        return 200, {"id": repo, "private": self.repos[repo]["private"], "sha": sha, "tags": [], "siblings": []}

    def content(self, path: str, token: str | None) -> bytes | int:
        """Return the file that /datasets/OWNER/NAME/resolve/REVISION/FILE names, or the status that refuses it."""
        _, _, owner, name, _, _, file = path.split("/", 6)
        held = self.repos.get(f"{owner}/{name}", {"files": {}})["files"]
        return 401 if token != TOKEN else held.get(unquote(file), 404)

    def _told(self, repo: str, paths: list[str]) -> list[dict[str, Any]]:
        """Describe files and folders; what is not there is left out, as on the hub."""
        files, folders = self.repos[repo]["files"], self._folders(repo)
        return [
            {"type": "file", "path": path, "size": len(files[path]), "oid": hashlib.sha1(files[path]).hexdigest()}
            if path in files
            else {"type": "directory", "path": path, "size": 0, "oid": "d" * 40}
            for path in paths
            if path in files or path in folders
        ]

    def _folders(self, repo: str) -> set[str]:
        files = self.repos[repo]["files"]
        return {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}

    def _tree(self, repo: str, folder: str, *, is_whole: bool) -> list[dict[str, Any]]:
        """List what lies below a folder, at any depth or directly."""
        start = f"{folder}/" if folder else ""
        below = [name for name in sorted({*self.repos[repo]["files"], *self._folders(repo)}) if name.startswith(start)]
        return self._told(repo, [name for name in below if is_whole or "/" not in name.removeprefix(start)])

    def _create(self, wanted: dict[str, Any]) -> tuple[int, Any]:
        name = f"{wanted.get('organization') or 'me'}/{wanted['name']}"
        if name in self.repos:
            return 409, {"error": "You already created this dataset repo", "url": f"{self.url}/datasets/{name}"}
        self.repos[name] = {
            "private": wanted.get("visibility", wanted.get("private")) in ("private", True),
            "files": {},
        }
        return 200, {"url": f"{self.url}/datasets/{name}", "id": name}

    @staticmethod
    def _mode(file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if file["size"] > LARGE_BYTES else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _batch(self, wanted: dict[str, Any]) -> dict[str, Any]:
        objects = [
            {**each, "actions": {"upload": {"href": f"{self.url}/lfs/{each['oid']}"}}} for each in wanted["objects"]
        ]
        return {"transfer": "basic", "objects": objects}

    def _commit(self, repo: str, body: bytes) -> tuple[int, Any]:
        if self.is_broken:
            return 500, {"error": "the disk of the hub is full"}
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                self.repos[repo]["files"][value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                self.repos[repo]["files"][value["path"]] = self.stored[value["oid"]]
        return 200, {"commitUrl": f"{self.url}/datasets/{repo}/commit/1", "commitOid": "1" * 40, "success": True}


@contextmanager
def fake_hub() -> Iterator[FakeHub]:
    """Run a hub until the block ends."""
    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            path = self.path.split("?")[0]
            if path.startswith("/datasets/") and "/resolve/" in path:
                status, content = self._part_of(hub.content(path, token))
            else:
                status, value = hub.answer(self.command, self.path, body, token)
                content = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status == 404:
                code = "Entry" if "/resolve/" in path else "Revision" if "/revision/" in path else "Repo"
                self.send_header("X-Error-Code", f"{code}NotFound")
            self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", path.partition("/resolve/")[2].partition("/")[0])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def _part_of(self, content: bytes | int) -> tuple[int, bytes]:
            if isinstance(content, int):
                return content, b""
            hub.asked.append((self.command, self.path))
            wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
            return (206, content[int(wanted[1]) : int(wanted[2]) + 1]) if wanted else (200, content)

        do_GET = do_POST = do_PUT = do_HEAD = _handle  # noqa: N815 - named by the standard library

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
