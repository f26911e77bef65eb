"""Settings: environment variables only, read strictly by `prism.environment`. docs/settings.md lists them all."""

from __future__ import annotations

import datetime as dt
import sys
import zoneinfo
from pathlib import Path

from prism import environment as read
from prism import security_headers, theme
from prism.logs import logging_config

# Every process reads local times from the pinned tzdata package, never from the machine (architecture, decision 10).
zoneinfo.reset_tzpath(to=())

BASE_DIR = Path(__file__).resolve().parent.parent

PRISM_ENV = read.environment_name()
PRODUCTION = PRISM_ENV == "production"
DEBUG = False

# Which role of the database this process takes (architecture, decision 2): web serves people, worker does the rest.
PROCESS = read.choice("PRISM_PROCESS", "worker", ("web", "worker"))
PROGRAM = "web" if PROCESS == "web" else read.program(sys.argv)

SECRET_KEY = read.secret_key(PRODUCTION)
FERNET_KEYS = read.fernet_keys()
FERNET_USE_HKDF = True

_owner = read.database("DATABASE_URL", "Set postgres://prism_owner:password@host:5432/prism (the owner's role)")
_web = read.database(
    "WEB_DATABASE_URL", "Set postgres://prism_web:password@host:5432/prism (the role without ownership)"
)
if _owner["USER"] == _web["USER"]:
    raise read.fail(
        "WEB_DATABASE_URL",
        "has the same user as DATABASE_URL",
        "Give the web process a role of its own that owns nothing, or row-level security protects nobody",
    )
WEB_DATABASE_ROLE = _web["USER"]
_own = _web if PROCESS == "web" else _owner
DATABASES = {
    "default": {
        **_own,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "application_name": f"prism-{PROCESS}",
            "connect_timeout": 5,
            # Who changed a setting is told by the audit trail; workers' own connections take the options along.
            # A page that takes longer than 30 s has no reader any more.
            "options": f"-c prism.program={PROGRAM}" + (" -c statement_timeout=30s" if PROCESS == "web" else ""),
            **_own.get("OPTIONS", {}),
        },
    }
}

KAFKA_BOOTSTRAP_SERVERS = read.servers("KAFKA_BOOTSTRAP_SERVERS", "Set host:port[,host:port]")
KAFKA_TRIGGERS_TOPIC = read.kafka_name("KAFKA_TRIGGERS_TOPIC", "campaign_triggers")
# Maps further trigger topics to the tenant whose triggers they carry: {"topic": "tenant-slug"} (contract.md, Tenants).
KAFKA_TRIGGER_TOPIC_TENANTS = read.json_texts("KAFKA_TRIGGER_TOPIC_TENANTS")
KAFKA_DISPATCH_EVENTS_TOPIC = read.kafka_name("KAFKA_DISPATCH_EVENTS_TOPIC", "communication_dispatch_events")
KAFKA_CONSUMER_GROUP = read.kafka_name("KAFKA_CONSUMER_GROUP", "prism")
KAFKA_EXTRA_CONFIG = read.json_object("KAFKA_EXTRA_CONFIG")
KAFKA_SESSION_TIMEOUT_MS = read.integer("KAFKA_SESSION_TIMEOUT_MS", 6000, low=1000, high=300_000)

DEFAULT_TENANT = read.optional("DEFAULT_TENANT", "default")
# Environment variables that a provider's configuration may name; a trailing * allows a prefix (decision 20).
PROVIDER_ENV_ALLOW_LIST = read.allow_list("PROVIDER_ENV_ALLOW_LIST")
# Where vendors reach the web process with their reports (docs/providers.md).
PUBLIC_URL = read.public_url("PUBLIC_URL")
OUTBOUND_ALLOW_PRIVATE = read.flag("OUTBOUND_ALLOW_PRIVATE", False)
OUTBOUND_MIN_TLS = read.choice("OUTBOUND_MIN_TLS", "1.2", ("1.2", "1.3"))

WORKER_DEAD_AFTER_SECONDS = read.integer("WORKER_DEAD_AFTER_SECONDS", 15, low=3, high=300)
TRIGGER_MAX_BYTES = read.integer("TRIGGER_MAX_BYTES", 262_144, low=1024, high=8_388_608)
LEDGER_RETENTION_DAYS = read.integer("LEDGER_RETENTION_DAYS", 97, low=1, high=3650)
DISPATCH_RETENTION_DAYS = read.integer("DISPATCH_RETENTION_DAYS", 90, low=1, high=3650)
IDEMPOTENCY_KEY_HOURS = read.integer("IDEMPOTENCY_KEY_HOURS", 24, low=1, high=720)
WEBHOOK_RETENTION_DAYS = read.integer("WEBHOOK_RETENTION_DAYS", 14, low=1, high=3650)
WEBHOOK_MAX_BODY_BYTES = read.integer("WEBHOOK_MAX_BODY_BYTES", 1_048_576, low=16_384, high=67_108_864)
DEAD_LETTER_RETENTION_DAYS = read.integer("DEAD_LETTER_RETENTION_DAYS", 14, low=1, high=3650)
# Weeks past DISPATCH_RETENTION_DAYS move to the schema "archive", or are dropped for good.
DETACHED_PARTITIONS = read.choice("DETACHED_PARTITIONS", "archive", ("archive", "drop"))
# A worker serves its numbers at METRICS_PORT; the web process serves its own at /metrics, to whom the last two name.
METRICS_PORT = read.integer("METRICS_PORT", 0, low=0, high=65_535)
METRICS_HOST = read.optional("METRICS_HOST", "127.0.0.1")
METRICS_TOKEN = read.optional("METRICS_TOKEN", "")
METRICS_ALLOWED_NETWORKS = read.networks("METRICS_ALLOWED_NETWORKS", ["127.0.0.0/8", "::1/128"])
if LEDGER_RETENTION_DAYS < DISPATCH_RETENTION_DAYS:
    raise read.fail(
        "LEDGER_RETENTION_DAYS",
        f"{LEDGER_RETENTION_DAYS} is less than DISPATCH_RETENTION_DAYS ({DISPATCH_RETENTION_DAYS})",
        "Keep the ledger at least as long as the dispatches, or an old event could be sent again",
    )

ALLOWED_HOSTS = read.words("ALLOWED_HOSTS") or ([] if PRODUCTION else ["127.0.0.1", "localhost", "testserver"])
if PROCESS == "web" and not ALLOWED_HOSTS:
    raise read.fail("ALLOWED_HOSTS", "is not set", "Set the names under which people reach Prism, as prism.example.com")
CSRF_TRUSTED_ORIGINS = read.origins("CSRF_TRUSTED_ORIGINS")
SECURE_SSL_REDIRECT = read.flag("SECURE_SSL_REDIRECT", PRODUCTION)
SECURE_HSTS_SECONDS = read.integer("SECURE_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0, low=0, high=63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if read.flag("BEHIND_TLS_PROXY", False) else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
SESSION_COOKIE_HTTPONLY, SESSION_COOKIE_SAMESITE, CSRF_COOKIE_SAMESITE = True, "Lax", "Lax"
SESSION_COOKIE_AGE = read.integer("SESSION_HOURS", 12, low=1, high=720) * 3600
SESSION_IDLE_SECONDS = read.integer("SESSION_IDLE_MINUTES", 120, low=5, high=43_200) * 60
SECURE_REFERRER_POLICY = SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = security_headers.CONTENT_SECURITY_POLICY

INSTALLED_APPS = [
    "tenants",
    "providers",
    "outbox",
    "templates",
    "audiences",
    "campaigns",
    "dispatching",
    "ingestion",
    "prism",
    # The theme comes before the admin whose pages it dresses.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "prism.apps.PrismAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "pgtrigger",
    "pghistory",
    "axes",
    "csp",
]
# Triggers of the audit trail are installed after every migrate (prism.history), as grants are.
PGTRIGGER_MIGRATIONS = False

MIDDLEWARE = [
    "prism.health.HealthMiddleware",
    "prism.request_log.RequestLogMiddleware",
    "tenants.api.middleware.ProblemMiddleware",
    "tenants.signin.addresses.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "prism.security_headers.SecurityHeadersMiddleware",
    # Before sessions, languages and tenants: vendors have none of them.
    "ingestion.webhooks.WebhookMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.signin.sessions.SessionLimitsMiddleware",
    "tenants.api.middleware.KeyMiddleware",
    "tenants.middleware.TenantMiddleware",
    "tenants.signin.gate.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "prism.urls"
WSGI_APPLICATION = "prism.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "prism" / "html"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The first one only asks whether somebody failed too often (tenants.signin.lockout).
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "tenants.backends.RoleBackend"]
TRUSTED_PROXIES = read.networks("TRUSTED_PROXIES", [])
AXES_FAILURE_LIMIT = read.integer("LOGIN_FAILURE_LIMIT", 5, low=3, high=100)
AXES_COOLOFF_TIME = dt.timedelta(minutes=read.integer("LOGIN_COOL_OFF_MINUTES", 15, low=1, high=1440))
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "tenants.signin.addresses.client_address"
AXES_LOCKOUT_CALLABLE = "tenants.signin.lockout.locked_out"
AXES_RESET_ON_SUCCESS, AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = True, False
AXES_DISABLE_ACCESS_LOG, AXES_ENABLE_ADMIN, AXES_VERBOSE = True, False, False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "pt-br"
LANGUAGES = [("pt-br", "Português (Brasil)"), ("en", "English")]
TIME_ZONE = "America/Sao_Paulo"
USE_I18N = USE_TZ = True
FORMAT_MODULE_PATH = ["prism.formats"]
LANGUAGE_COOKIE_AGE = 31_536_000
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
STATIC_URL = "static/"
STATIC_ROOT = read.optional("STATIC_ROOT", str(BASE_DIR / ".local" / "static"))
# In production `manage.py collectstatic` fills STATIC_ROOT; elsewhere files are served from where they lie.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not PRODUCTION
if PRODUCTION:
    if PROCESS == "web" and not (Path(STATIC_ROOT) / "staticfiles.json").exists():
        raise read.fail("STATIC_ROOT", f"{STATIC_ROOT} holds no collected files", "Run manage.py collectstatic first")
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
UNFOLD = theme.UNFOLD
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Per key and per signed-in person; and per address, for keys that open nothing.
API_REQUESTS_PER_MINUTE = read.integer("API_REQUESTS_PER_MINUTE", 6000, low=1, high=10_000_000)
API_BAD_KEYS_PER_MINUTE = read.integer("API_BAD_KEYS_PER_MINUTE", 30, low=1, high=10_000_000)
API_MAX_BODY_BYTES = read.integer("API_MAX_BODY_BYTES", 2_097_152, low=65_536, high=67_108_864)
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "tenants.api.openapi.Schema",
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tenants.api.authentication.KeyAuthentication",
        "tenants.api.authentication.PersonAuthentication",
    ],
    # Closed unless a view opens itself.
    "DEFAULT_PERMISSION_CLASSES": ["tenants.api.permissions.MayUse"],
    "DEFAULT_PARSER_CLASSES": ["tenants.api.parsing.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["tenants.api.filtering.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "tenants.api.paging.CursorPages",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "tenants.api.explaining.answer_exception",
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": False,
}
API_DOCS_OPEN = read.flag("API_DOCS_OPEN", False)
SPECTACULAR_SETTINGS = {
    "TITLE": "Prism",
    "DESCRIPTION": (
        "Everything that is set up, sent and operated. Send `Authorization: Bearer prism_…`. Errors are problem details"
        " (RFC 9457) with a stable `code`, and one per field; lists go by cursor; whoever changes a row says in"
        " `If-Match` which version of it he has seen. docs/api.md tells it with examples."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "RejectedState": "ingestion.models.RejectedState",
        "DispatchStatus": "dispatching.statuses.Status",
        "ScheduledStatus": "dispatching.statuses.SCHEDULED_STATUSES",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tenants.api.openapi.describe_problems",
    ],
}

# dependencies' lessons: ids only as arguments, save_limit -1, small queue_limit, long retry, no connection pool.
Q_CLUSTER = {
    "name": "prism",
    "workers": 2,
    "timeout": 60,
    "retry": 900,
    "max_attempts": 3,
    "bulk": 1,
    "queue_limit": 4,
    "save_limit": -1,
    "recycle": 500,
    "catch_up": False,
    "poll": 0.5,
}
REDIS_URL = read.redis_url("REDIS_URL")
if REDIS_URL:
    Q_CLUSTER["redis"] = REDIS_URL
else:
    Q_CLUSTER["orm"] = "default"

LOGGING_CONFIG = None
LOG_LEVEL = read.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_READABLE = read.flag("LOG_READABLE", False)
if LOG_READABLE and PRODUCTION:
    raise read.fail("LOG_READABLE", "is for development", "Leave it unset: production writes JSON lines")
logging_config(level=LOG_LEVEL, readable=LOG_READABLE)
