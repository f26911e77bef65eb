"""`manage.py export_openapi`: writes docs/openapi.yaml; with --check, exits 1 where it is stale."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from prism.openapi import DOCUMENT, render


class Command(BaseCommand):
    help = str(_("Write the OpenAPI document of the API from its code."))
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail where the document is stale.")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = render()
        present = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
        if options["check"]:
            if present != wanted:
                raise CommandError("docs/openapi.yaml is stale: run manage.py export_openapi and commit it.")
            return
        DOCUMENT.write_text(wanted, encoding="utf-8")
        self.stdout.write(f"{DOCUMENT} written.")
