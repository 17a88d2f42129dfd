"""The rows: people, their sessions and tokens, prompts, conversations, messages, runs, settings."""

from .conversation import Conversation
from .folder import Folder
from .message import Message, Role
from .prompt import Prompt
from .rating import Rating
from .run import Run, RunState
from .session import LoginSession
from .setting import StoredSetting
from .token import AccessToken
from .user import User

__all__ = [
    "AccessToken",
    "Conversation",
    "Folder",
    "LoginSession",
    "Message",
    "Prompt",
    "Rating",
    "Role",
    "Run",
    "RunState",
    "StoredSetting",
    "User",
]
