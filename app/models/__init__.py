"""The rows: people, their sessions and tokens, prompts, conversations, messages, runs, settings, the Labo's."""

from .campaign import LabCampaign, LabVote
from .conversation import Conversation
from .folder import Folder
from .lab import LabMachine, LabRun, LabSample
from .message import Follows, Message, Role
from .prompt import Prompt
from .rating import Rating
from .run import Run, RunState
from .session import LoginSession
from .setting import StoredSetting
from .share import Share
from .token import AccessToken
from .user import User

__all__ = [
    "AccessToken",
    "Conversation",
    "Folder",
    "Follows",
    "LabCampaign",
    "LabMachine",
    "LabRun",
    "LabSample",
    "LabVote",
    "LoginSession",
    "Message",
    "Prompt",
    "Rating",
    "Role",
    "Run",
    "RunState",
    "Share",
    "StoredSetting",
    "User",
]
