"""Where the encrypted field was before every room could use it; migrations know it by this place."""

from __future__ import annotations

from tenants.encryption import UNREADABLE, EncryptedTextField

__all__ = ["UNREADABLE", "EncryptedTextField"]
