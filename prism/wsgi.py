"""The web process. It speaks to PostgreSQL as `prism_web`, never as the owner."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prism.settings")
os.environ["PRISM_PROCESS"] = "web"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
