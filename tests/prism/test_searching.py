"""The search over the whole desk, as the people of one organisation use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.web import as_web_role

if TYPE_CHECKING:
    from tests.prism.tenancies import Filled

pytestmark = pytest.mark.django_db


def answer_to(term: str, filled: Filled, role: str = "viewer") -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=filled.user_ids[role]))
    with as_web_role():
        response = client.get("/admin/search/", {"s": term, "extended": "1"})
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("words", ["journey", "TPL", "gateway", "vip", "Acmeum"])
def test_what_was_authored_is_found_by_a_part_of_its_name(two: tuple[Filled, Filled], words: str) -> None:
    found = answer_to(words, two[0])
    assert "Acmeum" in found
    assert "Betadois" not in found


def test_a_dispatch_is_found_by_whole_identifiers_only(two: tuple[Filled, Filled]) -> None:
    mine = two[0]
    for term in (mine.correlation_id, f"{mine.mark}-tax", str(mine.failed), str(mine.trigger_id)):
        assert f"/admin/dispatching/dispatch/{mine.failed}/change/" in answer_to(term, mine), term
        assert str(mine.failed) not in answer_to(term, two[1]), term
    assert str(mine.failed) not in answer_to(mine.correlation_id[:-1], mine)


def test_pages_are_found_by_their_title_by_who_may_see_them(two: tuple[Filled, Filled]) -> None:
    assert "/admin/dispatching/queueworker/" in answer_to("worker", two[0], "operator")
    assert "/admin/dispatching/queueworker/" not in answer_to("worker", two[0], "author")
    assert "/admin/tenants/apikey/" not in answer_to("api", two[0], "operator")


@pytest.mark.parametrize("term", ["", " ", "a", "--", "%_", "\x00\x00", "'; --", "x" * 5000])
def test_nothing_useful_finds_nothing_and_breaks_nothing(two: tuple[Filled, Filled], term: str) -> None:
    assert "/change/" not in answer_to(term, two[0])


def test_what_was_found_for_one_organisation_is_never_remembered_for_another(two: tuple[Filled, Filled]) -> None:
    mine, theirs = two
    assert "Acmeum" in answer_to("journey", mine)
    assert "Acmeum" not in answer_to("journey", theirs)


def test_a_search_costs_few_queries(
    two: tuple[Filled, Filled], django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    client = Client()
    client.force_login(User.objects.get(pk=two[0].user_ids["admin"]))
    with django_assert_max_num_queries(18):  # type: ignore[operator]  # pytest-django's fixture is a function
        client.get("/admin/search/", {"s": "Acmeum", "extended": "1"})
