"""Measures of uncertainty, and a watch for molecular dynamics."""

from collections.abc import Callable, Sequence
from pathlib import Path

import ase.units
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from ase.data import covalent_radii
from ase.md.verlet import VelocityVerlet
from silicon import crystals, graphs
from toy import Toy, toy

from mlip.active_learning.explorers import MDExplorer, RattleExplorer, ScriptExplorer, is_physical
from mlip.active_learning.labelling.factory import importable
from mlip.active_learning.uncertainty import (
    FeatureDistance,
    ModelUncertainty,
    TooUncertainError,
    UncertaintyWatch,
)
from mlip.calculators import MLIPCalculator
from mlip.models import (
    BehlerParrinello,
    CalibrationCard,
    Committee,
    Laplace,
    ModelCard,
    Potential,
)


class Featured(Toy):
    """A toy with features: an atom's energy, and its square."""

    def features(self, graph):
        energy = self(graph)
        return torch.stack([energy, energy**2], dim=1)


def committee() -> Committee:
    return Committee([toy(depth=depth, kind=Featured) for depth in (0.29, 0.3, 0.32)])


def crystal(amplitude: float = 0.1, seed: int = 0) -> Atoms:
    atoms = bulk("Si", cubic=True)
    atoms.rattle(amplitude, seed=seed)
    return atoms


def calibrated(model: Potential) -> Potential:
    """The model with factors of 3 and 2 that nobody found."""
    cards = {
        name: CalibrationCard(factor=factor, correlation=None, n_structures=1, source="nowhere")
        for name, factor in (("energy", 3.0), ("forces", 2.0))
    }
    model.card = ModelCard(calibration=cards)
    return model


def approximation() -> Laplace:
    model = network()
    return Laplace.fit(model, graphs(crystals(2)))


def network() -> BehlerParrinello:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        descriptor = {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 1}
        model = BehlerParrinello(BehlerParrinello.Config(descriptor=descriptor, hidden=(4,)), (14,))
    model.adapt(graphs(crystals(2)))
    return model


@pytest.mark.parametrize("known", [False, True], ids=["not calibrated", "calibrated"])
@pytest.mark.parametrize("make", [committee, approximation])
@pytest.mark.filterwarnings("ignore:the model extrapolates")
def test_the_numbers_are_those_of_the_calculator(make: Callable, known: bool) -> None:
    model, atoms = make(), crystal()
    measure = ModelUncertainty(calibrated(model) if known else model)
    calculator = MLIPCalculator(model)
    (found,), (before,) = measure.calibrated([atoms]), measure.of([atoms])
    assert found["forces"].shape == (8,)
    assert measure.units == {"energy": "eV", "forces": "eV/Å"}
    for name, factor in (("energy", 3.0), ("forces", 2.0)):
        expected = calculator.get_property(f"{name}_uncertainty", atoms)
        np.testing.assert_allclose(found[name], expected, rtol=1e-12)
        factor = factor if known else 1.0
        np.testing.assert_allclose(factor * before[name], found[name], rtol=1e-12)
        assert (name in calculator.calibration) is known


def test_one_model_does_not_know_its_uncertainty() -> None:
    with pytest.raises(ValueError, match="two or more models, or a Laplace approximation"):
        ModelUncertainty(toy())


def test_the_distance_is_zero_where_it_was_trained_and_grows_away_from_it() -> None:
    model = toy(kind=Featured)
    training = [crystal(0.05, seed) for seed in range(4)]
    measure = FeatureDistance(model, training)
    near, far = (measure.of([crystal(size, 9)])[0]["forces"].max() for size in (0.05, 0.4))
    # squares cancel to the root of rounding
    np.testing.assert_allclose(measure.of(training[:1])[0]["forces"], 0.0, atol=1e-4)
    assert far > 3.0 * near > 0.0


@pytest.mark.parametrize("volumes", [(1.0,), (0.95, 1.0, 1.05)], ids=["one", "three"])
def test_what_never_changed_in_training_counts_and_drowns_nothing(volumes: Sequence) -> None:
    """In perfect crystals many features are zero but for rounding."""
    training = [bulk("Si", cubic=True) for _ in volumes]
    for atoms, volume in zip(training, volumes):
        atoms.set_cell(atoms.cell * volume ** (1 / 3), scale_atoms=True)
    rattled = [bulk("Si", cubic=True) for _ in range(2)]
    for atoms, size in zip(rattled, (0.01, 0.1)):
        atoms.rattle(size)
    near, far = FeatureDistance(network(), training).of(rattled)
    assert 0.0 < near["forces"].max() < far["forces"].max() < 1e3


def test_an_element_that_was_not_trained_on_is_infinitely_far() -> None:
    model = toy((6, 14), kind=Featured)
    atoms = crystal()
    atoms.numbers[0] = 6
    distance = FeatureDistance(model, [crystal()]).of([atoms])[0]["forces"]
    assert np.isinf(distance[0])
    assert np.isfinite(distance[1:]).all()


def test_a_distance_is_no_error_bar_before_it_is_calibrated() -> None:
    model, atoms = toy(kind=Featured), crystal(0.2)
    bare = FeatureDistance(model, [crystal()])
    assert bare.units == {"forces": "standard deviations of features"}
    with pytest.raises(ValueError, match="no calibration that makes eV/Å of it"):
        bare.calibrated([atoms])
    with pytest.raises(ValueError, match="give the factor"):
        UncertaintyWatch(atoms, bare, threshold=1.0)
    known = FeatureDistance(model, [crystal()], {"forces": 0.25})
    np.testing.assert_allclose(
        known.calibrated([atoms])[0]["forces"], 0.25 * bare.of([atoms])[0]["forces"], rtol=1e-14
    )


def hot_run(atoms: Atoms, watch: UncertaintyWatch) -> VelocityVerlet:
    dynamics = VelocityVerlet(atoms, 2.0 * ase.units.fs)
    dynamics.attach(watch, interval=5)
    return dynamics


@pytest.mark.parametrize("stop", [True, False])
def test_a_watch_stops_or_flags_a_run_of_plain_ase(stop: bool) -> None:
    atoms, model = crystal(0.3), committee()
    atoms.calc = MLIPCalculator(model)
    measure = ModelUncertainty(model)
    start = float(measure.of([atoms])[0]["forces"].max())
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
    atoms, measure = crystal(0.3), ModelUncertainty(committee())
    one, three = (UncertaintyWatch(atoms, measure, 100.0, scale) for scale in (None, 3.0))
    one()
    three()
    assert three.history == pytest.approx([3.0 * one.history[0]], rel=1e-12)
    assert not three.flagged


def test_the_calibration_of_the_model_is_that_of_the_watch() -> None:
    atoms = crystal(0.3)
    own, given = (
        UncertaintyWatch(atoms, ModelUncertainty(calibrated(committee())), 100.0, scale)
        for scale in (None, 1.0)
    )
    own()
    given()
    assert own.history == pytest.approx([2.0 * given.history[0]], rel=1e-12)


def watch_for(threshold: float):
    measure = ModelUncertainty(committee())
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperatures": (300.0, -5.0)}, "temperature: must be greater than 0"),
        ({"timestep": float("inf")}, "timestep: must be a finite number"),
        ({"pressure": 1.0}, "a pressure is kept by npt only"),
    ],
)
def test_dynamics_that_cannot_be_run_is_refused_with_the_config(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MDExplorer(**change)


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


def test_a_script_of_the_user_explores(tmp_path: Path) -> None:
    (tmp_path / "my_exploration.py").write_text(
        "def squeeze(atoms, random):\n"
        "    for _ in range(3):\n"
        "        copy = atoms.copy()\n"
        "        copy.set_cell(atoms.cell * random.uniform(0.9, 1.0), scale_atoms=True)\n"
        "        yield copy\n",
        encoding="utf-8",
    )
    explorer = ScriptExplorer(function="my_exploration:squeeze")
    with importable(tmp_path):
        volumes = [a.get_volume() for a in explorer.run(crystal(), 0, 3, watch_for(1.0))]
    assert len(set(volumes)) == 3
    assert max(volumes) < crystal().get_volume()


def test_atoms_inside_each_other_are_unphysical() -> None:
    atoms = crystal()
    assert is_physical(atoms)
    atoms.positions[1] = atoms.positions[0] + 0.3
    assert not is_physical(atoms)
    apart = 0.7 * 2 * covalent_radii[atoms.numbers[0]]
    atoms.positions[1] = atoms.positions[0] + [0.99 * apart, 0.0, 0.0]
    assert not is_physical(atoms)
    atoms.positions[1] = atoms.positions[0] + [1.01 * apart, 0.0, 0.0]
    assert is_physical(atoms)
    atoms.positions[1] = np.nan
    assert not is_physical(atoms)
