"""What the conformance kit needs to know of FCM."""

from __future__ import annotations

from tests.providers.service_accounts import document

PROVIDER_TYPE = "PUSH"
ADDRESS = "dGVzdC10b2tlbg:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx"
CREDENTIALS = {"api_key": document()}
HEALTH_POSTS = True
"""It asks for an access token, which reaches nobody."""
