#!/usr/bin/env python
"""Entry point of every management command (workers, migrations, one-off jobs)."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prism.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise SystemExit(
            "Django is not installed in this interpreter. Run `make .venv`, then use `.venv/bin/python manage.py …`."
        ) from error
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # A wrong setting is the operator's to mend: one line that says what to set, no traceback.
        raise SystemExit(f"prism: {error}") from None


if __name__ == "__main__":
    main()
