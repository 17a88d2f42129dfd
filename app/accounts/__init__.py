"""Accounts: registration, log-in and log-out, and the user's settings."""

from app.accounts import settings
from app.accounts.views import blueprint

__all__ = ["blueprint", "settings"]
