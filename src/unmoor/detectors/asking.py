"""From questions to answers, some of them asked at once: threads that wait for a server, and that nothing waits for in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

__all__ = ["asked_at_once", "ends_of"]

_CHARS = 4000
"""Code points of a text that are shown to whoever is asked, half from each end."""

A = TypeVar("A")


def asked_at_once(
    ask: Callable[[str, str], A], questions: Mapping[str, tuple[str, str]], at_once: int
) -> Iterator[tuple[str, A]]:
    """Yield the key of each question with its answer, as the answers come; what `ask` raises is raised.

    The threads are daemons: Ctrl-C ends the program while they still wait for a server.
    """
    if at_once < 2 or len(questions) < 2:
        yield from ((key, ask(*question)) for key, question in questions.items())
        return
    waiting: SimpleQueue[str] = SimpleQueue()
    answered: SimpleQueue[tuple[str, Callable[[], A]]] = SimpleQueue()
    is_over = Event()
    for key in questions:
        waiting.put(key)

    def work() -> None:
        while not is_over.is_set():
            try:
                key = waiting.get_nowait()
            except Empty:
                return
            answered.put((key, _outcome(ask, questions[key])))

    for _ in range(min(at_once, len(questions))):
        Thread(target=work, daemon=True).start()
    try:
        for _ in questions:
            key, outcome = answered.get()
            yield key, outcome()
    finally:
        is_over.set()


def _outcome(ask: Callable[[str, str], A], question: tuple[str, str]) -> Callable[[], A]:
    """Return what gives the answer, or raises what asking raised."""
    try:
        answer = ask(*question)
    except BaseException as error:  # it is raised where the answer is waited for
        raised = error

        def fail() -> A:
            raise raised

        return fail
    return lambda: answer


def ends_of(text: str) -> str:
    """Return a text as it is shown to whoever is asked about it: of a long one its beginning and its end."""
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= _CHARS else f"{text[: _CHARS // 2]}\n[...]\n{text[-_CHARS // 2 :]}"
