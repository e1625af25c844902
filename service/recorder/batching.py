"""A queue with one worker thread that processes requests in batches.

Requests that arrive while a batch is processed form the next batch. So a single request is processed at once, and
batches grow with load. A timer that collects requests would delay every request instead.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from queue import SimpleQueue
from typing import Final, Generic, TypeAlias, TypeVar

MAX_WAITING: Final = 2_000
"""With more waiting requests than this, new ones are refused."""
_MAX_REQUESTS: Final = 256
"""The most requests of one batch."""
_MAX_SIZE: Final = 2_000
"""The most events of one batch, except that its last request can exceed it."""

Q = TypeVar("Q")
A = TypeVar("A")
Work: TypeAlias = Callable[[Sequence[Q]], Sequence[A | Exception]]
_Result: TypeAlias = "Future[A] | asyncio.Future[A]"


class Overloaded(Exception):
    """Too many requests are waiting, or the process is stopping."""


class Batches(Generic[Q, A]):
    """The queue. `open_worker` yields a function that returns the outcomes of a batch; it must not raise.

    `size` returns the size of a request, here the number of its events.
    """

    def __init__(self, open_worker: Callable[[], AbstractContextManager[Work[Q, A]]], size: Callable[[Q], int]) -> None:
        self._open_worker, self._size = open_worker, size
        self._waiting: SimpleQueue[tuple[Q, _Result[A]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._worker: threading.Thread | None = None
        self.batches = 0
        """Number of batches so far."""
        self.requests = 0
        """Number of requests in these batches."""

    def start(self) -> None:
        self._worker = threading.Thread(target=self._run, name="batches", daemon=True)
        self._worker.start()

    def close(self, seconds: float | None = None) -> None:
        """Refuse new requests, and wait at most `seconds` for the accepted ones."""
        with self._lock:
            self._closed = True
            self._waiting.put(None)
        if self._worker is not None:
            self._worker.join(seconds)

    @property
    def waiting(self) -> int:
        """The number of requests that are not in a batch yet."""
        return self._waiting.qsize()

    def submit(self, request: Q) -> "Future[A]":
        """Add a request from any thread, and return a future with its outcome. Raises Overloaded."""
        answer: Future[A] = Future()
        self._enqueue(request, answer)
        return answer

    def ask(self, request: Q) -> "asyncio.Future[A]":
        """Add a request from an event loop, and return a future with its outcome. Raises Overloaded.

        Faster than `asyncio.wrap_future(submit(…))`: a batch wakes the loop once, and not for each request.
        """
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._enqueue(request, answer)
        return answer

    def _enqueue(self, request: Q, answer: "_Result[A]") -> None:
        with self._lock:
            if self._closed or self._waiting.qsize() >= MAX_WAITING:
                raise Overloaded
            self._waiting.put((request, answer))

    def _run(self) -> None:
        with self._open_worker() as work:
            while batch := self._next_batch():
                self.batches += 1
                self.requests += len(batch)
                outcomes = work([request for request, _ in batch])
                _resolve_all(zip((answer for _, answer in batch), outcomes, strict=True))

    def _next_batch(self) -> "list[tuple[Q, _Result[A]]]":
        """Wait for requests, and return them up to the limits. Return an empty list at the end of a closed queue."""
        batch: list[tuple[Q, _Result[A]]] = []
        size = 0
        while len(batch) < _MAX_REQUESTS and size < _MAX_SIZE and not (batch and self._waiting.empty()):
            taken = self._waiting.get()
            if taken is None:
                self._waiting.put(None)  # None marks the end of the queue. Put it back for the next call.
                break
            batch.append(taken)
            size += self._size(taken[0])
        return batch


def _resolve_all(outcomes: "Iterable[tuple[_Result[A], A | Exception]]") -> None:
    loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[A], A | Exception]]] = {}
    for answer, outcome in outcomes:
        if isinstance(answer, asyncio.Future):
            loops.setdefault(answer.get_loop(), []).append((answer, outcome))
        else:
            _resolve(answer, outcome)
    for loop, waiting in loops.items():
        with suppress(RuntimeError):  # The loop has ended, and with it its waiters.
            loop.call_soon_threadsafe(_resolve_waiting, waiting)


def _resolve_waiting(outcomes: "Iterable[tuple[asyncio.Future[A], A | Exception]]") -> None:
    for answer, outcome in outcomes:
        if not answer.done():
            _resolve(answer, outcome)


def _resolve(answer: "_Result[A]", outcome: A | Exception) -> None:
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
