"""The files in `recipes/`: proxies run in front of real processes, and programs of their own check the others."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from typer.main import get_command

from service.cli.main import app
from service.client import Irritants
from service.settings import Settings, variable
from tests import needed
from tests.api.bodies import VISAS, on, report
from tests.api.serving import Served, served, until
from tests.keys import new_key

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes"
PROMETHEUS = RECIPES / "prometheus"
STATUS = "/v1/irritants/ru-us/visas"
PROXIES = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def started(proxy: str, folder: Path, config: str) -> "subprocess.Popen[bytes]":
    file = folder / PROXIES[proxy]
    if proxy == "nginx":
        # A user without rights of root writes into its own folder.
        own = f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
        config = own + config.replace("http {", f"http {{ access_log off; {temporary}", 1)
        command = [needed.program("nginx", "nginx-light"), "-c", str(file), "-e", str(folder / "error.log")]
    else:
        command = [needed.program("haproxy"), "-db", "-f", str(file)]
    file.write_text(config, encoding="utf-8")
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def in_front_of(proxy: str, one: Served, two: Served, folder: Path) -> Iterator[str]:
    """Yield the address of a recipe's proxy, with only the ports changed."""
    port = free_port()
    config = (RECIPES / PROXIES[proxy]).read_text(encoding="utf-8")
    ports = {"127.0.0.1:8001": one, "127.0.0.1:8002": two}
    for written, server in ports.items():
        assert config.count(written) == 1
        config = config.replace(written, "{}:{}".format(*server.address))
    assert config.count("127.0.0.1:8080") == 1
    process = started(proxy, folder, config.replace("127.0.0.1:8080", f"127.0.0.1:{port}"))
    address = f"http://127.0.0.1:{port}"
    try:
        until(lambda: answers(address))
        yield address
    finally:
        process.terminate()
        process.wait(timeout=20)


def answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz").status_code == 200
    except httpx2.TransportError:
        return False


@pytest.fixture(params=sorted(PROXIES))
def proxied(request: pytest.FixtureRequest, seeded_database_url: str, tmp_path: Path) -> Iterator[tuple[str, Served]]:
    """Yield the address of a proxy, and one of the two processes behind it."""
    needed.program(request.param, {"nginx": "nginx-light"}.get(request.param, ""))
    with ExitStack() as stack:
        one, two = (stack.enter_context(served(seeded_database_url, trusted_proxies="127.0.0.1")) for _ in range(2))
        yield stack.enter_context(in_front_of(request.param, one, two, tmp_path)), one


def test_unchanged_documents_are_confirmed_and_changes_are_awaited_through_the_proxy(
    proxied: tuple[str, Served], seeded_database_url: str
) -> None:
    address, _ = proxied
    for coding in ("identity", "gzip"):
        headers = {"Accept-Encoding": coding}
        tag = httpx2.get(f"{address}{STATUS}", headers=headers).headers["etag"]
        again = httpx2.get(f"{address}{STATUS}", headers={**headers, "If-None-Match": tag})
        assert again.status_code == 304
    with Irritants(address, key=new_key(seeded_database_url)) as irritants:
        began = time.monotonic()
        assert irritants.wait("ru-us/visas", 2) is None
        assert time.monotonic() - began > 1.5
        filing = threading.Timer(0.5, irritants.file, [report(on(VISAS, "ConcernRaised"))])
        filing.start()
        assert irritants.wait("ru-us/visas", 20) is not None
        filing.join()


def test_events_of_a_live_stream_pass_the_proxy_at_once(proxied: tuple[str, Served], seeded_database_url: str) -> None:
    address, _ = proxied
    with (
        Irritants(address, key=new_key(seeded_database_url)) as irritants,
        httpx2.stream("GET", f"{address}/v1/events/live", timeout=10) as stream,
    ):
        lines = stream.iter_lines()
        threading.Timer(0.5, irritants.file, [report(on(VISAS, "ConcernRaised"))]).start()
        assert next(line for line in lines if line.startswith("data:"))


def test_reading_continues_when_a_process_is_killed(proxied: tuple[str, Served]) -> None:
    address, one = proxied
    one.process.kill()
    assert {httpx2.get(f"{address}{STATUS}").status_code for _ in range(20)} == {200}


def promtool(*arguments: str) -> None:
    checked = subprocess.run(
        [needed.program("promtool", "prometheus"), *arguments],
        cwd=PROMETHEUS,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_accepts_the_configuration_and_the_alerts() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "alerts.yml")


def test_each_alert_is_raised_when_it_should_be_and_not_before() -> None:
    promtool("test", "rules", "alerts.test.yml")
    tests = yaml.safe_load((PROMETHEUS / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    raised = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert raised == {rule["alert"] for rule in alerts()}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def test_the_service_has_every_metric_of_the_alerts_and_the_page_on_call_explains_it(shared_server: Served) -> None:
    httpx2.get(f"{shared_server.url}{STATUS}")
    served_metrics = httpx2.get(f"{shared_server.url}/metrics").text
    page = (ROOT / "docs" / "on-call.md").read_text(encoding="utf-8")
    named = {name for rule in alerts() for name in re.findall(r"irritants_\w+", rule["expr"])}
    assert named == {"irritants_behind_seconds", "irritants_requests_total", "irritants_record_went_back_total"}
    for name in named:
        assert re.search(rf"^{name}[ {{]", served_metrics, re.MULTILINE)
        assert f"`{name}" in page
    assert len(alerts()) == 4


def test_the_workflow_is_valid_and_its_key_is_known_to_its_steps() -> None:
    workflow = RECIPES / "github-workflow.yml"
    check = (
        str(Path(sys.executable).with_name("check-jsonschema")),
        "--builtin-schema",
        "vendor.github-workflows",
        str(workflow),
    )
    checked = subprocess.run(check, check=False, capture_output=True, encoding="utf-8")
    assert checked.returncode == 0, checked.stdout
    job = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]["test"]
    service = job["services"]["irritants"]
    assert service["env"]["IRRITANTS_INITIAL_KEY"] == job["env"]["IRRITANTS_KEY"]
    assert service["ports"] == ["8000:8000"]
    assert job["env"]["IRRITANTS_URL"] == "http://127.0.0.1:8000"
    assert are_settings(service["env"])
    assert are_settings(job["env"])


def are_settings(names: Any) -> bool:
    return set(names) <= {variable(field) for field in Settings.model_fields}


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, Any]]:
    """Return the objects of the manifest by kind, of which each has one."""
    objects = list(yaml.safe_load_all((RECIPES / "kubernetes.yaml").read_text(encoding="utf-8")))
    assert len({found["kind"] for found in objects}) == len(objects)
    return {found["kind"]: found for found in objects}


def test_kubernetes_accepts_every_object_of_the_manifest(manifest: dict[str, dict[str, Any]]) -> None:
    for version in ("1.31", "1.37"):
        for found in manifest.values():
            kubernetes_validate.validate(found, version, strict=True)


def test_the_pods_of_the_manifest_use_existing_secrets_settings_and_commands(
    manifest: dict[str, dict[str, Any]],
) -> None:
    secrets = manifest["Secret"]["stringData"]
    for kind in ("Job", "Deployment"):
        (container,) = manifest[kind]["spec"]["template"]["spec"]["containers"]
        assert are_settings(setting["name"] for setting in container["env"])
        references = [s["valueFrom"]["secretKeyRef"] for s in container["env"] if "valueFrom" in s]
        assert references
        assert all(r["name"] == manifest["Secret"]["metadata"]["name"] and r["key"] in secrets for r in references)
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert manifest[kind]["metadata"]["namespace"] == manifest["Namespace"]["metadata"]["name"]
    (migrate,) = manifest["Job"]["spec"]["template"]["spec"]["containers"]
    command = getattr(get_command(app), "commands", {})[migrate["args"][0]]
    options = {name for parameter in command.params for name in parameter.opts}
    assert {argument for argument in migrate["args"] if argument.startswith("--")} <= options


def test_two_pods_answer_to_the_probes_and_get_the_requests(
    manifest: dict[str, dict[str, Any]], shared_server: Served
) -> None:
    deployment = manifest["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["replicas"] == 2
    for kind, selector in (
        ("Service", manifest["Service"]["spec"]["selector"]),
        ("PodDisruptionBudget", manifest["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]),
        ("Deployment", deployment["selector"]["matchLabels"]),
    ):
        assert selector.items() <= labels.items(), kind
    (container,) = deployment["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert manifest["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert port["containerPort"] == 8000
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["path"] for probe in probes.values()} == {"/readyz", "/healthz"}
    assert probes["livenessProbe"]["path"] == "/healthz"
    for probe in probes.values():
        assert httpx2.get(f"{shared_server.url}{probe['path']}").status_code == 200
        assert probe["port"] == port["name"]


def test_the_manifest_migrates_to_the_release_that_it_runs(manifest: dict[str, dict[str, Any]]) -> None:
    images = {
        container["image"]
        for kind in ("Job", "Deployment")
        for container in manifest[kind]["spec"]["template"]["spec"]["containers"]
    }
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (version,) = re.findall(r'^version = "(.*)"$', project, re.MULTILINE)
    assert images == {f"registry.example/irritants:{version}"}
    assert manifest["Job"]["metadata"]["name"] == f"migrate-{version}"


def test_every_recipe_is_described_on_its_page() -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    files = {str(file.relative_to(ROOT)) for file in RECIPES.rglob("*") if file.is_file()}
    assert {file for file in files if f"(../{file})" not in page} == set()
