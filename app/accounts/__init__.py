"""Accounts: registering, logging in and out, and the person's settings."""

from app.accounts import settings
from app.accounts.views import blueprint

__all__ = ["blueprint", "settings"]
