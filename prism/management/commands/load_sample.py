"""`manage.py load_sample`: the sample tenant of prism/sample/sample.toml, with providers at the sandbox vendor."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from prism.sample.loading import Loader, make_administrator
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Loads the sample campaigns, templates and providers; run again, it keeps what you changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sandbox-url", required=True, help="where run_sandbox_vendor listens")
        parser.add_argument("--tenant", default=settings.DEFAULT_TENANT, help="slug (default: %(default)s)")
        parser.add_argument("--admin-username", default="admin", help="login to make (default: %(default)s)")
        parser.add_argument("--admin-password", help="its password; without it no login is made or changed")
        parser.add_argument("--reset", action="store_true", help="put changed sample rows back as they were")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["tenant"]
        tenant, _created = Tenant.objects.get_or_create(slug=slug, defaults={"name": slug})
        loader = Loader(tenant, sandbox_url=options["sandbox_url"], reset=options["reset"])
        try:
            loader.load()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if options["admin_password"]:
            make_administrator(tenant, options["admin_username"], options["admin_password"])
        self.stdout.write(f"written: {', '.join(loader.written) or 'nothing'}")
        self.stdout.write(f"kept: {', '.join(loader.kept) or 'nothing'}")
