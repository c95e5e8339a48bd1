"""The doctor finds a healthy model healthy, and in each sick one exactly what it suffers from."""

import broken
import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from toy import Toy, toy

from mlip.models import ModelCard
from mlip.models.repulsion import ZBL
from mlip.validation import limits
from mlip.validation.check import Check, Figure, judge
from mlip.validation.doctor import CHECKS, examine, sample
from mlip.validation.patient import Patient, made_up

DERIVATIVES = {
    "forces, finite differences",
    "forces, all eight pbc",
    "stress, finite differences",
}


def findings(model, structures=(), seed: int = 0) -> dict[str, Check]:
    return {check.name: check for check in examine(model, structures, seed)}


def named(found: dict[str, Check], verdict: str) -> set[str]:
    return {name for name, check in found.items() if check.verdict == verdict}


@pytest.mark.parametrize("species", [(14,), (1, 8), (6, 29, 79)])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_healthy_model_passes_everything(species, seed: int) -> None:
    found = findings(toy(species), seed=seed)
    assert len(found) == len(CHECKS)
    assert named(found, "skip") == {"isolated atoms"}
    assert named(found, "pass") == set(found) - {"isolated atoms"}


def test_a_healthy_model_passes_on_the_users_structures() -> None:
    slab = fcc111("Cu", (2, 2, 2), vacuum=6.0)
    slab.rattle(0.05)
    assert slab.pbc.tolist() == [True, True, False]
    water = molecule("H2O", vacuum=4.0)
    crystal = bulk("Cu", cubic=True)
    crystal.rattle(0.05, seed=2)
    found = findings(toy((1, 8, 29)), [slab, water, crystal, Atoms("Cu")])
    assert named(found, "fail") | named(found, "warn") == set()
    assert len(named(found, "skip")) == 1


#: What must fail, and what may fail besides as a consequence.
SICK = {
    broken.DetachedForces: (DERIVATIVES, set()),
    broken.HardCutoff: ({"energy at the cutoff", "forces at the cutoff"}, DERIVATIVES),
    broken.LinearCutoff: ({"forces at the cutoff"}, set()),
    broken.CosineCutoff: (set(), set()),
    broken.Crooked: ({"rotation", "net torque"}, set()),
    broken.Chiral: ({"reflection"}, set()),
    broken.FirstIsSpecial: ({"permutation", "supercell"}, set()),
    broken.NoOwnImages: ({"supercell"}, set()),
    broken.NearImagesOnly: ({"supercell", "atoms outside the cell", "equivalent cell"}, set()),
    broken.FloatPositions: ({"translation by 1000 Å", "noise of float64"}, set()),
    broken.FloatVectors: ({"noise of float64"}, set()),
    broken.Cancelling: ({"float32 beside float64"}, set()),
    broken.CrowdDependent: ({"batch and alone"}, DERIVATIVES),
    broken.SizeDependent: ({"supercell", "atoms far apart"}, set()),
    broken.Noisy: (set(), set()),
    broken.CellReader: ({"cell without pbc"}, set()),
    broken.Attractive: ({"dimers pushed together", "neighbours pushed together"}, set()),
    broken.Hole: (set(), set()),
}

WARNED = {
    broken.CosineCutoff: {"curvature at the cutoff"},
    broken.Noisy: {"repeatable"},
    broken.Hole: {"dimers pushed together", "neighbours pushed together"},
}


@pytest.mark.parametrize("kind", SICK, ids=lambda kind: kind.__name__)
def test_each_sickness_is_found_by_the_check_for_it(kind: type[Toy]) -> None:
    must, may = SICK[kind]
    found = findings(toy((14,), kind))
    assert must <= named(found, "fail") <= must | may
    if kind in WARNED:
        assert named(found, "warn") == WARNED[kind]


def test_a_stress_without_the_cell_is_found() -> None:
    """Which atoms feel it depends on where the cell's borders lie, so that more than one check
    finds it; forces are right."""
    fails = named(findings(toy((14,), broken.DetachedCell)), "fail")
    assert "stress, finite differences" in fails
    assert "forces, finite differences" not in fails


def test_much_noise_is_a_failure() -> None:
    check = findings(toy((14,), broken.Noisier))["repeatable"]
    assert check.verdict == "fail"
    assert check.figure is not None
    assert check.figure > 1.0


def test_predictions_that_are_not_finite_are_found_and_never_pass() -> None:
    found = findings(toy((14,), broken.Absent))
    assert found["finite numbers"].verdict == "fail"
    assert found["finite numbers"].figure == 3.0
    assert found["rotation"].verdict == "fail"


def test_a_model_that_breaks_down_fails_the_check_but_ends_no_examination() -> None:
    found = findings(toy((14,), broken.Explosive))
    assert len(found) == len(CHECKS)
    assert "slabs are not for me" in found["rotation"].meaning
    assert found["dimers pushed together"].verdict == "pass"


def test_the_hole_is_measured() -> None:
    check = findings(toy((14,), broken.Hole))["dimers pushed together"]
    assert check.figure is not None
    assert check.figure > 10.0
    assert "Si-Si falls into a hole" in check.meaning
    assert "zbl" in check.meaning


def test_a_model_with_repulsion_is_not_told_to_have_one() -> None:
    model = toy((14,), broken.Hole)
    model.repulsion = ZBL(ZBL.Config(), (14,), model.cutoff)
    patient = Patient(model)
    for check in (limits.dimers_close(patient), limits.neighbours_close(patient)):
        assert check.verdict == "warn"
        assert "zbl" not in check.meaning
        assert "train again with data at short distances" in check.meaning


@pytest.mark.parametrize(
    ("depth", "wall", "met", "verdict"),
    [
        (0.005, 0.0, True, "pass"),
        (0.05, 5.0, True, "pass"),
        (0.05, 0.5, True, "warn"),
        (5.0, 5.0, True, "warn"),
        (5.0, 0.5, True, "fail"),
        (5.0, 0.5, False, "warn"),
    ],
)
def test_a_hole_is_as_bad_as_what_falls_into_it(
    depth: float, wall: float, met: bool, verdict: str
) -> None:
    assert limits.Hole(depth, wall, 1.0, met).verdict == verdict


@pytest.mark.parametrize(("distance", "verdict"), [(2.4, "fail"), (4.5, "warn")])
def test_pairs_that_never_bond_are_at_worst_a_warning(distance: float, verdict: str) -> None:
    pair = Atoms("Si2", [[0, 0, 0], [distance, 0, 0]])
    check = limits.dimers_close(Patient(toy((14,), broken.Attractive), [pair]))
    assert check.verdict == verdict
    assert ("never bond" in check.meaning) == (verdict == "warn")


@pytest.mark.parametrize(
    ("source", "offset", "verdict"),
    [
        ("isolated atoms", 0.0, "pass"),
        ("isolated atoms", 0.3, "warn"),
        ("least squares", 0.3, "skip"),
    ],
)
def test_free_atoms_are_compared_with_references_that_are_free_atoms(
    source: str, offset: float, verdict: str
) -> None:
    model = toy((14,))
    model.card = ModelCard(
        species=("Si",),
        reference_energies={"Si": -140.0 + offset},
        reference_energies_source=source,
    )
    check = findings(model)["isolated atoms"]
    assert check.verdict == verdict
    assert check.figure == pytest.approx(1e3 * offset, abs=1e-6)
    assert "into the training data" not in check.meaning


def test_unknown_elements_and_empty_structures_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="does not know Cu"):
        findings(toy((14,)), [bulk("Cu")])
    with pytest.raises(ValueError, match="structure 0 has no atoms"):
        findings(toy((14,)), [Atoms()])


def test_the_examination_is_repeatable_and_leaves_the_model_alone() -> None:
    model = toy((14,)).to(torch.float32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    first, second = findings(model), findings(model)
    assert first == second
    assert torch.equal(state, torch.get_rng_state())
    assert model.dtype == torch.float32
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.requires_grad for p in model.parameters())


def test_structures_are_sampled_evenly() -> None:
    structures = [Atoms("Si", [[float(i), 0, 0]]) for i in range(11)]
    assert [atoms.positions[0, 0] for atoms in sample(structures, 3)] == [0, 5, 10]
    assert len(sample(structures, 100)) == 11
    assert sample([], 5) == []


def test_made_up_structures_have_neighbours_and_distance() -> None:
    for species in [(1,), (55, 1), (14,)]:
        for atoms in made_up(toy(species), np.random.default_rng(0)):
            distances = atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)]
            assert distances.min() > 0.5
            assert distances.min() < 5.0
            assert set(atoms.numbers) == set(species)


def test_the_worst_figure_decides() -> None:
    mild, bad = Figure(0.5, "meV", 1.0), Figure(0.02, "meV/Å", 1e-3)
    check = judge("name", [mild, bad], "good", "bad")
    assert (check.verdict, check.figure, check.unit, check.meaning) == (
        "warn",
        0.02,
        "meV/Å",
        "bad",
    )
    assert judge("name", [mild], "good", "bad").verdict == "pass"
    assert judge("name", [Figure(float("nan"), "meV", 1.0)], "good", "bad").verdict == "fail"
    assert judge("name", [Figure(1e-300, "meV", 0.0)], "good", "bad").verdict == "fail"
    assert judge("name", [Figure(0.0, "meV", 0.0)], "good", "bad").verdict == "pass"
    assert judge("name", [], "good", "bad").verdict == "skip"
