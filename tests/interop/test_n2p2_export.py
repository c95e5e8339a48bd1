"""Our own networks on symmetry functions, written for n2p2 and read back, are the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import bulk, molecule
from conformance.predictions import compute, graph_of
from n2p2_by_hand import water_potential

from mlip.interop.n2p2 import N2P2Error, read_potential, write_potential
from mlip.models import BehlerParrinello, Committee, Potential

EVERYTHING = ("energy", "energies", "forces", "stress", "extrapolations")
ANGULAR = [{"eta": 0.05, "zeta": 2.0, "sign": 1}, {"eta": 0.1, "zeta": 1.0, "sign": -1}]
OF_BOTH_KINDS = [ANGULAR[0], ANGULAR[1] | {"type": "G5", "shift": 0.5, "cutoff": 3.5}]
#: Descriptors that n2p2 has.
DESCRIPTORS = {
    "by species": {"name": "symmetry_functions", "angular": OF_BOTH_KINDS},
    "grids": {"name": "symmetry_functions", "cutoff_function": "tanh3"},
    "weighted": {"name": "weighted_symmetry_functions", "cutoff_function": "polynomial3"},
    "inner cutoff": {"name": "weighted_symmetry_functions", "cutoff_start": 0.3},
}


def silicon() -> Atoms:
    atoms = bulk("Si", "diamond", 5.43)
    atoms.rattle(0.1, seed=0)
    return atoms


def water() -> Atoms:
    """Crowded enough for every function."""
    atoms = molecule("H2O", cell=[2.9, 3.0, 3.1], pbc=True)
    atoms.rattle(0.05, seed=0)
    return atoms


def network(
    atoms: Atoms, seed: int = 0, descriptor: object = None, **config: object
) -> BehlerParrinello:
    """A model that has seen two structures."""
    torch.manual_seed(seed)
    config = {"hidden": [5, 4], "activation": "tanh"} | config
    config["descriptor"] = {"cutoff": 4.0} | (descriptor or DESCRIPTORS["by species"])
    model = BehlerParrinello(
        BehlerParrinello.Config.model_validate(config), sorted(set(atoms.numbers.tolist()))
    )
    others = [atoms.copy() for _ in range(2)]
    for i, other in enumerate(others):
        other.rattle(0.2, seed=10 + i)
    model.adapt([graph_of(model, other) for other in others])
    model.composition.set({z: -10.0 * z for z in model.species}, 0.7)
    return model


def assert_same(one: Potential, other: Potential, atoms: Atoms) -> None:
    expected, found = compute(one, atoms, EVERYTHING), compute(other, atoms, EVERYTHING)
    for name in EVERYTHING:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("shape", [silicon, water])
@pytest.mark.parametrize("descriptor", DESCRIPTORS)
def test_there_and_back(tmp_path: Path, shape, descriptor: str) -> None:
    model = network(shape(), descriptor=DESCRIPTORS[descriptor])
    assert write_potential(tmp_path / "there", model) == ()
    back, notes = read_potential(tmp_path / "there")
    assert notes == ("skipped, of no influence on predictions: remove_atom_energies",)
    assert_same(model, back, shape())


@pytest.mark.parametrize("output", ["linear", "cosine"])
def test_networks_of_their_own(tmp_path: Path, output: str) -> None:
    """A last layer that is not linear cannot take up the unit of energy: then input.nn has it."""
    own = {"hidden": [3], "activation": ["softplus"], "output": output}
    model = network(water(), networks={"H": own})
    write_potential(tmp_path / "there", model)
    assert ("conv_energy" in (tmp_path / "there" / "input.nn").read_text()) == (output != "linear")
    assert_same(model, read_potential(tmp_path / "there")[0], water())


@pytest.mark.parametrize("mode", ["none", "scale", "center", "both", "sigma"])
def test_back_and_there(tmp_path: Path, mode: str) -> None:
    """A potential of n2p2 survives: its lists come back in the order they had."""
    folder = water_potential(mode=mode, conv_energy=7.0).write(tmp_path / "first")
    first, _ = read_potential(folder)
    write_potential(tmp_path / "second", first)
    second, _ = read_potential(tmp_path / "second")
    assert_same(first, second, water())
    names = [model.descriptor.feature_names() for model in (first, second)]
    assert names[0] == names[1]


def test_single_precision(tmp_path: Path) -> None:
    """Weights keep all their digits; what is computed with them has those of float64."""
    model = network(silicon()).to(torch.float32)
    write_potential(tmp_path / "there", model)
    back, _ = read_potential(tmp_path / "there")
    assert back.dtype == torch.float64
    assert_same(model.to(torch.float64), back, silicon())


def test_a_range_that_is_not_known(tmp_path: Path) -> None:
    model = network(silicon())
    model.feature_range.is_set.fill_(False)
    (note,) = write_potential(tmp_path / "there", model)
    assert "does not know the range" in note
    back, notes = read_potential(tmp_path / "there")
    assert not back.knows_its_range
    assert "scaling.data has no bounds of the symmetry functions" in notes[-1]


def soap() -> BehlerParrinello:
    return network(silicon(), descriptor={"name": "soap", "n_max": 2, "l_max": 1})


REFUSED = {
    "only Behler's symmetry functions, not soap": soap,
    "no repulsion": lambda: network(silicon(), repulsion={}),
    "the activation silu, which n2p2 does not": lambda: network(silicon(), activation="silu"),
    "write each member alone": lambda: Committee([network(silicon()), network(silicon(), 1)]),
    "no weighted G5": lambda: network(
        silicon(), descriptor=DESCRIPTORS["weighted"] | {"angular": OF_BOTH_KINDS}
    ),
    "H has no symmetry functions": lambda: network(
        water(),
        descriptor={
            "name": "symmetry_functions_by_element",
            "elements": {"H": [], "O": [{"type": "G2", "eta": 1.0}]},
        },
    ),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_n2p2_does_not_have(tmp_path: Path, words: str) -> None:
    with pytest.raises(N2P2Error, match=words):
        write_potential(tmp_path / "there", REFUSED[words]())
    assert not (tmp_path / "there").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_potential(tmp_path, network(silicon()))
    before = (tmp_path / "input.nn").read_text()
    with pytest.raises(N2P2Error, match="holds a potential already"):
        write_potential(tmp_path, network(silicon(), 1))
    assert (tmp_path / "input.nn").read_text() == before
