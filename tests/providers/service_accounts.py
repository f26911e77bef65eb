"""A Google service account of the tests' own: its key is made when it is first asked for."""

from __future__ import annotations

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

EMAIL = "sender@my-app-prod.iam.gserviceaccount.com"
PROJECT = "my-app-prod"
KEY_ID = "0f3a9c0f3a9c"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def private_pem() -> str:
    pem = key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def public_pem() -> bytes:
    return key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def document(**changes: str) -> str:
    """As Google hands it out: indented, with line breaks in the key."""
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
