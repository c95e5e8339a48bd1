"""The Laplace approximation of the last layer: against regression in closed form, against weights
that are drawn, and as a model like any other."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.potential import PotentialConformance
from conformance.predictions import compute, graph_of
from conformance.structures import crystal, molecule, small_cell
from silicon import crystals, molecules
from toy import toy

from mlip.data import Frame, GraphDataset
from mlip.graph import AtomicGraph
from mlip.models import (
    MODELS,
    BehlerParrinello,
    CalibrationCard,
    Committee,
    Equivariant,
    Laplace,
    ModelCard,
    Potential,
    load_model,
    predict,
    read_card,
    save_model,
)
from mlip.neighbours import with_neighbours
from mlip.settings import parse_settings

SPECIES = (1, 14)
UNCERTAIN = ("energy_uncertainty", "forces_uncertainty")
FRAMES = [*crystals(2), *molecules(2)]
SOAP = {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 1}


def network(species: Sequence[int] = SPECIES, **config: object) -> BehlerParrinello:
    torch.manual_seed(0)
    content = {"descriptor": SOAP, "hidden": [5, 4]} | config
    model = BehlerParrinello(parse_settings(BehlerParrinello.Config, content), species)
    return prepared(model)


def linear() -> BehlerParrinello:
    """A network without hidden layers: linear in the features."""
    flat = {"hidden": [], "activation": []}
    return network(networks={"H": flat, "Si": flat})


def message_passing(species: Sequence[int] = SPECIES) -> Equivariant:
    torch.manual_seed(0)
    content = {"cutoff": 4.0, "channels": 4, "radial_hidden": [8], "readout_hidden": 3}
    return prepared(Equivariant(parse_settings(Equivariant.Config, content), species))


def prepared(model: Potential) -> Potential:
    model.adapt([graph_of(model, shape(model.species)) for shape in (molecule, crystal)])
    model.composition.set({z: -10.0 * z for z in model.species}, 0.7)
    return model


def data(model: Potential, frames: Sequence[Frame] = FRAMES) -> GraphDataset:
    return GraphDataset(frames, model.cutoff)


def fitted(model: Potential, passes: int = 1000) -> Laplace:
    return Laplace.fit(model, data(model), passes)


KINDS = {"network": network, "linear": linear, "message_passing": message_passing}


class TestLaplaceOfNetwork(PotentialConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Laplace:
        model = network(cls.species)
        return Laplace.fit(model, [learned(model, crystal(cls.species))])


# ------------------------------------------------------------------------------------ closed form


def design(model: Potential, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """What energy and forces change by with each weight of the last layer, one after the other:
    differences are exact, because the model is linear in them."""

    def at(weights: torch.Tensor) -> dict[str, np.ndarray]:
        other, start = copy.deepcopy(model), 0
        with torch.no_grad():
            for parameter in last_parameters(other):
                size = parameter.numel()
                parameter += weights[start : start + size].reshape(parameter.shape)
                start += size
        return compute(other, atoms, ("energy", "forces"))

    n = len(model.last_weights())
    zero, unit = at(torch.zeros(n, dtype=torch.float64)), torch.eye(n, dtype=torch.float64)
    moved = [at(row) for row in unit]
    energy = np.array([m["energy"][0] - zero["energy"][0] for m in moved])
    forces = np.stack([m["forces"] - zero["forces"] for m in moved], axis=-1)
    return energy, forces


def last_parameters(model: Potential) -> list[torch.nn.Parameter]:
    """In the order of `last_weights`, told without asking it."""
    if isinstance(model, Equivariant):
        return [*(readout.weights[-1] for readout in model.readouts), model.shifts]
    return [p for one in model.networks.values() for p in (one.linears[-1].weight,
                                                          one.linears[-1].bias)]  # fmt: skip


def covariance(model: Potential) -> np.ndarray:
    """Of Bayesian regression in the last weights, from the textbook."""
    weights = model.last_weights().detach().numpy()
    rows, wrong = {"energy": [], "forces": []}, {"energy": [], "forces": []}
    for frame in FRAMES:
        energy, forces = design(model, frame.atoms)
        found = compute(model, frame.atoms, ("energy", "forces"))
        rows["energy"].append(energy[None] / len(frame))
        rows["forces"].append(forces.reshape(-1, len(weights)))
        wrong["energy"].append((found["energy"] - frame.labels["energy"]) / len(frame))
        wrong["forces"].append((found["forces"] - frame.labels["forces"]).ravel())
    precision = np.eye(len(weights)) / (1.4826 * np.median(np.abs(weights))) ** 2
    for name, parts in rows.items():
        x, noise = np.concatenate(parts), np.mean(np.concatenate(wrong[name]) ** 2)
        precision += x.T @ x / noise
    return np.linalg.inv(precision)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_bayesian_regression_in_the_last_weights(name: str) -> None:
    model = KINDS[name]()
    expected = covariance(model)
    for shape in (molecule, small_cell):
        atoms = shape(SPECIES)
        energy, forces = design(model, atoms)
        found = compute(fitted(model), atoms, UNCERTAIN)
        # rounding of differences, grown by the condition of the covariance
        np.testing.assert_allclose(
            found["energy_uncertainty"], [np.sqrt(energy @ expected @ energy)], rtol=1e-6
        )
        variances = np.einsum("aip,pq,aiq->a", forces, expected, forces)
        np.testing.assert_allclose(found["forces_uncertainty"], np.sqrt(variances), rtol=1e-6)


@pytest.mark.parametrize("passes", [1000, 8])
def test_weights_that_are_drawn_spread_as_much(passes: int) -> None:
    """An ensemble of last layers with one backbone."""
    model, n = network(), 20_000
    laplace, atoms = fitted(model, passes), molecule(SPECIES)
    whitening = laplace.posterior.whitening.numpy()  # the covariance is W^T W
    drawn = whitening.T @ np.random.default_rng(1).normal(size=(len(whitening), n))
    energy, forces = design(model, atoms)
    found = compute(laplace, atoms, UNCERTAIN)
    spread = np.linalg.norm(np.std(forces @ drawn, axis=-1), axis=1)
    # a standard deviation from n normal numbers is known to 1 / sqrt(2 n); four times that
    np.testing.assert_allclose(found["energy_uncertainty"], [np.std(energy @ drawn)], rtol=0.02)
    if passes > len(drawn):
        np.testing.assert_allclose(found["forces_uncertainty"], spread, rtol=0.02)
    else:  # a few combinations; the mean over atoms is of some of them
        mean = np.mean((found["forces_uncertainty"] / spread) ** 2)
        assert mean == pytest.approx(1.0, abs=0.6)


# ---------------------------------------------------------------------------------------- forces


@pytest.mark.parametrize("name", KINDS)
def test_features_of_forces_are_derivatives(name: str) -> None:
    """Those that training sums up, against differences of the features of energies."""
    from mlip.models.laplace import _last_derivatives

    model, atoms, step = KINDS[name](), molecule(SPECIES), 1e-4
    _, found = _last_derivatives(model, graph_of(model, atoms), of_forces=True)
    for atom, axis in ((0, 0), (2, 1), (3, 2)):
        totals = []
        for shift in (-2, -1, 1, 2):
            moved = atoms.copy()
            moved.positions[atom, axis] += shift * step
            totals.append(_last_derivatives(model, graph_of(model, moved), of_forces=False)[0][0])
        slope = (8 * (totals[2] - totals[1]) - (totals[3] - totals[0])) / (12 * step)
        torch.testing.assert_close(found[atom, axis], -slope, rtol=1e-6, atol=1e-8)


def test_few_passes_are_right_on_average() -> None:
    """Over directions of the force: atoms and components of many structures."""
    model = network(hidden=[32])
    exact, few = fitted(model), fitted(model, passes=16)
    assert few.posterior.mixing.shape == (16, 66)
    ratios = []
    for seed in range(8):
        atoms = molecule(SPECIES)
        atoms.rattle(0.2, seed=seed)
        one, other = (compute(m, atoms, UNCERTAIN) for m in (exact, few))
        np.testing.assert_array_equal(one["energy_uncertainty"], other["energy_uncertainty"])
        ratios.append((other["forces_uncertainty"] / one["forces_uncertainty"]) ** 2)
    # about sqrt(2 / 16) for a single direction; neighbouring structures share theirs
    assert abs(np.mean(ratios) - 1.0) < 0.35
    assert 0.01 < np.std(ratios) < 0.6


# ----------------------------------------------------------------------------------- as a model


@pytest.mark.parametrize("name", KINDS)
def test_predictions_are_those_of_the_model(name: str) -> None:
    model = KINDS[name]()
    laplace = fitted(model)
    for shape in (molecule, crystal):
        one, other = (compute(m, shape(SPECIES)) for m in (model, laplace))
        for key, value in one.items():
            np.testing.assert_allclose(other[key], value, rtol=1e-11, atol=1e-11)


def test_uncertainty_changes_no_other_result() -> None:
    laplace, want = fitted(network()), ("energy", "energies", "forces")
    alone, together = (compute(laplace, crystal(SPECIES), w) for w in (want, (*want, *UNCERTAIN)))
    assert all((alone[name] == together[name]).all() for name in alone)


def test_it_grows_away_from_the_data() -> None:
    """Of a model that knows its data well."""
    model = network()
    laplace = Laplace.fit(model, [learned(model, frame.atoms) for frame in FRAMES])
    near = compute(laplace, FRAMES[0].atoms, UNCERTAIN)
    far = FRAMES[0].atoms.copy()
    far.rattle(0.5, seed=0)
    beyond = compute(laplace, far, UNCERTAIN)
    for name in UNCERTAIN:
        assert beyond[name].max() > 3.0 * near[name].max() > 0.0


def learned(model: Potential, atoms: Atoms) -> AtomicGraph:
    """Labelled with what the model says, but for 1 meV/atom and 10 meV/Å."""
    found, random = compute(model, atoms, ("energy", "forces")), np.random.default_rng(len(atoms))
    labels = {
        "energy": found["energy"][0] + 1e-3 * len(atoms) * random.normal(),
        "forces": found["forces"] + 1e-2 * random.normal(size=found["forces"].shape),
    }
    return with_neighbours(AtomicGraph.from_atoms(atoms, labels), model.cutoff)


def test_nothing_and_single_atoms_have_uncertainties_too() -> None:
    laplace = fitted(network(), passes=4)
    nothing, one = (compute(laplace, atoms, UNCERTAIN) for atoms in (Atoms(), Atoms("Si")))
    assert nothing["energy_uncertainty"].tolist() == [0.0]
    assert nothing["forces_uncertainty"].shape == (0,)
    assert one["energy_uncertainty"] > 0.0
    assert one["forces_uncertainty"].tolist() == [0.0]


def test_in_single_precision_it_is_nearly_the_same() -> None:
    model = network()
    one = compute(fitted(model), crystal(SPECIES), UNCERTAIN)
    other = compute(fitted(model).to(torch.float32), crystal(SPECIES), UNCERTAIN)
    for name in UNCERTAIN:
        # float32 features, some of whose combinations cancel
        np.testing.assert_allclose(other[name], one[name], rtol=2e-2)


def test_a_file_keeps_the_covariance(tmp_path: Path) -> None:
    laplace = fitted(network(), passes=3)
    save_model(tmp_path / "model.safetensors", laplace)
    again = load_model(tmp_path / "model.safetensors")
    one, other = (compute(m, crystal(SPECIES), UNCERTAIN) for m in (laplace, again))
    assert all((one[name] == other[name]).all() for name in UNCERTAIN)
    assert isinstance(again, Laplace)
    assert read_card(tmp_path / "model.safetensors").model == "laplace"


def test_a_calibration_is_a_factor() -> None:
    laplace, atoms = fitted(network()), molecule(SPECIES)
    before = compute(laplace, atoms, UNCERTAIN)
    card = CalibrationCard(factor=2.5, correlation=None, n_structures=3, source="test")
    laplace.card = ModelCard(calibration={"forces": card})
    after = compute(laplace, atoms, UNCERTAIN)
    np.testing.assert_array_equal(after["energy_uncertainty"], before["energy_uncertainty"])
    np.testing.assert_allclose(
        after["forces_uncertainty"], 2.5 * before["forces_uncertainty"], rtol=1e-14
    )
    assert repr(laplace).endswith(", uncertainties calibrated)")


@pytest.mark.parametrize("kind", MODELS.values(), ids=MODELS)
def test_every_model_of_the_table_names_its_last_layer(kind: type[Potential]) -> None:
    """The suite of potentials then looks whether it is one."""
    assert kind.last_weights is not Potential.last_weights
    assert kind.last_features is not Potential.last_features


@pytest.mark.parametrize("left", ["energy", "forces"])
def test_one_kind_of_label_is_enough(left: str) -> None:
    model = network()
    frames = [Frame(f.atoms, {left: f.labels[left]}, f.config_type, f.source) for f in FRAMES]
    some = Laplace.fit(model, data(model, frames), 1000)
    mixed = Laplace.fit(model, data(model, [*frames[:3], *FRAMES[3:]]), 1000)
    atoms = molecule(SPECIES)
    assert np.isfinite(compute(some, atoms, UNCERTAIN)["forces_uncertainty"]).all()
    assert np.isfinite(compute(mixed, atoms, UNCERTAIN)["forces_uncertainty"]).all()


def test_without_labels_there_is_no_covariance() -> None:
    model = network()
    frames = [Frame(f.atoms, {}, f.config_type, f.source) for f in FRAMES]
    with pytest.raises(ValueError, match="no label of energy or forces"):
        Laplace.fit(model, data(model, frames))


def test_before_it_is_fitted_nothing_is_certain() -> None:
    found = compute(Laplace(network()), molecule(SPECIES), UNCERTAIN)
    assert all(np.isnan(found[name]).all() for name in UNCERTAIN)


def test_what_has_no_last_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="no last linear layer"):
        Laplace(toy())


@pytest.mark.parametrize("make", [lambda: Committee([toy(), toy()]), lambda: Laplace(network())])
def test_what_has_an_uncertainty_already_is_refused(make: Callable[[], Potential]) -> None:
    with pytest.raises(ValueError, match="which has an uncertainty already"):
        Laplace(make())


def test_an_energy_that_is_not_linear_is_refused() -> None:
    bent = {"hidden": [3], "activation": ["tanh"], "output": "tanh"}
    with pytest.raises(ValueError, match="the tanh of the last layer"):
        Laplace(network(networks={"H": bent}))


def test_a_single_model_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="Committee of two or more models, or give it a Laplace"):
        predict(toy(), graph_of(toy(), molecule((14,))), UNCERTAIN)
