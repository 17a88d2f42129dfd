"""The player of windows: hands the play to tkinter's stand-in, on which the real `turtle` draws as well."""

from app.bench.programs.players.play import Play


def take_over(play: Play, clicks: bool) -> None:
    """To be called once the stand-in can be imported by its name; `clicks`: its buttons are pressed too."""
    from tkinter.loop import LOOP  # type: ignore[import-not-found] # noqa: PLC0415 - the stand-in, by its name

    LOOP.play = play
    LOOP.clicks = clicks
