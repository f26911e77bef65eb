"""What the Dockerfile copies and installs is all that Prism needs to run."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from prism import probe
from tests.databases import CHECKOUT
from tests.docker.image import DOCKERFILE, Image, only_for_development, unpack


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """As the build leaves it: with its files collected."""
    image = unpack(tmp_path_factory.mktemp("image"))
    done = image.run("manage.py", "collectstatic", "--noinput", timeout=120)
    assert done.returncode == 0, done.stderr
    return image


def test_the_dockerfile_has_no_known_fault() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint, "hadolint is in requirements/dev.in for Linux on x86_64: make .venv anew"
    done = subprocess.run([hadolint, "--no-color", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_tried_without_what_is_for_development_only(image: Image) -> None:
    assert {"pytest", "hypothesis", "playwright", "supervisor"} <= only_for_development()
    assert "not in the image" in image.run("-c", "import pytest").stderr


def test_every_room_of_the_house_is_in_the_image(image: Image) -> None:
    rooms = {path.parent.name for path in CHECKOUT.glob("*/apps.py")}
    assert rooms <= {path.name for path in image.root.iterdir()}
    assert not (image.root / "tests").exists()


def test_every_command_can_be_loaded_in_the_image(image: Image) -> None:
    names = sorted(path.stem for path in CHECKOUT.glob("*/management/commands/*.py") if path.stem != "__init__")
    script = (
        "import django, sys; from django.core.management import get_commands, load_command_class; django.setup();"
        "[load_command_class(get_commands()[name], name) for name in sys.argv[1:]]"
    )
    done = image.run("-c", script, *names, DJANGO_SETTINGS_MODULE="prism.settings")
    assert done.returncode == 0, done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_web_process_of_the_image_becomes_healthy_and_serves_its_own_files(
    image: Image, process_environment: dict[str, str]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    services = {name: process_environment[name] for name in ("DATABASE_URL", "WEB_DATABASE_URL")}
    command = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--log-config", "prism/granian_logs.json", "prism.wsgi:application"]
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=image.root,
        env={**image.environment, **services, "ALLOWED_HOSTS": "127.0.0.1", "SECURE_SSL_REDIRECT": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/readyz", process)
        healthy, page = probe.ask(f"http://127.0.0.1:{port}/admin/login/")
        assert healthy
        assert "/static/" in page
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    told = ""
    while time.monotonic() < end and process.poll() is None:
        healthy, told = probe.ask(url)
        if healthy:
            return
        time.sleep(0.2)
    process.kill()
    raise AssertionError(f"{told}\n{process.communicate()[1].decode()}")
