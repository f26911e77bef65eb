"""The demo's steps, in order: environment, services, database, processes, triggers, outcomes."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from prism.demo.errors import DemoError
from prism.demo.keeping import PASSWORD, kept_environment
from prism.demo.leftovers import end_leftovers
from prism.demo.programs import METERED, Ports, programs
from prism.demo.supervising import Supervisor
from prism.embedded import Services, ensure_topics, hold, ports
from prism.embedded.accounts import give_to, owner_of
from prism.embedded.services import CHECKOUT, DEFAULT_ROOT

if TYPE_CHECKING:
    from prism.demo.outcomes import Outcome
    from prism.demo.showing import Screen

LOCAL = CHECKOUT / ".local"
PLACE = LOCAL / "demo"
LOGS = LOCAL / "logs"
PARTITIONS = 4
READY_S = 60.0
OUTCOMES_S = 45.0
ADMIN = "admin"


class Running(msgspec.Struct, frozen=True):
    """A demo that is up."""

    address: str
    username: str
    password: str
    vendor: str
    metrics: str
    logs: str


def make_places() -> None:
    for place in (PLACE, LOGS):
        place.mkdir(parents=True, exist_ok=True)
        give_to(owner_of(LOCAL), place)


def hand_over_files() -> None:
    """What root wrote in somebody's checkout is theirs, or their next `make demo` could not write it."""
    if owner := owner_of(LOCAL):
        for place in (PLACE, LOGS, LOCAL / "static"):
            give_to(owner, *place.rglob("*"), *([place] if place.exists() else []))


def start(stack: contextlib.ExitStack, screen: Screen, *, reset: bool) -> Running:
    """Everything up and ready; what was started is stopped by the stack."""
    end_leftovers(PLACE, screen.say)
    kept = kept_environment(LOCAL / "demo.env")
    with screen.step("PostgreSQL and Kafka"):
        services = stack.enter_context(hold(DEFAULT_ROOT, screen.say))
    chosen = _choose_ports(screen.say)
    web = f"http://127.0.0.1:{chosen.web}"
    environment = _environment(services, kept, web)
    vendor = f"http://127.0.0.1:{chosen.vendor}"
    with screen.step("Tables, sample campaigns, topics"):
        _set_up_django(environment)
        told = _prepare(vendor, web, kept[PASSWORD], reset=reset)
    from prism.demo.outcomes import database_time

    supervisor = Supervisor(PLACE, LOGS, programs(chosen, vendor_log=PLACE / "vendor.jsonl", vendor_told=told))
    stack.callback(_stop, supervisor, screen)
    with screen.step("Web, worker, consumer, sender, relay, sandbox vendor"):
        since = database_time()
        supervisor.start(environment)
        supervisor.wait_until_running(READY_S)
        _wait_until_ready(chosen.web, supervisor, since)
    return Running(
        address=f"{web}/admin/",
        username=ADMIN,
        password=kept[PASSWORD],
        vendor=vendor,
        metrics=", ".join(f"{name} http://127.0.0.1:{port}/metrics" for name, port in chosen.metrics.items()),
        logs=str(LOGS),
    )


def rehearse(screen: Screen) -> list[Outcome]:
    """Publish the sample triggers, wait for what becomes of them, show it. Returns what is not as expected."""
    from django.conf import settings

    from prism.demo.campaigns import schedule_soon
    from prism.demo.outcomes import is_known, outcome_of
    from prism.demo.publishing import FactReader, publish
    from prism.demo.samples import SEED_ID, samples
    from tenants.models import Tenant

    tenant = Tenant.objects.get(slug=settings.DEFAULT_TENANT)
    reader = FactReader(settings.KAFKA_DISPATCH_EVENTS_TOPIC)
    with contextlib.closing(reader):
        with screen.step("Sample triggers, and what becomes of them"):
            schedule_soon(tenant)
            sent = samples(seed_is_known=is_known(SEED_ID, tenant.pk))
            records = publish(settings.KAFKA_TRIGGERS_TOPIC, [sample.value for sample in sent])
            deadline = time.monotonic() + OUTCOMES_S
            while True:
                outcomes = [outcome_of(one, at, tenant.pk) for one, at in zip(sent, records, strict=True)]
                if all(outcome.is_expected for outcome in outcomes) or time.monotonic() > deadline:
                    break
                time.sleep(0.2)
        screen.outcomes(outcomes)
        published = {
            (dispatch.id, dispatch.version)
            for outcome in outcomes
            if not outcome.sample.repeat and outcome.rejection is None
            for dispatch in outcome.dispatches
            if dispatch.is_published
        }
        facts = reader.wait_for(published, OUTCOMES_S)
        screen.facts(facts, settings.KAFKA_DISPATCH_EVENTS_TOPIC)
    missing = published - {(fact.dispatch_id, fact.version) for fact in facts}
    if missing:
        raise DemoError(f"{len(missing)} facts did not come: see {LOGS / 'relay.log'}.")
    return [outcome for outcome in outcomes if not outcome.is_expected]


def _choose_ports(progress: Callable[[str], None]) -> Ports:
    web = ports.choose("web", 8000, (), progress)
    vendor = ports.choose("the sandbox vendor", 8025, (web,), progress)
    metrics: dict[str, int] = {}
    for name in METERED:
        # Any will do: they are told with the other addresses.
        metrics[name] = ports.choose(name, 9464, metrics.values(), lambda _line: None)
    return Ports(web, vendor, metrics)


def _environment(services: Services, kept: dict[str, str], web: str) -> dict[str, str]:
    """For every process of the demo: the person's own variables, then what makes it one demo."""
    return {
        **os.environ,
        **{name: value for name, value in kept.items() if name != PASSWORD},
        **services.environment(),
        "PRISM_ENV": "development",
        "DJANGO_SETTINGS_MODULE": "prism.settings",
        # The sandbox vendor listens on this machine.
        "OUTBOUND_ALLOW_PRIVATE": "true",
        # And reports to us here.
        "PUBLIC_URL": web,
        "PYTHONUNBUFFERED": "1",
    }


def _set_up_django(environment: dict[str, str]) -> None:
    os.environ.update({**environment, "LOG_LEVEL": "ERROR"})
    import django

    django.setup()


def _prepare(vendor: str, web: str, password: str, *, reset: bool) -> list[str]:
    """What the database holds before anything starts. Returns what the sandbox vendor has to be told."""
    from django.conf import settings
    from django.core.management import call_command

    from prism.demo.campaigns import save_demo_campaigns
    from prism.demo.channels import save_channels
    from tenants.models import Tenant

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    with (LOGS / "load_sample.log").open("w") as log:
        call_command(
            "load_sample", sandbox_url=vendor, admin_username=ADMIN, admin_password=password, reset=reset, stdout=log
        )
    tenant = Tenant.objects.get(slug=settings.DEFAULT_TENANT)
    save_demo_campaigns(tenant)
    names = (settings.KAFKA_TRIGGERS_TOPIC, settings.KAFKA_DISPATCH_EVENTS_TOPIC)
    ensure_topics(settings.KAFKA_BOOTSTRAP_SERVERS, dict.fromkeys(names, PARTITIONS))
    return save_channels(tenant, vendor, web)


def _wait_until_ready(web_port: int, supervisor: Supervisor, since: dt.datetime) -> None:
    """The web process answers, and consumer and sender are at work."""
    from prism.demo.outcomes import at_work

    deadline = time.monotonic() + READY_S
    while not (_answers(web_port) and at_work(since)):
        supervisor.wait_until_running(READY_S)
        if time.monotonic() > deadline:
            raise DemoError(f"Not everything is at work after {READY_S:.0f} s. The logs are in {LOGS}.")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _stop(supervisor: Supervisor, screen: Screen) -> None:
    with screen.step("Stopping everything that was started"):
        supervisor.stop()
