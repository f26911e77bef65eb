"""The web process. It speaks to PostgreSQL as `prism_web`, never as the owner."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prism.settings")
os.environ["PRISM_PROCESS"] = "web"

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

try:
    application = get_wsgi_application()
except ImproperlyConfigured as error:
    # A wrong setting is the operator's to mend: one line that says what to set, no traceback.
    raise SystemExit(f"prism: {error}") from None
