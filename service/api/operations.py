"""For whoever runs the service: whether it is alive, whether it answers and else why not, and what it counts.

The hot paths keep plain numbers of their own; they are turned into metrics only when somebody asks.
"""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Final

from fastapi import APIRouter, Depends, Request
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from pydantic import Field
from sqlalchemy import Engine
from starlette.datastructures import State
from starlette.responses import PlainTextResponse, Response

from service.api.auth import Access
from service.api.parameters import Query, parse
from service.api.problems import Problem
from service.api.telemetry import RequestCount
from service.follower import Follower
from service.follower.replicas import SERVING
from service.projections.document import Document
from service.recorder import Recorder
from service.store.engine import DatabaseUnavailable, connection
from service.store.migrate import is_current


async def no_parameters(request: Request) -> None:
    """A dependency of routes that take none. Raises Problem for one that is given."""
    parse(Query, request.scope["query_string"])


router = APIRouter(tags=["operations"], dependencies=[Depends(no_parameters)])

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics(Collector):
    """The numbers of one process, read where they are kept."""

    def __init__(self, recorder: Recorder, follower: Follower) -> None:
        self._queue, self._follower = recorder.queue, follower
        self.counts: Mapping[tuple[str, str, int], RequestCount] = {}
        self.appends = Histogram(
            "irritants_append_seconds", "From a report's reading to its commit", buckets=_BUCKETS, registry=None
        )
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._of_requests()
        yield from self._of_reading()
        yield _counter("irritants_batches", "Batches of reports that were decided together", self._queue.batches)
        yield _counter("irritants_batched_reports", "Reports in those batches", self._queue.requests)
        yield _gauge("irritants_reports_waiting", "Reports that no batch has taken up yet", self._queue.waiting)
        yield from self.appends.collect()

    def _of_requests(self) -> Iterator[Metric]:
        labels = ("route", "method", "status")
        requests = CounterMetricFamily("irritants_requests", "Requests by route and status", labels=labels)
        seconds = CounterMetricFamily("irritants_request_seconds", "The time that they took together", labels=labels)
        for (route, method, status), counted in list(self.counts.items()):
            kind = (route, method, str(status))
            requests.add_metric(kind, counted.requests)
            seconds.add_metric(kind, counted.seconds)
        yield requests
        yield seconds

    def _of_reading(self) -> Iterator[Metric]:
        follower = self._follower
        head, cache = follower.last_head, follower.cache
        yield _counter("irritants_head_queries", "Queries for the head of the record", follower.queries)
        yield _counter("irritants_head_questions", "Requests that those queries answered", follower.questions)
        yield _gauge(
            "irritants_position", "The record's last position, as this process knows it", head.position if head else 0
        )
        yield _gauge("irritants_behind_positions", "Positions on record that are not yet read here", follower.behind)
        yield _gauge("irritants_behind_seconds", "How long ago the head was last confirmed", unheard(follower))
        yield _counter(
            "irritants_record_went_back", "Times that what was seen was not on record any more", follower.breaks
        )
        yield _gauge("irritants_waiters", "Requests that wait for news", follower.waiting)
        yield _gauge("irritants_cache_bytes", "Rendered documents that are kept", cache.bytes)
        yield _counter("irritants_cache_hits", "Answers found among them", cache.hits)
        yield _counter("irritants_cache_misses", "Answers that had to be made", cache.misses)
        yield from self._of_copies()

    def _of_copies(self) -> Iterator[Metric]:
        copies = self._follower.replicas
        reads = CounterMetricFamily("irritants_reads", "Answers made, by what they were read from", labels=("origin",))
        behind = GaugeMetricFamily("irritants_standby_behind_positions", "When last looked at", labels=("standby",))
        aside = GaugeMetricFamily("irritants_standby_set_aside", "1 where it is not read", labels=("standby",))
        reads.add_metric(("primary",), copies.primary_reads)
        for copy in copies.standbys:
            number = str(copy.number)
            reads.add_metric((f"standby {number}",), copy.reads)
            behind.add_metric((number,), copy.behind)
            aside.add_metric((number,), copy.state != SERVING)
        yield from (reads, behind, aside)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def unheard(follower: Follower) -> float:
    """For how many seconds nothing was heard of the head of the record; it is asked for every second."""
    return max(asyncio.get_running_loop().time() - follower.confirmed_at, 0.0)


class Alive(Document):
    """The process answers."""

    alive: bool = True


class StandbyState(Document):
    """A standby, by its place in the setting: `serving`, or why it is not read. Without it the primary serves."""

    standby: int
    state: str
    behind: int = Field(description="positions that it had not yet when it was last looked at")


class Ready(Document):
    """The service answers from the record, whose last position this is."""

    ready: bool = True
    position: int
    standbys: list[StandbyState] = Field(default=[], description="those that may be read")


@router.get("/healthz", operation_id="read_health")
async def health() -> Alive:
    """Whether the process is alive; says nothing of the database."""
    return Alive()


@router.get("/readyz", operation_id="read_readiness")
async def readiness(request: Request) -> Ready:
    """Whether the service answers from the record, and else why not."""
    follower: Follower = request.app.state.follower
    if follower.draining:
        raise Problem("not-ready", "The service is shutting down.")
    try:
        if not await _migrated(request.app.state):
            raise Problem("not-ready", "The database has not the tables of this release: run `irritants migrate`.")
        head = await follower.head()
    except DatabaseUnavailable:
        raise Problem("not-ready", "The database cannot be reached.") from None
    standbys = [StandbyState(standby=c.number, state=c.state, behind=c.behind) for c in follower.replicas.standbys]
    return Ready(position=head.position, standbys=standbys)


async def _migrated(state: State) -> bool:
    """Asked until it is so: a later release that changes the tables sees to it that this one can go on."""
    if not state.migrated:
        state.migrated = await state.follower.read(_is_current)
    return bool(state.migrated)


def _is_current(engine: Engine) -> bool:
    with connection(engine) as c:
        return is_current(c)


@router.get("/metrics", operation_id="read_metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """What the process counts, for Prometheus. Needs the scope admin where reading needs a key."""
    if request.app.state.settings.read_access == "key":
        access: Access = request.state.key
        access.require("admin")
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    kept: Metrics = request.app.state.metrics
    return Response(encode(kept.registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"})
