"""`manage.py doctor`: asks everything that can be asked from here. Exits 0 where all is well, else 1."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import translation
from django.utils.translation import gettext as _

from prism.doctor.checks import ask_all
from prism.doctor.findings import Answer


class Command(BaseCommand):
    help = "Tell in words what is wrong with this deployment, and what to do."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object, for machines")
        parser.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], default=settings.LANGUAGE_CODE
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            answers = list(self._ask(told=not options["json"]))
            if options["json"]:
                self.stdout.write(json.dumps(msgspec.to_builtins(report_of(answers)), ensure_ascii=False, indent=2))
            else:
                self._sum_up(answers)
        if not all(answer.healthy for answer in answers):
            sys.exit(1)

    def _ask(self, *, told: bool) -> Any:
        for answer in ask_all():
            if told:
                self._tell(answer)
            yield answer

    def _tell(self, answer: Answer) -> None:
        if answer.findings is None:
            self.stdout.write(f"  –   {answer.title}: " + _("not asked, see above"))
        elif not answer.findings:
            self.stdout.write(f"  {self.style.SUCCESS('ok')}  {answer.title}")
        for finding in answer.findings or ():
            mark = "··" if finding.is_hint else self.style.ERROR("!!")
            self.stdout.write(f"  {mark}  {answer.title}: {finding.what}")
            self.stdout.write(f"      → {finding.do}")

    def _sum_up(self, answers: list[Answer]) -> None:
        wrong = sum(not finding.is_hint for answer in answers for finding in answer.findings or ())
        if all(answer.healthy for answer in answers):
            self.stdout.write(self.style.SUCCESS(_("All is well.")))
        else:
            self.stdout.write(self.style.ERROR(_("Found: %(count)d.") % {"count": wrong}))


def report_of(answers: list[Answer]) -> dict[str, Any]:
    return {"healthy": all(answer.healthy for answer in answers), "checks": answers}
