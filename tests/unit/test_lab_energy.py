"""Energy from the processor's counters, which come round, or by the machine's watts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.generation.rapl import EnergyMeter, RaplZone
from app.lab.measuring import meters
from app.lab.measuring.meters import ASSUMED_FULL, ASSUMED_IDLE, REST_PARTS, Power

REACH = 1000


class Counter:
    """One zone's files."""

    def __init__(self, root: Path, zone: str, name: str, value: int = 0) -> None:
        self.folder = root / zone
        self.folder.mkdir(parents=True)
        (self.folder / "name").write_text(name + "\n")
        (self.folder / "max_energy_range_uj").write_text(f"{REACH}\n")
        self.value = value
        self.add(0)

    def add(self, microjoules: int) -> None:
        self.value += microjoules
        (self.folder / "energy_uj").write_text(f"{self.value % (REACH + 1)}\n")


def rapl(root: Path) -> Power:
    power = meters.find_energy_source(None, None, 4, root)
    assert power.method == "rapl"
    return power


@given(start=st.integers(0, REACH), steps=st.lists(st.integers(0, REACH), max_size=30))
def test_a_counter_that_comes_round_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, start: int, steps: list[int]
) -> None:
    root = tmp_path_factory.mktemp("powercap")
    counter = Counter(root, "intel-rapl:0", "package-0", start)
    power = rapl(root)
    power.idle_w = 0.0
    count = EnergyMeter(power.zones)
    for step in steps:
        counter.add(step)
        count.tick()
    assert power.joules(count, 1, 1) == pytest.approx(sum(steps) / 1e6)


def test_sockets_and_memory_count_and_nothing_twice(tmp_path: Path) -> None:
    counted = [
        Counter(tmp_path, "intel-rapl:0", "package-0"),
        Counter(tmp_path, "intel-rapl:0:1", "dram"),
        Counter(tmp_path, "intel-rapl:1", "package-1"),
    ]
    held = [
        Counter(tmp_path, "intel-rapl:0:0", "core"),
        Counter(tmp_path, "intel-rapl:2", "psys"),
        Counter(tmp_path, "intel-rapl-mmio:0", "package-0"),
    ]
    (tmp_path / "intel-rapl").mkdir()
    power = rapl(tmp_path)
    power.idle_w = 0.0
    count = EnergyMeter(power.zones)
    for counter in counted + held:
        counter.add(100)
    count.tick()
    assert power.joules(count, 1, 1) == pytest.approx(300 / 1e6)


def test_the_rest_is_taken_off_and_a_short_stir_does_not_raise_it(tmp_path: Path) -> None:
    counter = Counter(tmp_path, "intel-rapl:0", "package-0")
    power = rapl(tmp_path)
    parts = iter([900] + [0] * REST_PARTS)
    power.calibrate(lambda _seconds: counter.add(next(parts)))
    assert power.idle_w == 0
    power.idle_w = 0.0002
    count = EnergyMeter(power.zones)
    counter.add(800)
    count.tick()
    assert power.joules(count, 3, 1) == pytest.approx(200 / 1e6)
    assert power.joules(count, 9, 1) == 0


def test_the_moment_before_somebody_came_says_nothing_of_the_rest(tmp_path: Path) -> None:
    counter = Counter(tmp_path, "intel-rapl:0", "package-0")
    power = rapl(tmp_path)
    power.calibrate(lambda _seconds: True)
    assert power.idle_w is None
    parts = iter([False, True])

    def pause(_seconds: float) -> bool:
        part = next(parts)
        counter.add(0 if part else 900)
        return part

    power.calibrate(pause)
    assert power.idle_w


def test_counters_that_were_taken_away_are_not_waited_for(tmp_path: Path) -> None:
    counter = Counter(tmp_path, "intel-rapl:0", "package-0")
    power = rapl(tmp_path)
    (counter.folder / "energy_uj").unlink()
    pauses: list[float] = []
    power.calibrate(pauses.append)
    assert (len(pauses), power.idle_w) == (1, None)


def test_no_figure_rather_than_a_part_of_one(tmp_path: Path) -> None:
    counter = Counter(tmp_path, "intel-rapl:0", "package-0")
    power = rapl(tmp_path)
    assert power.joules(EnergyMeter(power.zones), 1, 1) is None
    power.idle_w = 0.0
    count = EnergyMeter(power.zones)
    (counter.folder / "energy_uj").unlink()
    count.tick()
    assert power.joules(count, 1, 1) is None


def test_counters_that_cannot_be_read_are_as_none(tmp_path: Path) -> None:
    assert meters.find_energy_source(None, None, 4, tmp_path / "nothing").method == "estimated"
    counter = Counter(tmp_path, "intel-rapl:0", "package-0")
    (counter.folder / "energy_uj").unlink()
    assert meters.find_energy_source(None, None, 4, tmp_path).method == "estimated"


@pytest.mark.parametrize(
    ("idle", "full", "found"),
    [
        (20.0, 80.0, (20, 80, False)),
        (None, None, (4 * ASSUMED_IDLE, 4 * ASSUMED_FULL, True)),
        (20.0, None, (20, 20 + 4 * (ASSUMED_FULL - ASSUMED_IDLE), True)),
        (None, 1.0, (4 * ASSUMED_IDLE, 4 * ASSUMED_IDLE, True)),
    ],
)
def test_watts_as_set_else_as_assumed(
    tmp_path: Path, idle: float | None, full: float | None, found: tuple[float, float, bool]
) -> None:
    power = meters.find_energy_source(idle, full, 4, tmp_path)
    told = power.as_json()
    assert (told["method"], told["assumed"]) == ("estimated", found[2])
    assert (told["idle_w"], told["full_w"]) == pytest.approx(found[:2])
    assert power.joules(EnergyMeter(power.zones), 10, 0.5) == pytest.approx((found[1] - found[0]) * 5)


def test_a_zone_tells_what_came_between_two_looks(tmp_path: Path) -> None:
    Counter(tmp_path, "z", "package-0", 7)
    zone = RaplZone(tmp_path / "z")
    assert [zone.read(), zone.since(7, 9), zone.since(REACH, 0)] == [7, 2, 1]
