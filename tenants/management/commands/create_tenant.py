"""`manage.py create_tenant SLUG`: a further tenant, and optionally its first administrator."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from tenants.models import Membership, Role, Tenant


class Command(BaseCommand):
    help = "Make a tenant; --admin makes an existing user its administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="names it in Kafka headers and log lines: lower case, digits, hyphens")
        parser.add_argument("--name", help="what people see; the slug if left out")
        parser.add_argument("--timezone", default="America/Sao_Paulo")
        parser.add_argument("--locale", default="pt-br")
        parser.add_argument("--admin", metavar="USERNAME")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant(
            slug=options["slug"],
            name=options["name"] or options["slug"],
            timezone=options["timezone"],
            locale=options["locale"],
        )
        with transaction.atomic():
            try:
                tenant.full_clean()
            except ValidationError as error:
                told = (f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
                raise CommandError("; ".join(told)) from error
            tenant.save()
            if options["admin"]:
                self._add_administrator(tenant, options["admin"])
        self.stdout.write(f"{tenant.slug} ({tenant.pk})")

    def _add_administrator(self, tenant: Tenant, username: str) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"there is no user {username!r}: make it first, then run this again")
        Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
