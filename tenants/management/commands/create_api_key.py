"""`manage.py create_api_key NAME --scope view`: prints the key, once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from tenants.keys import SCOPES, mint_key
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Make an API key and print it. It is shown this once only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for, unique per tenant")
        parser.add_argument("--tenant", default=settings.DEFAULT_TENANT, help="slug (default: %(default)s)")
        parser.add_argument("--scope", action="append", choices=SCOPES, required=True, help="repeat for several")

    def handle(self, *_args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"there is no tenant {options['tenant']!r}")
        try:
            _key, raw = mint_key(tenant_id=tenant.pk, name=options["name"], scopes=options["scope"])
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(raw)
