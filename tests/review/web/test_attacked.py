"""The running server, asked for what no browser would ask: nothing is read that is not the page's, nothing falls over."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest

from tests.review.web.runs import filtered, row, served

PATHS = [
    "/static/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/..%2f..%2fMANIFEST.json",
    "/MANIFEST.json",
    "/ledger.jsonl",
    "/review/",
    "/static/review.js%00",
    "/\\..\\x",
]
SEARCHES = [
    "(" * 2_000 + "a+",
    '"',
    "\0",
    '"*" NEAR(a b)',
    "' or 1=1 --",
    "%%%_*",
    "col:a AND NOT ^b",
    "\u202e\U0001f600",
    "(a+)+$" * 40,
]


class Client:
    """Who holds the link: asks by hand, with the headers that are named."""

    def __init__(self, link: str) -> None:
        self.place = urlsplit(link).netloc
        response, _ = self.ask("GET", link.partition(self.place)[2])
        self.cookie = str(response.getheader("set-cookie")).partition(";")[0]

    def ask(self, method: str, path: str, body: bytes = b"", **sent: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self.place, timeout=20)
        connection.request(method, path, body or None, {name.replace("_", "-"): value for name, value in sent.items()})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def read(self, path: str) -> tuple[int, bytes]:
        response, content = self.ask("GET", path, cookie=self.cookie)
        return response.status, content

    def change(self, path: str, body: bytes) -> int:
        fetch = {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors", "sec_fetch_dest": "empty"}
        ours = {"cookie": self.cookie, "origin": f"http://{self.place}", "x_unmoor_review": "1", **fetch}
        return self.ask("POST", path, body, **ours)[0].status


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    run = filtered(tmp_path_factory.mktemp("attacked"), [row(number) for number in range(12)])
    with served(run) as (link, _):
        yield Client(link)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_to_a_file(client: Client, path: str) -> None:
    assert client.read(path) == (404, b"Not Found")


@pytest.mark.parametrize("text", SEARCHES)
def test_a_search_is_words_and_never_a_pattern_or_a_command(client: Client, text: str) -> None:
    for page in ("/", "/counts", "/lines", "/all"):
        assert client.read(f"{page}?text={quote(text)}")[0] == 200


@pytest.mark.parametrize("item", ["-1", "99999", "1e9", "../1", "１", "9" * 400])
def test_an_item_is_a_number_of_this_run(client: Client, item: str) -> None:
    status, content = client.read(f"/item?item={quote(item)}")
    assert status in {200, 409}
    assert b"Traceback" not in content


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 409),
        (b'{"item": 1, "judgement": "wrong"}', 409),
        (b"item=1&judgement=\xff\xfe", 409),
        (b"&".join([b"a=1"] * 500), 413),
        (b"item=1&judgement=wrong&note=" + b"a" * 100_000, 413),
    ],
)
def test_what_is_no_form_of_ours_changes_nothing(client: Client, body: bytes, status: int) -> None:
    assert client.change("/decide", body) == status
    assert b"0 judged" in client.read("/counts")[1]


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=b"])
def test_a_form_of_another_site_changes_nothing(client: Client, kind: str) -> None:
    fetch = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "empty"}
    sent = {"cookie": client.cookie, "origin": "https://other.example", "content_type": kind, **fetch}
    assert client.ask("POST", "/decide", b"item=1&judgement=wrong", **sent)[0].status == 403
    assert b"0 judged" in client.read("/counts")[1]


@pytest.mark.parametrize(
    "host", ["other.example", "localhost:{port}", "127.0.0.1.nip.io:{port}", "127.1:{port}", "[::1]:{port}"]
)
def test_a_name_that_was_bent_to_point_here_is_not_answered(client: Client, host: str) -> None:
    named = host.format(port=client.place.partition(":")[2])
    assert client.ask("GET", "/", cookie=client.cookie, host=named)[0].status == 403


def test_a_head_that_never_ends_is_hung_up_on(client: Client) -> None:
    address, _, port = client.place.partition(":")
    with socket.create_connection((address, int(port)), timeout=20) as line:
        line.sendall(f"GET / HTTP/1.1\r\nHost: {client.place}\r\n".encode())
        with pytest.raises(OSError, match=r"reset|pipe|aborted"):
            for number in range(500):
                line.sendall(f"X-{number}: {'a' * 60_000}\r\n".encode())
    assert client.read("/")[0] == 200
