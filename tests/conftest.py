"""One PostgreSQL and one Kafka for the whole run, a database of its own for every test process, no other network."""

from __future__ import annotations

import pytest
from hypothesis import settings as hypothesis_settings

from tests import databases, network, session
from tests.brokers import group, kafka_bootstrap, topic
from tests.clusters import private_services
from tests.databases import django_db_setup, process_environment

__all__ = ["django_db_setup", "group", "kafka_bootstrap", "private_services", "process_environment", "topic"]

# Two cores shared with a database and a broker: how long one example takes says nothing.
hypothesis_settings.register_profile("prism", deadline=None)
hypothesis_settings.load_profile("prism")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run also what takes minutes (make chaos)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before Django is imported: its settings read the addresses of the services."""
    if config.option.help or config.option.version:
        return
    if not hasattr(config, "workerinput"):  # xdist's workers inherit the environment of the process that starts them
        session.begin(config)
    network.close_to_the_outside()
    import django

    django.setup()
    from django.conf import settings

    # Hashing slowly is Django's to test; here it would be most of the time.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    databases.restore_after_committing_tests()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
