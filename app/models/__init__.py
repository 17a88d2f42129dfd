"""The database's models."""

from app.models.attachments import Attachment, Digest, MessageFile, MessagePassage
from app.models.conversations import Conversation, Folder
from app.models.files import File, FilePage, FileState
from app.models.lab import LabMachine, LabRun, LabSample
from app.models.libraries import Library
from app.models.messages import Message, ParentRef, Role, Run, RunState
from app.models.model_choice import StoredSetting
from app.models.passages import Passage
from app.models.prompts import Prompt
from app.models.ratings import Rating
from app.models.registration import Invitation, PasswordLink
from app.models.shares import Share
from app.models.users import AccessToken, AccountRole, AccountState, LoginSession, User

__all__ = [
    "AccessToken",
    "AccountRole",
    "AccountState",
    "Attachment",
    "Conversation",
    "Digest",
    "File",
    "FilePage",
    "FileState",
    "Folder",
    "Invitation",
    "LabMachine",
    "LabRun",
    "LabSample",
    "Library",
    "LoginSession",
    "Message",
    "MessageFile",
    "MessagePassage",
    "ParentRef",
    "Passage",
    "PasswordLink",
    "Prompt",
    "Rating",
    "Role",
    "Run",
    "RunState",
    "Share",
    "StoredSetting",
    "User",
]
