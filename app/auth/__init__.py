"""Accounts: registering, logging in and out, language and theme, the person's settings."""

from . import account, profile, prompts
from .views import blueprint

__all__ = ["account", "blueprint", "profile", "prompts"]
