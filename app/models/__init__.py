"""The rows: people and their sessions, conversations, messages, runs, settings."""

from .conversation import Conversation
from .message import Message, Role
from .run import Run, RunState
from .session import LoginSession
from .setting import StoredSetting
from .user import User

__all__ = ["Conversation", "LoginSession", "Message", "Role", "Run", "RunState", "StoredSetting", "User"]
