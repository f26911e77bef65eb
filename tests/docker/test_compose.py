"""compose.yml is valid, names only what exists, and asks for exactly what env.example offers."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.databases import CHECKOUT
from tests.docker.image import DOCKERFILE, read_environment

COMPOSE = CHECKOUT / "docker" / "compose.yml"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")
OF_OTHER_IMAGES = re.compile(r"POSTGRES_|PRISM_(OWNER|WEB)_PASSWORD|KAFKA_|CLUSTER_ID")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


def commands_of(service: dict[str, Any]) -> list[str]:
    return re.findall(r"manage\.py (\w+)", " ".join(service.get("command", [])))


def test_the_file_is_what_compose_reads() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_process_of_the_readme_is_a_service(services: dict[str, Any]) -> None:
    readme = (CHECKOUT / "README.md").read_text()
    named = set(re.findall(r"^python manage\.py (\w+) ", readme, re.MULTILINE)) - {"doctor", "collectstatic"}
    assert {"consume_triggers", "run_sender", "relay_outbox", "run_worker"} <= named
    assert named - {command for service in services.values() for command in commands_of(service)} == set()


def test_services_run_commands_that_exist(services: dict[str, Any]) -> None:
    known = {path.stem for path in CHECKOUT.glob("*/management/commands/*.py")} | {"migrate"}
    assert {command for service in services.values() for command in commands_of(service)} <= known


def test_processes_are_given_settings_that_exist(services: dict[str, Any]) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (CHECKOUT / "docs" / "settings.md").read_text(), re.MULTILINE))
    for name in ("web", "consumer", "sender", "relay", "worker", "migrate"):
        assert set(services[name]["environment"]) - documented == set(), name


def test_the_example_offers_exactly_what_has_to_be_said() -> None:
    used = dict(VARIABLE.findall(COMPOSE.read_text()))
    offered = read_environment(CHECKOUT / "docker" / "env.example")
    required = {name for name, rest in used.items() if rest.startswith(":?")}
    assert required <= set(offered) <= set(used)
    assert all(offered[name] == "" for name in required), "an example secret is a shared secret"


def test_servers_are_of_the_versions_that_tests_run_on(services: dict[str, Any]) -> None:
    jars = (CHECKOUT / "prism" / "embedded" / "kafka_jars.lock").read_text()
    (kafka,) = set(re.findall(r"apache\.kafka:kafka_2\.13:([\d.]+\d)", jars))
    assert services["kafka"]["image"] == services["topics"]["image"] == f"apache/kafka:{kafka}"
    assert services["postgres"]["image"] == "postgres:18"


def test_prisms_own_processes_can_write_nothing_and_gain_nothing(services: dict[str, Any]) -> None:
    for name in ("web", "consumer", "sender", "relay", "worker", "migrate"):
        service = services[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "privileged" not in service, name


def test_stopping_waits_as_long_as_draining_takes(services: dict[str, Any]) -> None:
    assert {services[name]["stop_grace_period"] for name in ("web", "consumer", "sender", "relay")} == {"30s"}
    assert services["worker"]["stop_grace_period"] == "70s"


def test_the_image_has_the_python_that_tests_run_on() -> None:
    dockerfile = DOCKERFILE.read_text()
    (tag,) = re.findall(r"^ARG PYTHON=(\d+\.\d+)-", dockerfile, re.MULTILINE)
    assert f'requires-python = ">={tag}"' in (CHECKOUT / "pyproject.toml").read_text()
