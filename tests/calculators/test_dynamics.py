"""Molecular dynamics: ensembles give what they promise, runs stop, die and come back."""

import math
import re
from pathlib import Path

import ase.units
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read
from toy import ToyCalculator, toy

from mlip.calculators.dynamics import MDLimits, MDResult, MDSample, MDSettings, run_md
from mlip.calculators.md_plot import plot_md
from mlip.calculators.md_records import read_log

ENSEMBLES = {
    "nve": {"ensemble": "nve"},
    "langevin": {"ensemble": "nvt"},
    "bussi": {"ensemble": "nvt", "thermostat": "bussi"},
    "npt": {"ensemble": "npt", "pressure": 1.0},
}


class Springs(Calculator):
    """Every atom bound to every other: E = k/2 sum (d - d0)^2 over pairs, no pbc."""

    implemented_properties = ("energy", "forces")
    stiffness, rest = 4.0, 2.0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        vectors = atoms.positions[None] - atoms.positions[:, None]
        distances = np.linalg.norm(vectors, axis=2) + np.eye(len(atoms)) * self.rest
        stretch = distances - self.rest
        pull = self.stiffness * stretch / distances
        self.results = {
            "energy": 0.25 * self.stiffness * float((stretch**2).sum()),
            "forces": np.einsum("ij,ijx->ix", pull, vectors),
        }


class IdealGas(Calculator):
    """No forces at all."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.results = {
            "energy": 0.0,
            "forces": np.zeros((len(atoms), 3)),
            "stress": np.zeros(6),
        }


class Bomb(Springs):
    """Springs until a call number, then whatever the test asks for."""

    def __init__(self, call: int, spoil) -> None:
        super().__init__()
        self.calls, self.call, self.spoil = 0, call, spoil

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        super().calculate(atoms, properties, system_changes)
        self.calls += 1
        if self.calls >= self.call:
            self.spoil(self.results)


def tetrahedron() -> Atoms:
    atoms = Atoms(
        "Si4", 2.0 / np.sqrt(8) * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    )
    atoms.calc = Springs()
    return atoms


def copper() -> Atoms:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.calc = EMT()
    return atoms


def silicon() -> Atoms:
    """With a calculator that keeps nothing from one call to the next."""
    atoms = bulk("Si", cubic=True)
    atoms.rattle(0.05, seed=1)
    atoms.calc = ToyCalculator(toy(cutoff=4.0))
    return atoms


# ------------------------------------------------------------------------------------- ensembles


def test_nve_conserves_energy_momentum_and_rotation() -> None:
    atoms = tetrahedron()
    result = run_md(atoms, MDSettings(temperature=500, timestep=0.5, steps=2000))
    assert result.drift is not None
    assert abs(result.drift.slope) < 1e-6
    assert np.ptp(result.column("conserved")) / 4 < 1e-4
    assert np.abs(result.atoms.get_momenta().sum(axis=0)).max() < 1e-10
    assert np.abs(result.atoms.get_angular_momentum()).max() < 1e-10
    assert result.degrees_of_freedom == 6


def test_drift_shrinks_with_the_square_of_the_time_step() -> None:
    """The energy of velocity Verlet swings by O(dt^2): a wrong kinetic or potential energy in the
    log would not."""
    swings = []
    for timestep in (2.0, 1.0):
        settings = MDSettings(
            temperature=300, timestep=timestep, steps=int(400 / timestep), interval=1
        )
        swings.append(np.ptp(run_md(tetrahedron(), settings).column("conserved")))
    assert swings[0] / swings[1] == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize(("thermostat", "freedom"), [("langevin", 12), ("bussi", 6)])
def test_nvt_keeps_the_temperature_over_the_right_degrees_of_freedom(
    thermostat: str, freedom: int
) -> None:
    settings = MDSettings(
        ensemble="nvt", temperature=300, thermostat=thermostat, thermostat_time=20, timestep=2,
        steps=2500, interval=5, seed=3,
        limits=MDLimits(closeness=0),
    )  # fmt: skip
    result = run_md(tetrahedron(), settings)
    mean, _ = result.late("temperature")
    assert result.degrees_of_freedom == freedom
    # some 60 independent samples with a relative spread of sqrt(2 / freedom)
    assert mean == pytest.approx(300, rel=4 * math.sqrt(2 / freedom / 60))
    assert result.samples[-1].kinetic > 0


def test_langevin_samples_positions_too() -> None:
    """Equipartition: the potential energy of the six vibrations of four springs is 3 kT."""
    settings = MDSettings(
        ensemble="nvt", temperature=50, thermostat_time=20, timestep=2, steps=2500, interval=5
    )
    mean, _ = run_md(tetrahedron(), settings).late("potential")
    assert mean == pytest.approx(3 * ase.units.kB * 50, rel=0.2)


def test_bussi_conserves_energy_without_the_heat() -> None:
    settings = MDSettings(
        ensemble="nvt", temperature=4000, thermostat="bussi", thermostat_time=20, timestep=0.5,
        steps=1000,
    )  # fmt: skip
    result = run_md(tetrahedron(), settings)
    assert np.ptp(result.column("total")) > 0.05
    assert np.ptp(result.column("conserved")) < 0.002


def test_npt_of_an_ideal_gas_has_the_volume_of_an_ideal_gas() -> None:
    n, kelvin, pressure = 16, 1000.0, 0.5
    volume = n * ase.units.kB * kelvin / (pressure * ase.units.GPa)
    atoms = Atoms(f"Ar{n}", np.random.default_rng(0).random((n, 3)), pbc=True)
    atoms.set_cell(np.eye(3) * (1.5 * volume) ** (1 / 3), scale_atoms=False)
    atoms.calc = IdealGas()
    settings = MDSettings(
        ensemble="npt", temperature=kelvin, pressure=pressure, thermostat_time=50,
        barostat_time=100, timestep=5, steps=1800, limits=MDLimits(closeness=0, volume_factor=10),
    )  # fmt: skip
    result = run_md(atoms, settings)
    # volume of the isobaric ensemble is between N and N + 1 times kT / P, known here to 9 %
    assert result.late("volume")[0] == pytest.approx(volume, rel=0.2)
    assert result.late("temperature")[0] == pytest.approx(kelvin, rel=0.06)


def test_pressure_compresses_and_is_logged() -> None:
    settings = MDSettings(
        ensemble="npt", temperature=100, pressure=10.0, barostat_time=400, timestep=5, steps=300
    )
    result = run_md(copper(), settings)
    assert result.late("volume")[0] < 0.96 * result.samples[0].volume
    assert result.late("pressure")[0] == pytest.approx(10.0, abs=3.0)
    angles = result.atoms.cell.cellpar()[3:]
    assert angles == pytest.approx([90, 90, 90])


def test_logged_pressure_is_that_of_ase() -> None:
    result = run_md(copper(), MDSettings(temperature=4000, steps=0))
    stress = result.atoms.get_stress(include_ideal_gas=True)
    assert result.samples[0].pressure == pytest.approx(-stress[:3].mean() / ase.units.GPa)


# ------------------------------------------------------------------------------ start of the run


@pytest.mark.parametrize("name", ["H2O", "CO2", "CH4", "N2"])
def test_molecules_start_at_rest_and_at_temperature(name: str) -> None:
    atoms = molecule(name)
    atoms.calc = IdealGas()
    result = run_md(atoms, MDSettings(temperature=321, steps=0))
    linear = name in ("CO2", "N2")
    assert result.degrees_of_freedom == 3 * len(atoms) - (5 if linear else 6)
    assert result.samples[0].temperature == pytest.approx(321)
    assert np.abs(result.atoms.get_momenta().sum(axis=0)).max() < 1e-12
    assert np.abs(result.atoms.get_angular_momentum()).max() < 1e-10
    assert result.velocities == "drawn"


def test_the_seed_decides_the_velocities() -> None:
    runs = [run_md(copper(), MDSettings(temperature=300, steps=0, seed=s)) for s in (0, 0, 1)]
    first, same, other = [run.atoms.get_momenta() for run in runs]
    assert np.array_equal(first, same)
    assert not np.allclose(first, other)


def test_velocities_of_the_structure_are_used_at_rest_as_a_whole() -> None:
    atoms = copper()
    own = np.random.default_rng(0).normal(size=(len(atoms), 3))
    atoms.set_momenta(own + 3.0)
    result = run_md(atoms, MDSettings(steps=0))
    assert result.velocities == "structure"
    assert np.allclose(result.atoms.get_momenta(), own - own.mean(axis=0))
    assert np.array_equal(atoms.get_momenta(), own + 3.0), "the caller's atoms stay as they are"


@pytest.mark.parametrize("name", ["H2O", "CO2", "CH4"])
@pytest.mark.parametrize("ensemble", ["nve", "bussi"])
def test_a_rotation_that_the_structure_brings_is_part_of_the_temperature(
    name: str, ensemble: str
) -> None:
    atoms = molecule(name)
    atoms.calc = IdealGas()
    atoms.set_momenta(0.1 * np.random.default_rng(0).normal(size=(len(atoms), 3)))
    settings = {"temperature": 300} if ensemble == "bussi" else {}
    result = run_md(atoms, MDSettings(steps=0, **settings, **ENSEMBLES[ensemble]))
    freedom = 3 * len(atoms) - 3
    assert result.degrees_of_freedom == freedom
    expected = 2 * result.atoms.get_kinetic_energy() / (freedom * ase.units.kB)
    assert result.samples[0].temperature == pytest.approx(expected)


@pytest.mark.parametrize(("name", "freedom"), [("H2O", 3), ("CO2", 4), ("CH4", 9)])
def test_velocities_from_a_file_without_rotation_have_none(name: str, freedom: int) -> None:
    atoms = molecule(name)
    atoms.calc = IdealGas()
    drawn = run_md(atoms, MDSettings(temperature=300, steps=0)).atoms
    drawn.set_momenta(drawn.get_momenta().round(6))
    assert run_md(drawn, MDSettings(steps=0)).degrees_of_freedom == freedom


def test_velocities_and_a_temperature_for_nve_contradict_each_other() -> None:
    atoms = copper()
    atoms.set_momenta(np.ones((len(atoms), 3)) * np.arange(3))
    with pytest.raises(ValueError, match="brings its own velocities"):
        run_md(atoms, MDSettings(temperature=300))
    drawn = run_md(atoms, MDSettings(temperature=300, draw_velocities=True, steps=0))
    assert drawn.velocities == "drawn"


def test_the_callers_atoms_stay_as_they_are() -> None:
    atoms = copper()
    before = atoms.copy()
    run_md(atoms, MDSettings(temperature=300, steps=5))
    assert atoms == before
    assert not atoms.has("momenta")


def test_fixed_atoms_stay_fixed() -> None:
    for ensemble in ("nve", "langevin", "bussi"):
        atoms = copper()
        atoms.set_constraint(FixAtoms([0, 3]))
        result = run_md(atoms, MDSettings(temperature=500, steps=20, **ENSEMBLES[ensemble]))
        moved = np.linalg.norm(result.atoms.positions - atoms.positions, axis=1)
        assert (moved[[0, 3]] == 0).all()
        assert (np.delete(moved, [0, 3]) > 1e-3).all()
        assert result.degrees_of_freedom == 3 * (len(atoms) - 2)


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        (lambda a: a.set_pbc([True, True, False]), {"ensemble": "npt"}, "three periodic"),
        (lambda a: a.set_constraint(FixAtoms([0])), {"ensemble": "npt"}, "FixAtoms"),
        (lambda a: a.set_constraint(FixBondLength(0, 1)), {"ensemble": "nvt"}, "the thermostat"),
        (lambda a: setattr(a, "calc", None), {}, "no calculator"),
        (lambda a: a.__delitem__(slice(1, None)), {}, "no velocities to draw"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change, settings, message: str) -> None:
    atoms = copper()
    change(atoms)
    with pytest.raises(ValueError, match=message):
        run_md(atoms, MDSettings(temperature=300, **settings))


def test_no_velocities_and_no_temperature_is_refused() -> None:
    with pytest.raises(ValueError, match="give a temperature"):
        run_md(copper(), MDSettings())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"ensemble": "nvt"}, "needs a temperature"),
        ({"draw_velocities": True}, "drawn at a temperature"),
        ({"pressure": 1.0, "temperature": 300}, "kept by npt only"),
        ({"ensemble": "npt", "temperature": 300, "thermostat": "bussi"}, "for nvt only"),
        ({"timestep": -1.0}, "greater than 0"),
        ({"stepz": 10}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MDSettings(**settings)


# --------------------------------------------------------------------------------- files, resume


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_a_killed_and_resumed_run_is_the_uninterrupted_run(ensemble: str, tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=47, interval=5, **ENSEMBLES[ensemble])

    class KillError(Exception):
        pass

    def kill(sample: MDSample, atoms: Atoms) -> None:
        if sample.step == 30:
            raise KillError

    run_md(silicon(), settings, tmp_path / "whole")
    with pytest.raises(KillError):
        run_md(silicon(), settings, tmp_path / "killed", observers=[kill])
    with (tmp_path / "killed" / "md.csv").open("a") as log:
        log.write("35,0.035,1.2")  # a row the kill has torn
    result = run_md(silicon(), settings, tmp_path / "killed", resume=True)

    assert result.velocities == "resumed"
    assert [sample.step for sample in result.samples] == [*range(0, 46, 5), 47]
    for name in ("md.csv", "md.yaml"):
        texts = [(tmp_path / run / name).read_bytes() for run in ("whole", "killed")]
        assert texts[0] == texts[1]
    whole, killed = (read(tmp_path / run / "md.traj", ":") for run in ("whole", "killed"))
    assert len(whole) == len(killed) == 11
    for one, other in zip(whole, killed):
        assert np.array_equal(one.positions, other.positions)
        assert np.array_equal(one.get_momenta(), other.get_momenta())
        assert np.array_equal(one.cell, other.cell)
        assert np.array_equal(one.get_forces(), other.get_forces())
        assert one.info == other.info


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=20)
    run_md(silicon(), settings, tmp_path / "a")
    longer = settings.model_copy(update={"steps": 40})
    resumed = run_md(silicon(), longer, tmp_path / "a", resume=True)
    whole = run_md(silicon(), longer)
    assert resumed.samples == whole.samples
    again = run_md(silicon(), longer, tmp_path / "a", resume=True)
    assert again.samples == whole.samples
    assert len(read(tmp_path / "a" / "md.traj", ":")) == 5


def test_killed_before_the_first_frame_starts_anew(tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=3)
    run_md(silicon(), settings, tmp_path)
    (tmp_path / "md.traj").write_bytes(b"")
    with pytest.raises(FileExistsError, match="already holds a run"):
        run_md(silicon(), settings, tmp_path)
    assert run_md(silicon(), settings, tmp_path, resume=True).velocities == "drawn"


def test_resume_refuses_other_settings_and_other_atoms(tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=2)
    run_md(silicon(), settings, tmp_path)
    with pytest.raises(ValueError, match=r"other settings \(timestep: 1.0 then, \S+ now\)"):
        run_md(silicon(), settings.model_copy(update={"timestep": 2.0}), tmp_path, resume=True)
    with pytest.raises(ValueError, match="other atoms"):
        run_md(silicon()[:-1], settings, tmp_path, resume=True)


def test_resume_refuses_another_model(tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=5)
    run_md(silicon(), settings, tmp_path)
    atoms = silicon()
    atoms.calc = ToyCalculator(toy(cutoff=4.0, depth=0.33))
    with pytest.raises(ValueError, match="begun with another model"):
        run_md(atoms, settings, tmp_path, resume=True)
    single = silicon()
    single.calc = ToyCalculator(toy(cutoff=4.0).float())
    run_md(single, settings, tmp_path, resume=True)


def test_extxyz_frames_are_readable_but_not_resumable(tmp_path: Path) -> None:
    settings = MDSettings(temperature=400, steps=20, trajectory_format="extxyz")
    result = run_md(silicon(), settings, tmp_path)
    frames = read(tmp_path / "md.extxyz", ":")
    assert [frame.info["md_step"] for frame in frames] == [0, 10, 20]
    assert np.allclose(frames[-1].get_momenta(), result.atoms.get_momenta(), atol=1e-7)
    assert frames[-1].get_potential_energy() == pytest.approx(result.samples[-1].potential)
    with pytest.raises(ValueError, match="eight decimals"):
        run_md(silicon(), settings, tmp_path, resume=True)


@pytest.mark.parametrize("frames", [1, 2, 42])
def test_a_trajectory_torn_at_any_byte_has_all_whole_frames(frames: int, tmp_path: Path) -> None:
    """The file while frame n + 1 is being written is what it was, and a part of the new bytes."""
    atoms = tetrahedron()
    settings = MDSettings(temperature=300, interval=1, steps=frames - 1)
    path = tmp_path / "md.traj"
    run_md(atoms, settings, tmp_path)
    before = path.read_bytes()
    longer = settings.model_copy(update={"steps": frames})
    run_md(atoms, longer, tmp_path, resume=True)
    after = path.read_bytes()
    end = len(before)
    torn = [before + after[end : end + k] for k in range(0, len(after) - end, 397)]
    torn.append(after[:32] + before[32:40] + after[40:])  # all but the count of frames
    for state in torn:
        path.write_bytes(state)
        assert len(read(path, ":")) == frames
    resumed = run_md(atoms, longer, tmp_path, resume=True)
    assert len(read(path, ":")) == frames + 1
    assert resumed.samples == run_md(atoms, longer).samples


def test_the_log_reads_back_exactly(tmp_path: Path) -> None:
    result = run_md(tetrahedron(), MDSettings(temperature=400, steps=50), tmp_path)
    again = read_log(tmp_path / "md.csv")
    assert repr(again) == repr(list(result.samples))
    assert (tmp_path / "md.csv").read_text().startswith("step,time_ps,potential_eV,kinetic_eV,")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="not the log"):
        read_log(tmp_path / "other.csv")


@pytest.mark.parametrize("ensemble", ENSEMBLES)
def test_the_picture_is_drawn(ensemble: str, tmp_path: Path) -> None:
    result = run_md(silicon(), MDSettings(temperature=300, steps=30, **ENSEMBLES[ensemble]))
    plot_md(result, tmp_path / "md.png")
    assert (tmp_path / "md.png").read_bytes().startswith(b"\x89PNG")


# ------------------------------------------------------------------------------------ unphysical


def spoil(name: str, value):
    def change(results) -> None:
        results[name] = value(results[name])

    return change


def stopped(atoms: Atoms, folder: Path | None = None, **limits: float) -> MDResult:
    settings = MDSettings(temperature=300, steps=100, interval=5, limits=MDLimits(**limits))
    return run_md(atoms, settings, folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil("forces", lambda f: f * np.nan), "forces are no longer finite"),
        (spoil("energy", lambda e: e * math.nan), "energy are no longer finite"),
        (spoil("energy", lambda e: e + 9.0), r"jumped by \+2.25 eV/atom in one step"),
        (spoil("forces", lambda f: f + np.array([0, 0, 200.0])), r"force on atom \d \(Si\) is 20"),
    ],
)
def test_a_spoilt_calculator_stops_the_run(change, message: str, tmp_path: Path) -> None:
    atoms = tetrahedron()
    atoms.calc = Bomb(13, change)
    with np.errstate(invalid="ignore"):
        result = stopped(atoms, tmp_path)
    assert result.stopped is not None
    assert re.search(message, result.stopped)
    assert result.stopped_at is not None
    good, bad = read(tmp_path / "stopped.traj", ":")
    assert (good.info["md_step"], bad.info["md_step"]) == (result.stopped_at - 1, result.stopped_at)
    assert np.isfinite(good.get_forces()).all()
    assert np.array_equal(bad.positions, result.atoms.positions)
    steps = [frame.info["md_step"] for frame in read(tmp_path / "md.traj", ":")]
    assert steps == [s for s in range(0, 100, 5) if s < result.stopped_at]
    assert [sample.step for sample in result.samples] == steps


def test_a_calculator_that_refuses_the_state_stops_the_run() -> None:
    def refuse(results) -> None:
        raise ValueError("positions make no sense")

    atoms = tetrahedron()
    atoms.calc = Bomb(13, refuse)
    result = stopped(atoms)
    assert result.stopped == "the calculator refused the state: positions make no sense"
    atoms.calc = Bomb(1, refuse)
    with pytest.raises(ValueError, match="make no sense"):
        stopped(atoms)


def test_atoms_too_close_stop_the_run() -> None:
    atoms = Atoms("Si2", [[0, 0, 0], [6.0, 0, 0]], cell=[20.0, 20.0, 20.0], pbc=True)
    atoms.set_momenta([[20.0, 0, 0], [-20.0, 0, 0]])
    atoms.calc = IdealGas()
    limits = MDLimits(temperature=1e6)
    result = run_md(atoms, MDSettings(steps=400, limits=limits))
    assert result.stopped is not None
    assert "atoms 0 (Si) and 1 (Si) are" in result.stopped
    distance = result.atoms.get_distance(0, 1)
    speed = 2 * 20.0 / 28.085 * ase.units.fs
    assert 1.11 - speed < distance < 1.11, "found within the step in which it happened"


def test_atoms_too_close_across_the_cell_stop_the_run() -> None:
    atoms = Atoms("Si2", [[0, 0, 0], [6.0, 0, 0]], cell=[9.0, 9.0, 9.0], pbc=True)
    atoms.set_momenta([[-20.0, 0, 0], [20.0, 0, 0]])
    atoms.calc = IdealGas()
    result = run_md(atoms, MDSettings(steps=400, limits=MDLimits(temperature=1e6)))
    assert result.stopped is not None
    assert "Å apart" in result.stopped


def test_too_hot_stops_the_run() -> None:
    atoms = tetrahedron()
    atoms.positions *= 0.7  # 11 eV in the springs
    result = stopped(atoms, temperature=4000, closeness=0)
    assert result.stopped is not None
    assert "the temperature is" in result.stopped
    assert stopped(atoms, temperature=1e5, closeness=0).stopped is None


def swelling(steps: int, folder: Path | None = None, **options: bool) -> MDResult:
    atoms = Atoms("Ar4", np.random.default_rng(0).random((4, 3)) * 9, cell=np.eye(3) * 9, pbc=True)
    atoms.calc = IdealGas()
    settings = MDSettings(
        ensemble="npt", temperature=300, pressure=-0.2, barostat_time=100, timestep=5, steps=steps,
        limits=MDLimits(closeness=0), interval=1,
    )  # fmt: skip
    return run_md(atoms, settings, folder, **options)


def test_a_cell_that_runs_away_stops_the_run(tmp_path: Path) -> None:
    result = swelling(500)
    assert result.stopped is not None
    assert "times that of the start" in result.stopped
    assert result.stopped_at is not None

    assert swelling(result.stopped_at - 1, tmp_path).stopped is None
    resumed = swelling(500, tmp_path, resume=True)
    assert (resumed.stopped, resumed.stopped_at) == (result.stopped, result.stopped_at)


def test_an_unphysical_start_is_stopped_at_once(tmp_path: Path) -> None:
    atoms = tetrahedron()
    atoms.positions[1] = atoms.positions[0] + 0.3
    result = stopped(atoms, tmp_path)
    assert result.stopped_at == 0
    assert len(read(tmp_path / "stopped.traj", ":")) == 1
    assert len(result.samples) == 0
