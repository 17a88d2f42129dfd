"""The one child is used by those who want the same of it at once, the others after them, in order of arrival."""

from contextlib import ExitStack

from app.engines.embedded import ModelLeases
from app.engines.supervisor import Options

ONE, OTHER = Options("one", 2, 512), Options("one", 1, 512)


def test_neighbours_go_together_and_nobody_overtakes() -> None:
    turns = ModelLeases()
    uses = [ExitStack() for _ in range(4)]
    line = [use.enter_context(turns.taken(options)) for use, options in zip(uses, (ONE, ONE, OTHER, ONE), strict=True)]

    def come() -> list[bool]:
        return [turns.is_due(turn) for turn in line]

    assert come() == [True, True, False, False]
    uses[0].close()
    del line[0]
    assert come() == [True, False, False]
    uses[1].close()
    del line[0]
    assert come() == [True, False]
    uses[2].close()
    del line[0]
    assert come() == [True]


def test_who_goes_away_while_waiting_lets_the_next_ones_through() -> None:
    turns = ModelLeases()
    with turns.taken(ONE), ExitStack() as waiting:
        waiting.enter_context(turns.taken(OTHER))
        with turns.taken(ONE) as last:
            assert not turns.is_due(last)
            waiting.close()
            assert turns.is_due(last)
