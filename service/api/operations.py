"""Endpoints for operators: health, readiness and metrics.

Other modules count in plain numbers, because that is fast. `Metrics` converts them when Prometheus asks. Only the
durations of appends are observed in a histogram of Prometheus (`Metrics.appends`).
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
from starlette.responses import JSONResponse, PlainTextResponse, Response

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
    """Refuse every query parameter. A dependency of routes without parameters. Raises Problem."""
    parse(Query, request.scope["query_string"])


router = APIRouter(tags=["operations"], dependencies=[Depends(no_parameters)])

_BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Metrics(Collector):
    """Collects the metrics of one process from its recorder, its follower and its telemetry."""

    def __init__(self, recorder: Recorder, follower: Follower) -> None:
        self._queue, self._follower = recorder.queue, follower
        # By route, method and status. `app.py` replaces this by the counts of the telemetry when the service starts.
        self.counts: Mapping[tuple[str, str, int], RequestCount] = {}
        self.appends = Histogram(
            "irritants_append_seconds",
            "Time from the validation of a report to its commit",
            buckets=_BUCKETS,
            registry=None,
        )
        self.registry = CollectorRegistry()
        self.registry.register(self)
        ProcessCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._request_metrics()
        yield from self._read_metrics()
        yield _counter("irritants_batches", "Batches in which reports were recorded", self._queue.batches)
        yield _counter("irritants_batched_reports", "Reports recorded in batches", self._queue.requests)
        yield _gauge("irritants_reports_waiting", "Reports in the queue that are in no batch yet", self._queue.waiting)
        yield from self.appends.collect()

    def _request_metrics(self) -> Iterator[Metric]:
        labels = ("route", "method", "status")
        requests = CounterMetricFamily("irritants_requests", "Requests by route, method and status", labels=labels)
        seconds = CounterMetricFamily("irritants_request_seconds", "Total duration of requests", labels=labels)
        for (route, method, status), counted in list(self.counts.items()):
            kind = (route, method, str(status))
            requests.add_metric(kind, counted.requests)
            seconds.add_metric(kind, counted.seconds)
        yield requests
        yield seconds

    def _read_metrics(self) -> Iterator[Metric]:
        follower = self._follower
        head, cache = follower.last_head, follower.cache
        yield _counter("irritants_head_queries", "Queries for the head of the record", follower.queries)
        yield _counter("irritants_head_questions", "Requests that these queries answered", follower.head_requests)
        yield _gauge(
            "irritants_position", "Last position of the record that this process has read", head.position if head else 0
        )
        yield _gauge(
            "irritants_behind_positions", "Recorded positions that this process has not read yet", follower.behind
        )
        yield _gauge("irritants_behind_seconds", "Time since the head was last read", seconds_since_confirmed(follower))
        yield _counter(
            "irritants_record_went_back",
            "Number of times that the record lost events or was replaced",
            follower.breaks,
        )
        yield _gauge("irritants_waiters", "Requests and streams that wait for a change", follower.waiting)
        yield _gauge("irritants_cache_bytes", "Memory of the cached rendered documents", cache.bytes)
        yield _counter("irritants_cache_hits", "Responses served from the cache", cache.hits)
        yield _counter("irritants_cache_misses", "Responses that had to be rendered", cache.misses)
        yield from self._replica_metrics()

    def _replica_metrics(self) -> Iterator[Metric]:
        replicas = self._follower.replicas
        reads = CounterMetricFamily(
            "irritants_reads", "Reads of the record, by the database that served them", labels=("origin",)
        )
        behind = GaugeMetricFamily(
            "irritants_standby_behind_positions",
            "Positions that the standby lacked at its last check",
            labels=("standby",),
        )
        set_aside = GaugeMetricFamily(
            "irritants_standby_set_aside", "1 if no reads are sent to the standby, else 0", labels=("standby",)
        )
        reads.add_metric(("primary",), replicas.primary_reads)
        for standby in replicas.standbys:
            number = str(standby.number)
            reads.add_metric((f"standby {number}",), standby.reads)
            behind.add_metric((number,), standby.behind)
            set_aside.add_metric((number,), standby.state != SERVING)
        yield from (reads, behind, set_aside)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def seconds_since_confirmed(follower: Follower) -> float:
    """Return the seconds since the head was last read from the database. The follower reads it every second."""
    return max(asyncio.get_running_loop().time() - follower.confirmed_at, 0.0)


class Alive(Document):
    """The process is alive."""

    alive: bool = True


class StandbyState(Document):
    """A standby, by its number in IRRITANTS_READ_DATABASE_URLS. `state`: `serving`, or the reason why not."""

    standby: int
    state: str
    behind: int = Field(description="positions that it lacked at its last check")


class Ready(Document):
    """The service is ready. `position`: the last position of the record."""

    ready: bool = True
    position: int
    standbys: list[StandbyState] = Field(default=[], description="the standbys in the setting")


class ReadyInTestMode(Ready):
    """The service is ready, and in test mode. The contract has only `Ready`."""

    test_mode: bool = True


@router.get("/healthz", operation_id="read_health")
async def health() -> Alive:
    """Answer 200 while the process is alive. The database is not checked."""
    return Alive()


@router.get("/readyz", operation_id="read_readiness", response_model=Ready)
async def readiness(request: Request) -> Response | Ready:
    """Answer 200 if the service can answer from the record, else 503 with the reason."""
    follower: Follower = request.app.state.follower
    if follower.draining:
        raise Problem("not-ready", "The service is shutting down. Send the request to another process.")
    try:
        if not await _migrated(request.app.state):
            raise Problem("not-ready", "The database lacks the tables of this release. Run `irritants migrate`.")
        head = await follower.head()
    except DatabaseUnavailable:
        raise Problem("not-ready", "The database cannot be reached. The service retries every second.") from None
    standbys = [StandbyState(standby=c.number, state=c.state, behind=c.behind) for c in follower.replicas.standbys]
    if request.app.state.resets is not None:
        return JSONResponse(ReadyInTestMode(position=head.position, standbys=standbys).model_dump())
    return Ready(position=head.position, standbys=standbys)


async def _migrated(state: State) -> bool:
    """Return whether the database has the tables of this release.

    Once they exist this is not checked again, because a later migration must not break a running release.
    """
    if not state.migrated:
        state.migrated = await state.follower.read(_is_current)
    return bool(state.migrated)


def _is_current(engine: Engine) -> bool:
    with connection(engine) as c:
        return is_current(c)


@router.get("/metrics", operation_id="read_metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """List the metrics of this process for Prometheus. If reading needs a key, this needs the scope `admin`."""
    if request.app.state.settings.read_access == "key":
        access: Access = request.state.key
        access.require("admin")
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    metrics_of_process: Metrics = request.app.state.metrics
    return Response(
        encode(metrics_of_process.registry), headers={"Content-Type": content_type, "Cache-Control": "no-store"}
    )
