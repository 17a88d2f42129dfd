"""Accounts: registering, logging in and out, language and theme."""

from .views import blueprint

__all__ = ["blueprint"]
