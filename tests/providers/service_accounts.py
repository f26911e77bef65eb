"""A Google service account, as Firebase hands one out, with the key pair of this test process."""

from __future__ import annotations

import json

from tests.providers.keys import private_pem

EMAIL = "sender@my-app-prod.iam.gserviceaccount.com"
PROJECT = "my-app-prod"
KEY_ID = "0f3a9c0f3a9c"


def document(**changes: str) -> str:
    """Indented, with line breaks in the key."""
    fields = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": KEY_ID,
        "private_key": private_pem(),
        "client_email": EMAIL,
        "client_id": "104200000000000000000",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps({**fields, **changes}, indent=2)
