"""The theme speaks Portuguese, our pages stand alone when all else fails, and every role has its own sidebar."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import unfold
from django.contrib.auth.models import User
from django.template.loader import render_to_string
from django.test import Client, override_settings
from django.utils import translation

from prism.theme import environment_badge
from tests.prism.pages import words_of
from tests.web import as_web_role

if TYPE_CHECKING:
    from tests.prism.tenancies import Filled

THEME = Path(unfold.__file__).parent
# Parts of the theme that are not installed here, and words that are the same in both languages.
NOT_OURS = re.compile(r"import_export|guardian|simple_history|constance|crispy|location_field|contrib/forms|inlines")
SAME = {"%(class_name)s %(instance)s"}
MARKED = re.compile(r"""\{%\s*(?:trans|translate)\s+(["'])(.+?)\1""")


def theme_texts() -> set[str]:
    pages = (path for path in THEME.rglob("*.html") if not NOT_OURS.search(str(path)))
    return {found[1] for path in pages for found in MARKED.findall(path.read_text())}


def test_every_word_of_the_theme_is_portuguese() -> None:
    with translation.override("pt-br"):
        english = {text for text in theme_texts() - SAME if translation.gettext(text) == text}
    assert len(theme_texts()) > 50
    assert english == set()


@pytest.mark.parametrize("page", ["400", "403", "403_csrf", "404", "500"])
@pytest.mark.parametrize("language", ["pt-br", "en"])
def test_error_pages_need_nothing_and_say_what_to_do(page: str, language: str) -> None:
    with translation.override(language):
        words = words_of(render_to_string(f"{page}.html"))
    assert len(words.split()) > 15
    assert ("Ir para o início" in words) == (language == "pt-br")


@pytest.mark.django_db
def test_what_is_not_there_is_told_in_the_readers_language() -> None:
    client = Client(headers={"accept-language": "pt-br"})
    response = client.get("/nothing-of-the-kind/")
    assert response.status_code == 404
    assert "Não há nada aqui" in response.content.decode()


@pytest.mark.django_db
def test_a_chosen_language_is_kept_against_the_browsers() -> None:
    client = Client(headers={"accept-language": "pt-br"})
    answer = client.post("/language/setlang/", {"language": "en", "next": "/admin/login/"})
    assert answer.headers["Location"] == "/admin/login/"
    assert "Sign in to Prism" in client.get("/admin/login/").content.decode()
    assert int(client.cookies["django_language"]["max-age"]) > 86_400


@pytest.mark.django_db
def test_somebody_of_no_organisation_is_told_so_and_can_leave() -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create(username="stranger"))
    with as_web_role():
        response = client.get("/admin/", follow=True)
        page = response.content.decode()
        assert response.status_code == 403
        assert "stranger" in page
        assert "Ask an administrator" in page
        assert "You have signed out" in client.post("/admin/leave/").content.decode()


@override_settings(PRISM_ENV="production")
def test_production_wears_no_badge() -> None:
    assert environment_badge(None) is None  # type: ignore[arg-type]  # it looks at the settings only


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "sees", "misses"),
    [
        ("viewer", {"Campaigns", "Dispatches", "Providers"}, {"Workers", "API keys", "People", "Outbox"}),
        ("author", {"Campaigns", "Templates"}, {"Workers", "API keys", "People"}),
        ("operator", {"Workers", "Lanes", "Outbox"}, {"API keys", "People"}),
        ("admin", {"Workers", "API keys", "Members"}, {"People", "Job queue"}),
    ],
)
def test_the_sidebar_offers_what_the_role_may_see(
    two: tuple[Filled, Filled], role: str, sees: set[str], misses: set[str]
) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids[role]))
    with as_web_role():
        page = client.get("/admin/tenants/tenant/", follow=True)
        offered = {
            item["title"] for group in page.context["sidebar_navigation"] for item in group["items"] if item["link"]
        }
        assert sees <= offered
        assert not misses & offered
        for group in page.context["sidebar_navigation"]:
            for item in group["items"]:
                assert client.get(item["link"], follow=True).status_code == 200, item["title"]


@pytest.mark.django_db
def test_one_page_of_the_sidebar_is_marked_as_the_readers(two: tuple[Filled, Filled]) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=two[0].user_ids["admin"]))
    with as_web_role():
        for link in ("/admin/", "/admin/campaigns/campaign/", "/admin/campaigns/campaign/add/"):
            groups = client.get(link).context["sidebar_navigation"]
            assert len([item for group in groups for item in group["items"] if item["active"]]) == 1, link
