"""The rows: people, their sessions and tokens, conversations, messages, runs, settings."""

from .conversation import Conversation
from .message import Message, Role
from .run import Run, RunState
from .session import LoginSession
from .setting import StoredSetting
from .token import AccessToken
from .user import User

__all__ = ["AccessToken", "Conversation", "LoginSession", "Message", "Role", "Run", "RunState", "StoredSetting", "User"]
