"""Followed streams are bounded, for each person and for all."""

import pytest

from app.errors import AppError
from app.generation.followers import EACH, Followers


def test_one_person_cannot_take_all() -> None:
    followers = Followers(limit=10 * EACH)
    leaves = [followers.join(1) for _ in range(EACH)]
    with pytest.raises(AppError, match="too_many_streams"):
        followers.join(1)
    followers.join(2)
    leaves[0]()
    leaves[0]()
    followers.join(1)
    with pytest.raises(AppError, match="too_many_streams"):
        followers.join(1)


def test_all_together_leave_room() -> None:
    followers = Followers(limit=2)
    followers.join(1)
    leave = followers.join(2)
    with pytest.raises(AppError, match="too_many_streams"):
        followers.join(3)
    leave()
    followers.join(3)
