"""Accounts: registering, logging in and out, language and theme, personal tokens."""

from . import account
from .views import blueprint

__all__ = ["account", "blueprint"]
