"""Two models, or two runs, side by side: which figures differ beyond their noise."""

from collections.abc import Sequence

from app.bench.figures.cells import Cell, gather
from app.bench.figures.regressions import Change, compared
from app.bench.records import readings
from app.errors import AppError


def side_by_side(first: str, second: str) -> list[tuple[Cell, Cell, list[Change]]]:
    """What can be held against each other, with the changes from `first` to `second`.

    Numbers are runs: cells with the same model and setting, or the only ones of each. Other names are models: their
    newest cells with the same setting on the same machine. Raises not_found for a run, unknown_model, and
    nothing_to_compare where no pair is alike enough.
    """
    pairs = _runs(int(first), int(second)) if first.isdigit() and second.isdigit() else _models(first, second)
    found = [(one, other, compared(one, other)) for one, other in pairs]
    if not any(changes for _one, _other, changes in found):
        raise AppError("nothing_to_compare")
    return [triple for triple in found if triple[2]]


def estimated(*cells: Cell) -> bool:
    """Whether any of their energy is reckoned from assumed watts rather than measured."""
    return any(sample.metrics.get("energy_method") == "estimated" for cell in cells for sample in cell.samples)


def _runs(first: int, second: int) -> list[tuple[Cell, Cell]]:
    sides = [gather(run_ids=[readings.run_of(number).id]) for number in (first, second)]
    if not all(sides):
        raise AppError("not_found")
    earlier, later = sides
    if len(earlier) == len(later) == 1:
        return [(earlier[0], later[0])]
    return [
        (one, other) for one in earlier for other in later if (one.model, one.setting) == (other.model, other.setting)
    ]


def _models(first: str, second: str) -> list[tuple[Cell, Cell]]:
    cells = [cell.newest for cell in gather()]
    earlier, later = (_of(cells, name) for name in (first, second))
    return [
        (one, other)
        for one in earlier
        for other in later
        if one.machine.id == other.machine.id and one.setting == other.setting
    ]


def _of(cells: Sequence[Cell], model: str) -> list[Cell]:
    found = [cell for cell in cells if cell.model == model]
    if not found:
        raise AppError("unknown_model", model=model)
    return found
