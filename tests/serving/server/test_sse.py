"""Server-sent events cut anywhere on the wire."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmoor.errors import ServiceError
from unmoor.serving.server.sse import EventReader

EVENTS = (
    b'\xef\xbb\xbfdata: \n\ndata: {"a": 1}\n\n: a comment\n\ndata:{"b": 2}\n\n'
    b"event: x\nid: 5\ndata: one\ndata: two\n\nretry: 9\n\ndata: [DONE]\n\n"
)
DATA = [b'{"a": 1}', b'{"b": 2}', b"one two", b"[DONE]"]


@given(st.lists(st.integers(0, len(EVENTS)), max_size=20), st.booleans())
def test_events_are_the_same_however_they_are_cut(cuts: list[int], has_returns: bool) -> None:
    content = EVENTS.replace(b"\n", b"\r\n") if has_returns else EVENTS
    places = [0, *sorted(cuts), len(content)]
    reader = EventReader()
    read = [data for start, end in pairwise(places) for data in reader.feed(content[start:end])]
    assert read == DATA


def test_half_an_event_is_never_given_out() -> None:
    reader = EventReader()
    assert reader.feed(b'data: {"half": ') == []
    assert reader.feed(b"true}\n") == []
    assert reader.feed(b"\n") == [b'{"half": true}']


@pytest.mark.parametrize(
    ("end", "is_done"), [(b"data: [DONE]", True), (b"data:[DONE]\r\n", True), (b"data: [DON", False), (b"", False)]
)
def test_a_stream_may_end_with_the_line_that_says_so(end: bytes, is_done: bool) -> None:
    reader = EventReader()
    assert reader.feed(b'data: {"a": 1}\n\n' + end) == [b'{"a": 1}']
    assert reader.ends_well() is is_done


@pytest.mark.parametrize("noise", [b"<html>\n\n", b"\x00\x01\n\n", b'{"a": 1}\n\n', b"data\x00: x\n\n"])
def test_a_line_that_belongs_to_no_event_is_an_error(noise: bytes) -> None:
    with pytest.raises(ServiceError):
        EventReader().feed(noise)
