"""`manage.py clean_sign_ins`: deletes sessions that have expired and failed sign-ins older than a month."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext_lazy as _

from tenants.retention import clean_sign_ins


class Command(BaseCommand):
    help = str(_("Delete expired sessions and old failed sign-ins."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{clean_sign_ins()} rows deleted.")
