"""Accounts: registering, logging in and out, language and theme, the person's settings."""

from app.auth import account, profile, prompts
from app.auth.views import blueprint

__all__ = ["account", "blueprint", "profile", "prompts"]
