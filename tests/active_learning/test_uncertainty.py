"""Measures of uncertainty, and a watch for molecular dynamics."""

from pathlib import Path

import ase.units
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from toy import Toy, toy

from mlip.active_learning.explorers import MDExplorer, RattleExplorer, ScriptExplorer, is_physical
from mlip.active_learning.uncertainty import (
    CommitteeSpread,
    FeatureDistance,
    TooUncertainError,
    UncertaintyWatch,
)
from mlip.calculators import MLIPCalculator
from mlip.models import Committee


class Featured(Toy):
    """A toy with features: an atom's energy, and its square."""

    def features(self, graph):
        import torch

        energy = self(graph)
        return torch.stack([energy, energy**2], dim=1)


def committee() -> Committee:
    return Committee([toy(depth=depth, kind=Featured) for depth in (0.29, 0.3, 0.32)])


def crystal(amplitude: float = 0.1, seed: int = 0) -> Atoms:
    atoms = bulk("Si", cubic=True)
    atoms.rattle(amplitude, seed=seed)
    return atoms


def test_the_spread_is_that_of_the_calculator() -> None:
    model, atoms = committee(), crystal()
    (spread,) = CommitteeSpread(model).of([atoms])
    expected = MLIPCalculator(model).get_property("forces_uncertainty", atoms)
    np.testing.assert_allclose(spread, expected, rtol=1e-12)
    assert spread.shape == (8,)


def test_one_model_has_no_spread() -> None:
    with pytest.raises(ValueError, match="two or more"):
        CommitteeSpread(toy())


def test_the_distance_is_zero_where_it_was_trained_and_grows_away_from_it() -> None:
    model = toy(kind=Featured)
    training = [crystal(0.05, seed) for seed in range(4)]
    measure = FeatureDistance(model, training)
    near, far = (measure.of([crystal(size, 9)])[0].max() for size in (0.05, 0.4))
    # squares cancel to the root of rounding
    np.testing.assert_allclose(measure.of(training[:1])[0], 0.0, atol=1e-4)
    assert far > 3.0 * near > 0.0


def test_an_element_that_was_not_trained_on_is_infinitely_far() -> None:
    model = toy((6, 14), kind=Featured)
    atoms = crystal()
    atoms.numbers[0] = 6
    (distance,) = FeatureDistance(model, [crystal()]).of([atoms])
    assert np.isinf(distance[0])
    assert np.isfinite(distance[1:]).all()


def hot_run(atoms: Atoms, watch: UncertaintyWatch) -> VelocityVerlet:
    dynamics = VelocityVerlet(atoms, 2.0 * ase.units.fs)
    dynamics.attach(watch, interval=5)
    return dynamics


@pytest.mark.parametrize("stop", [True, False])
def test_a_watch_stops_or_flags_a_run_of_plain_ase(stop: bool) -> None:
    atoms, model = crystal(0.3), committee()
    atoms.calc = MLIPCalculator(model)
    measure = CommitteeSpread(model)
    start = float(measure.of([atoms])[0].max())
    watch = UncertaintyWatch(atoms, measure, threshold=0.5 * start, scale=1.0, stop=stop)
    run = hot_run(atoms, watch)
    if stop:
        with pytest.raises(TooUncertainError, match=r"the force on atom \d \(Si\) is uncertain by"):
            run.run(20)
        assert len(watch.history) == 1
    else:
        run.run(20)
        assert len(watch.history) == 5
    assert watch.flagged[0] == 0
    assert watch.history[0] == pytest.approx(start, rel=1e-12)


def test_the_scale_of_the_calibration_counts() -> None:
    atoms, measure = crystal(0.3), CommitteeSpread(committee())
    one, three = (UncertaintyWatch(atoms, measure, 100.0, scale) for scale in (1.0, 3.0))
    one()
    three()
    assert three.history == pytest.approx([3.0 * one.history[0]], rel=1e-12)
    assert not three.flagged


def watch_for(threshold: float):
    measure = CommitteeSpread(committee())
    return lambda atoms: UncertaintyWatch(atoms, measure, threshold)


def with_calculator() -> Atoms:
    atoms = crystal(0.02)
    atoms.calc = MLIPCalculator(committee())
    return atoms


MD = MDExplorer(temperatures=(300.0, 900.0), steps=20, timestep=2.0, interval=5)


def test_dynamics_gives_a_candidate_each_interval_and_the_same_again() -> None:
    runs = [list(MD.run(with_calculator(), 1, 7, watch_for(1e3))) for _ in range(2)]
    assert len(runs[0]) == 4
    for one, other in zip(*runs):
        np.testing.assert_array_equal(one.positions, other.positions)
    other = list(MD.run(with_calculator(), 1, 8, watch_for(1e3)))
    assert np.abs(other[-1].positions - runs[0][-1].positions).max() > 1e-3


def test_dynamics_ends_with_what_was_too_uncertain() -> None:
    assert len(list(MD.run(with_calculator(), 0, 7, watch_for(0.0)))) == 1


def test_rattled_copies_have_strain_only_where_there_is_a_volume() -> None:
    explorer = RattleExplorer(count=5, amplitude=0.2, strain=0.05)
    solid = list(explorer.run(crystal(0.0), 0, 1, watch_for(1.0)))
    free = crystal(0.0)
    free.pbc = False
    molecule = list(explorer.run(free, 0, 1, watch_for(1.0)))
    assert len(solid) == len(molecule) == 5
    assert solid[-1].cell.array == pytest.approx(free.cell.array, rel=0.06, abs=0.6)
    assert np.abs(solid[-1].cell.array - free.cell.array).max() > 1e-3
    np.testing.assert_array_equal(molecule[-1].cell.array, free.cell.array)
    moved = [np.abs(atoms.positions - free.positions).mean() for atoms in molecule]
    assert moved[0] < 0.2 * moved[-1]


def test_a_script_of_the_user_explores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_exploration.py").write_text(
        "def squeeze(atoms, random):\n"
        "    for _ in range(3):\n"
        "        copy = atoms.copy()\n"
        "        copy.set_cell(atoms.cell * random.uniform(0.9, 1.0), scale_atoms=True)\n"
        "        yield copy\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    explorer = ScriptExplorer(function="my_exploration:squeeze")
    volumes = [a.get_volume() for a in explorer.run(crystal(), 0, 3, watch_for(1.0))]
    assert len(set(volumes)) == 3
    assert max(volumes) < crystal().get_volume()


def test_atoms_inside_each_other_are_unphysical() -> None:
    atoms = crystal()
    assert is_physical(atoms)
    atoms.positions[1] = atoms.positions[0] + 0.3
    assert not is_physical(atoms)
    atoms.positions[1] = np.nan
    assert not is_physical(atoms)
