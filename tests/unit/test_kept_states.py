"""What the embedded engine has read is kept within the room, and taken back when another conversation came between."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.engines.embedded import MAX_FILES_SHARE, TOKENS_WORTH_KEEPING, Embedded, PromptCacheStore
from app.engines.supervisor import cache_folder, delete_stale_caches
from app.errors import AppError

ROOM = 4000
TOKENS = 100


class Slot:
    """An engine's slot: writes files of this many bytes a token, and reads them while it is well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.size = 1000
        self.well = True
        self.asked: list[tuple[str, str]] = []

    def __call__(self, action: str, file: str) -> bool:
        self.asked.append((action, file.partition(".")[0]))
        if self.well and action == "save":
            (self.folder / file).write_bytes(b"x" * self.size)
        return self.well


@pytest.fixture
def slot(tmp_path: Path) -> Slot:
    return Slot(cache_folder(tmp_path, "model"))


@pytest.fixture
def states(slot: Slot) -> PromptCacheStore:
    return PromptCacheStore(slot.folder, ROOM, slot)


@pytest.fixture
def talk(states: PromptCacheStore, slot: Slot) -> Callable[..., None]:
    """One turn of a conversation, each later than the one before as the files tell it."""
    turns = iter(range(1, 100))

    def turn(conversation: str, tokens: int = TOKENS, keep: bool = True) -> None:
        path = slot.folder / f"{conversation}.state"
        states.restore(conversation)
        if keep:
            states.keep(conversation, tokens)
        if path.exists():
            os.utime(path, (next(turns),) * 2)

    return turn


def kept(slot: Slot) -> set[str]:
    return {path.stem for path in slot.folder.iterdir()}


def test_the_least_recently_used_goes_first(talk: Callable[..., None], slot: Slot) -> None:
    for conversation in "abcd":
        talk(conversation)
    assert kept(slot) == set("abcd")
    talk("a", keep=False)
    talk("e")
    assert kept(slot) == set("acde")
    talk("f")
    assert kept(slot) == set("adef")


def test_a_state_that_is_used_is_not_the_oldest(
    states: PromptCacheStore, talk: Callable[..., None], slot: Slot
) -> None:
    for conversation in "ab":
        talk(conversation)
    before = (slot.folder / "a.state").stat().st_mtime
    states.restore("a")
    assert (slot.folder / "a.state").stat().st_mtime > before + 1000


def test_what_takes_too_much_of_the_room_is_not_kept_nor_its_older_state(talk: Callable[..., None], slot: Slot) -> None:
    talk("a")
    most = TOKENS * ROOM // MAX_FILES_SHARE // slot.size
    talk("a", most)
    assert kept(slot) == {"a"}
    slot.asked.clear()
    talk("a", most * 11)
    assert kept(slot) == set()
    assert slot.asked == []


def test_a_few_tokens_are_not_worth_a_file(talk: Callable[..., None], slot: Slot) -> None:
    talk("a", TOKENS_WORTH_KEEPING - 1)
    assert kept(slot) == set()
    talk("a", TOKENS_WORTH_KEEPING)
    assert kept(slot) == {"a"}


def test_only_another_conversation_in_the_slot_makes_it_read_a_file(talk: Callable[..., None], slot: Slot) -> None:
    for conversation in "aaba":
        talk(conversation)
    assert slot.asked == [("save", "a"), ("save", "a"), ("save", "b"), ("restore", "a"), ("save", "a")]


def test_an_engine_that_was_started_anew_takes_up_what_was_kept(talk: Callable[..., None], slot: Slot) -> None:
    talk("a")
    PromptCacheStore(slot.folder, ROOM, slot).restore("a")
    assert slot.asked[-1] == ("restore", "a")


def test_a_file_that_cannot_be_read_is_not_tried_again(
    states: PromptCacheStore, talk: Callable[..., None], slot: Slot
) -> None:
    for conversation in "ab":
        talk(conversation)
    slot.well = False
    states.restore("a")
    assert kept(slot) == {"b"}
    slot.asked.clear()
    states.restore("b")
    states.restore("a")
    assert slot.asked == [("restore", "b")]


def test_an_engine_that_is_not_ready_is_asked_again(talk: Callable[..., None], slot: Slot) -> None:
    for conversation in "ab":
        talk(conversation)

    def starting(_action: str, _file: str) -> bool:
        raise AppError("engine_unreachable")

    states = PromptCacheStore(slot.folder, ROOM, starting)
    for _ in range(2):
        with pytest.raises(AppError):
            states.restore("a")
    assert kept(slot) == {"a", "b"}


def test_a_request_of_no_conversation_takes_the_slot(
    states: PromptCacheStore, talk: Callable[..., None], slot: Slot
) -> None:
    talk("a")
    states.restore("")
    states.restore("a")
    assert slot.asked == [("save", "a"), ("restore", "a")]


def test_a_failed_save_leaves_what_was_kept(talk: Callable[..., None], slot: Slot) -> None:
    talk("a")
    slot.well = False
    talk("a")
    assert kept(slot) == {"a"}


def test_a_conversation_that_is_gone_is_forgotten(
    states: PromptCacheStore, talk: Callable[..., None], slot: Slot
) -> None:
    for conversation in "ab":
        talk(conversation)
    states.forget("a")
    states.forget("never seen")
    assert kept(slot) == {"b"}
    slot.asked.clear()
    states.restore("a")
    assert slot.asked == []


def test_a_conversation_that_goes_while_it_is_written_down_leaves_nothing(states: PromptCacheStore, slot: Slot) -> None:
    states.restore("a")
    states.forget("a")
    states.keep("a", TOKENS)
    assert kept(slot) == set()
    # Its deletion was taken back, and it goes on.
    states.restore("a")
    states.keep("a", TOKENS)
    assert kept(slot) == {"a"}


def test_the_room_is_that_of_all_models_together(
    states: PromptCacheStore, talk: Callable[..., None], slot: Slot, tmp_path: Path
) -> None:
    other = Slot(cache_folder(tmp_path, "other"))
    (other.folder / "x.state").write_bytes(b"x" * 2 * slot.size)
    os.utime(other.folder / "x.state", (0, 0))
    (other.folder / "a.state").touch()
    for conversation in "ab":
        talk(conversation)
    assert kept(other) == {"x", "a"}
    talk("c")
    assert kept(other) == {"a"}
    assert kept(slot) == set("abc")
    states.forget("a")
    assert (kept(other), kept(slot)) == (set(), set("bc"))


def test_states_of_models_that_are_gone_are_deleted_and_the_others_stay(tmp_path: Path) -> None:
    parent = tmp_path / "states"
    first, second = cache_folder(parent, "one"), cache_folder(parent, "two")
    for name in ("a.state", "b.state.new"):
        (first / name).touch()
        (second / name).touch()
    assert first.stat().st_mode & 0o777 == 0o700
    delete_stale_caches(parent, {"one", "never used"}, empty=False)
    assert list(parent.iterdir()) == [first]
    assert [path.name for path in cache_folder(parent, "one").iterdir()] == ["a.state"]
    delete_stale_caches(parent, {"one"}, empty=True)
    assert list(parent.iterdir()) == []


def test_forgetting_reaches_the_states_of_every_model_without_an_engine(tmp_path: Path) -> None:
    for model in ("one", "other"):
        for name in ("abc.state", "abc.state.new", "def.state"):
            (cache_folder(tmp_path / "states", model) / name).write_text("words")
    Embedded(str(tmp_path)).forget("abc")
    assert {path.name for path in tmp_path.rglob("*.state*")} == {"def.state"}
