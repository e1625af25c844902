"""The image with its own database: any user, one folder to write to, a quick start, and data that ends with it.

All containers of these tests have no other network than the one that the test reaches them by.
"""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from tests.api.bodies import FLIGHTS, on, report

ROOT = Path(__file__).parents[2]
KEY = "irr_0123456789ab_hush-VpUMd0bIt7c4hJX3pQeWz8LrYk2nGfAso1uTiE5q"
WITH_KEY = {"Authorization": f"Bearer {KEY}"}
READY_SECONDS = 3.0
HEALTHY_SECONDS = 1.0
RESET_SECONDS = 0.3
MEGABYTES = 100
SLACK = 4
"""How much longer each time may be here than promised, because other programs share the machine."""
PATIENCE = 60
FIXTURE = """\
relation: xa-xb
title: A relation for tests
events:
  - {stream: relation, type: RelationOpened, parties: [XA, XB], title: A relation for tests}
  - {stream: irritant/visas, type: IrritantOpened, title: Visas, category: visas}
"""

pytestmark = pytest.mark.docker


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], cwd=ROOT, check=False, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Container:
    """A running container, with the seconds until it was ready and until Docker reported it as healthy."""

    id: str
    client: httpx2.Client
    ready: float
    healthy: float

    def ids(self) -> list[str]:
        return [irritant["id"] for irritant in self.client.get("/v1/irritants").json()["items"]]

    def file(self) -> None:
        body = report(on(FLIGHTS, "ConcernRaised"))
        filed = self.client.post("/v1/reports", json=body, headers={**WITH_KEY, "Idempotency-Key": "one"})
        assert filed.status_code == 201, filed.text

    def position(self) -> int:
        return int(self.client.get("/readyz").json()["position"])

    def log(self) -> str:
        done = subprocess.run(["docker", "logs", self.id], check=True, capture_output=True, encoding="utf-8")
        return done.stdout + done.stderr


def health(id: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", id)


@contextmanager
def running(image: str, *options: str) -> Iterator[Container]:
    began = time.monotonic()
    id = docker("run", "--detach", "--publish", "127.0.0.1::8000", *options, image)
    try:
        address = docker("port", id, "8000").splitlines()[0]
        with httpx2.Client(base_url=f"http://{address}", timeout=10) as client:
            ready = _until(began, id, lambda: _is_ready(client))
            healthy = _until(began, id, lambda: health(id) == "healthy")
            yield Container(id, client, ready, healthy)
    finally:
        docker("rm", "--force", "--volumes", id)


def _is_ready(client: httpx2.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx2.HTTPError:
        return False


def _until(began: float, id: str, holds: Any) -> float:
    while not holds():
        if time.monotonic() - began > PATIENCE:
            pytest.fail(docker("logs", "--tail", "50", id))
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def images() -> Iterator[tuple[str, str]]:
    """Yield the names of the image of the service, which is the default, and of the standalone image."""
    name = f"irritants-test-{uuid.uuid4().hex[:8]}"
    for target, variable in (("image", "IMAGE"), ("standalone", "STANDALONE")):
        made = subprocess.run(
            ["make", target, f"{variable}={name}:{target}"],
            cwd=ROOT,
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
        assert made.returncode == 0, made.stdout + made.stderr
    yield f"{name}:image", f"{name}:standalone"
    docker("image", "rm", f"{name}:image", f"{name}:standalone")


@pytest.fixture(scope="module")
def image(images: tuple[str, str]) -> str:
    return images[1]


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"irritants-test-{uuid.uuid4().hex[:8]}"
    yield name
    docker("volume", "rm", name)


def size(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def test_it_is_at_most_a_hundred_megabytes_larger_than_the_service(images: tuple[str, str]) -> None:
    service, standalone = map(size, images)
    assert 0 < standalone - service < MEGABYTES * 1_000_000


def test_the_default_image_has_no_database(images: tuple[str, str]) -> None:
    environment = json.loads(docker("image", "inspect", "--format", "{{json .Config.Env}}", images[0]))
    assert not [variable for variable in environment if variable.startswith("IRRITANTS_")]
    found = docker("run", "--rm", "--entrypoint", "find", images[0], "/venv", "-name", "pixeltable*")
    assert found == ""


def test_it_serves_the_five_irritants_soon_and_is_healthy_soon(image: str) -> None:
    with running(image) as container:
        assert len(container.ids()) == 5
        assert container.ready < READY_SECONDS * SLACK
        assert container.healthy - container.ready < HEALTHY_SECONDS * SLACK
        assert container.client.post("/v1/test/reset").status_code == 404


@pytest.mark.parametrize("user", ["10001:10001", "54321:54321", "12345:0", "0:0"])
def test_it_runs_as_any_user_with_one_folder_to_write_to(image: str, user: str) -> None:
    confined = ("--read-only", "--tmpfs", "/data", "--user", user, "--security-opt", "no-new-privileges:true")
    capabilities = () if user == "0:0" else ("--cap-drop", "ALL")
    chosen = ("--env", f"IRRITANTS_INITIAL_KEY={KEY}")
    with running(image, *confined, *capabilities, *chosen) as container:
        container.file()
        assert container.position() == 128
        docker("exec", container.id, "irritants", "verify", "--documents")
        changed = docker("diff", container.id)
        assert all(line.split()[1] in ("/data", "/seeds") for line in changed.splitlines())


def test_no_key_is_in_the_log(image: str) -> None:
    with running(image, "--env", f"IRRITANTS_INITIAL_KEY={KEY}") as container:
        container.file()
        container.client.get(f"/v1/{KEY}")
        assert "hush" not in container.log()
        assert "refused" in container.log()


def test_data_stays_only_with_a_volume(image: str, volume: str) -> None:
    chosen = ("--env", f"IRRITANTS_INITIAL_KEY={KEY}")
    for options in ((), ("--volume", f"{volume}:/data")):
        with running(image, *chosen, *options) as container:
            container.file()
            docker("stop", container.id)
        with running(image, *chosen, *options, "--user", "10001:10001") as container:
            assert container.position() == (128 if options else 127)


def test_each_container_has_a_record_and_a_secret_of_its_own(image: str) -> None:
    logs = set()
    for _ in range(2):
        with running(image) as container:
            logs.add(container.client.get("/v1/events").json()["log"])
    assert len(logs) == 2


def test_a_folder_at_seeds_has_the_fixtures(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "one.yaml").write_text(FIXTURE, encoding="utf-8")
    with running(image, "--volume", f"{tmp_path}:/seeds:ro") as container:
        assert container.ids() == ["xa-xb/visas"]
    (tmp_path / "one.yaml").write_text(FIXTURE.replace("Visas,", "Visas, colour: red,"), encoding="utf-8")
    assert "\n/seeds/one.yaml:5:" in refusal(image, "--volume", f"{tmp_path}:/seeds:ro")
    elsewhere = ("--volume", f"{tmp_path}:/our/reports:ro", "--env", "IRRITANTS_SEEDS=/our/reports")
    assert "\n/our/reports/one.yaml:5:" in refusal(image, *elsewhere)


def test_an_empty_folder_at_seeds_is_refused_with_the_usual_cause(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    said = refusal(image, "--volume", f"{tmp_path}:/seeds:ro")
    assert "\n/seeds: the folder is empty. If it is mounted into a container, check the path outside" in said
    assert "in /)" in refusal(image, "--env", "IRRITANTS_SEEDS=reports")


def refusal(image: str, *options: str) -> str:
    """Return the message of a container that does not start because of its seeds."""
    command = ["docker", "run", "--rm", *options, image]
    failed = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    assert failed.returncode == 2
    return failed.stderr


def test_a_reset_brings_the_fixtures_back(image: str) -> None:
    chosen = ("--env", f"IRRITANTS_INITIAL_KEY={KEY}", "--env", "IRRITANTS_TEST_MODE=true")
    with running(image, "--read-only", "--tmpfs", "/data", *chosen) as container:
        seconds = []
        for _ in range(9):
            container.file()
            assert container.position() == 128
            began = time.monotonic()
            reset = container.client.post("/v1/test/reset", headers=WITH_KEY)
            seconds.append(time.monotonic() - began)
            assert (reset.status_code, reset.json()["position"]) == (200, 127)
            assert container.position() == 127
        assert median(seconds) < RESET_SECONDS * SLACK
        assert container.ready < READY_SECONDS * SLACK


def test_a_key_from_a_file_and_a_generated_key_work(image: str, tmp_path: Path) -> None:
    key = docker("run", "--rm", image, "key", "generate")
    tmp_path.chmod(0o755)
    (tmp_path / "key").write_text(key, encoding="utf-8")
    mounted = ("--volume", f"{tmp_path / 'key'}:/run/secrets/key:ro", "--env")
    with running(image, *mounted, "IRRITANTS_INITIAL_KEY_FILE=/run/secrets/key") as container:
        answer = container.client.get("/v1/irritants", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200
