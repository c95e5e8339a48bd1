"""The range of features in the training data: what is outside it is counted, for every user."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk
from conformance.predictions import compute, graph_of
from conformance.structures import crystal, molecule
from toy import toy

from mlip import kernels
from mlip.calculators import ExtrapolationWarning, MLIPCalculator
from mlip.models import BehlerParrinello, Committee, evaluate, load_model, save_model
from mlip.models.feature_range import FeatureRange

SPECIES = (8, 14)
DESCRIPTOR = {"name": "symmetry_functions", "cutoff": 4.0}
KINDS = ("one", "shared", "apart")


def network(seed: int = 0, cutoff: float = 4.0) -> BehlerParrinello:
    torch.manual_seed(seed)
    content = {"descriptor": DESCRIPTOR | {"cutoff": cutoff}, "hidden": [4]}
    model = BehlerParrinello(BehlerParrinello.Config.model_validate(content), SPECIES)
    model.adapt([graph_of(model, shape(SPECIES)) for shape in (molecule, crystal)])
    return model


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest) -> BehlerParrinello | Committee:
    if request.param == "one":
        return network()
    cutoff = 4.0 if request.param == "shared" else 3.5
    return Committee([network(), network(1, cutoff)])


def by_hand(model: BehlerParrinello, atoms: Atoms) -> np.ndarray:
    """Counts against the extremes of the training structures, and a twentieth of what is between
    them, atom by atom."""
    create = model.descriptor.create
    known = {z: [] for z in SPECIES}
    for structure in (molecule(SPECIES), crystal(SPECIES)):
        for z, row in zip(structure.numbers, create(structure)):
            known[z].append(row)
    counts = []
    for z, row in zip(atoms.numbers, create(atoms)):
        low, high = np.min(known[z], 0), np.max(known[z], 0)
        slack = 0.05 * (high - low) + 1e-12 * np.maximum(abs(low), abs(high))
        counts.append(np.sum((row < low - slack) | (row > high + slack)))
    return np.array(counts)


def test_counts_are_those_of_the_features(model: BehlerParrinello | Committee) -> None:
    atoms = crystal(SPECIES)
    atoms.rattle(0.02, seed=1)
    members = getattr(model, "potentials", [model])
    expected = np.max([by_hand(member, atoms) for member in members], axis=0)
    assert 0 < expected.sum() < expected.size * members[0].descriptor.n_features
    (found,) = evaluate(model, [graph_of(model, atoms)], ["energy", "forces", "extrapolations"])
    np.testing.assert_array_equal(found["extrapolations"], expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nothing_is_outside_where_the_model_was_trained(
    model: BehlerParrinello | Committee, dtype: str
) -> None:
    """Rounding at the very bounds does not count, in either precision."""
    calculator = MLIPCalculator(model, dtype=dtype)
    for shape in (molecule, crystal):
        counts = calculator.get_property("extrapolations", shape(SPECIES))
        assert counts.sum() == 0


def test_a_perfect_crystal_is_no_extrapolation_of_rattled_ones() -> None:
    """Features that symmetry makes zero are never exactly so in what was trained on."""
    soap = {"name": "soap", "cutoff": 4.0, "n_max": 4, "l_max": 4}
    config = BehlerParrinello.Config.model_validate({"descriptor": soap, "hidden": [4]})
    silicon, model = bulk("Si", cubic=True) * 2, BehlerParrinello(config, (14,))
    rattled = [silicon.copy() for _ in range(4)]
    for seed, atoms in enumerate(rattled):
        atoms.rattle(0.05, seed=seed)
    model.adapt([graph_of(model, atoms) for atoms in rattled])
    calculator = MLIPCalculator(model)
    assert calculator.get_property("extrapolations", silicon).sum() == 0
    silicon.positions[0] += 0.5
    with pytest.warns(ExtrapolationWarning):
        assert calculator.get_property("extrapolations", silicon)[0] > 10


def test_counting_changes_no_other_number(model: BehlerParrinello | Committee) -> None:
    names = ["energy", "energies", "forces", "stress"]
    if isinstance(model, Committee):
        names += ["energy_uncertainty", "forces_uncertainty"]
    plain = compute(model, crystal(SPECIES), names)
    counted = compute(model, crystal(SPECIES), [*names, "extrapolations"])
    for name in names:
        np.testing.assert_allclose(counted[name], plain[name], rtol=1e-12, atol=1e-12)


def test_the_features_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    committee, calls = Committee([network(), network(1)]), []
    kind = type(network().descriptor)
    for name in ("evaluate", "features_and_pull_back"):
        function = getattr(kind, name)
        monkeypatch.setattr(kind, name, lambda *given, f=function: calls.append(1) or f(*given))
    compute(committee, crystal(SPECIES), ["forces", "forces_uncertainty", "extrapolations"])
    assert len(calls) == 1
    compute(committee, crystal(SPECIES), ["energy", "extrapolations"])
    assert len(calls) == 2


def test_the_calculator_warns_once(model: BehlerParrinello | Committee) -> None:
    atoms = crystal(SPECIES)
    atoms.calc = MLIPCalculator(model)
    atoms.get_forces()  # where it was trained: nothing to say
    atoms.positions[0] += 0.3
    with pytest.warns(ExtrapolationWarning, match=r"features of \d of 8 atoms") as said:
        atoms.get_forces()
    assert len(said) == 1
    first = atoms.calc.results["extrapolations"]
    assert first.dtype == np.int64
    assert first.sum() > 0
    atoms.positions[0] += 0.3  # warnings are errors here
    atoms.get_forces()
    assert atoms.calc.results["extrapolations"].sum() > 0


def test_the_range_is_kept_in_the_file(tmp_path: Path) -> None:
    save_model(tmp_path / "model.safetensors", network())
    atoms = crystal(SPECIES)
    atoms.rattle(0.1, seed=0)
    counts = [
        compute(model, atoms, ["extrapolations"])["extrapolations"]
        for model in (network(), load_model(tmp_path / "model.safetensors"))
    ]
    np.testing.assert_array_equal(counts[0], counts[1])
    assert counts[0].sum() > 0


@pytest.mark.parametrize("unaware", [toy(SPECIES), Committee([network(), toy(SPECIES)])])
def test_models_without_a_range_say_so(unaware: Committee) -> None:
    with pytest.raises(ValueError, match="does not know the range"):
        compute(unaware, crystal(SPECIES), ["extrapolations"])
    calculator = MLIPCalculator(unaware)
    assert "extrapolations" not in calculator.implemented_properties
    calculator.get_property("energy", crystal(SPECIES))
    assert "extrapolations" not in calculator.results


def test_bounds_must_be_bounds() -> None:
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    with pytest.raises(ValueError, match="above upper"):
        FeatureRange(1, 1).set([two], [one])
    with pytest.raises(ValueError, match="above upper"):
        FeatureRange(1, 1).set([torch.tensor([float("nan")])], [one])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("n_atoms", [0, 1, 3000])
def test_compiled_counts_are_those_of_torch(dtype: torch.dtype, n_atoms: int) -> None:
    found = FeatureRange(3, 200)
    generator = torch.Generator().manual_seed(0)
    middle = torch.randn(3, 200, generator=generator, dtype=torch.float64)
    found.set(list(middle - 1.0), list(middle + 1.0))
    species = torch.randint(0, 3, (n_atoms,), generator=generator)
    features = middle[species] + torch.randn(n_atoms, 200, generator=generator)
    features[n_atoms // 2 :, 7] = torch.nan
    features[n_atoms // 2 :, 8] = torch.inf
    features, slack = features.to(dtype), 1000 * torch.finfo(dtype).eps
    counts = found.outside(features, species)
    assert counts.dtype == torch.int64
    assert torch.equal(counts, found.outside_in_torch(features, species, slack))
    assert n_atoms < 3000 or 40 < counts.double().mean() < 80


def test_what_is_not_a_number_is_outside() -> None:
    found = FeatureRange(1, 2)
    found.set([torch.zeros(2, dtype=torch.float64)], [torch.ones(2, dtype=torch.float64)])
    features = torch.tensor([[0.5, torch.nan], [0.5, 1.0]], dtype=torch.float64)
    species = torch.zeros(2, dtype=torch.int64)
    assert found.outside(features, species).tolist() == [1, 0]
    assert found.outside_in_torch(features, species, 1e-12).tolist() == [1, 0]


@pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
def test_the_operator_keeps_the_rules_of_torch() -> None:
    features, bounds = torch.randn(4, 5), torch.zeros(2, 5, dtype=torch.float64)
    species = torch.tensor([0, 1, 1, 0])
    operator, checks = torch.ops.mlip.count_outside, ("test_schema", "test_faketensor")
    inputs = (features, species, bounds, bounds, 0.0)
    found = torch.library.opcheck(operator.default, inputs, test_utils=checks)
    assert set(found.values()) == {"SUCCESS"}
    with pytest.raises(ValueError, match="atom 1 is of an unknown species"):
        operator(features, species, bounds[:1], bounds[:1], 0.0)
    with pytest.raises(ValueError, match="upper has the wrong shape"):
        operator(features, species, bounds, bounds[:1], 0.0)
