"""Our values against DScribe's where it is right, and a referee where it is not."""

import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from conformance.descriptor import cluster

from mlip.descriptors import SOAP, SOAPConfig, SymmetryFunctions, SymmetryFunctionsConfig
from mlip.descriptors.dscribe_adapter import dscribe_soap, dscribe_symmetry_functions
from mlip.ops.radial import polynomial_basis

descriptors = pytest.importorskip("dscribe.descriptors", reason="DScribe is not installed")
# DScribe warns of its own accord
pytestmark = pytest.mark.filterwarnings("ignore")


def silicon() -> Atoms:
    return rattled(bulk("Si", cubic=True))


def salt() -> Atoms:
    """Three species in a cell smaller than the cutoff."""
    atoms = rattled(bulk("NaCl", "rocksalt", a=5.0, cubic=True))
    atoms.numbers[0] = 14
    return atoms


def slab() -> Atoms:
    atoms = rattled(fcc111("Al", (2, 2, 2), vacuum=3.0))
    atoms.pbc = (True, True, False)
    return atoms


def ethanol() -> Atoms:
    return molecule("CH3CH2OH")


def rattled(atoms: Atoms) -> Atoms:
    atoms.rattle(0.1, seed=1)
    atoms.wrap(eps=0.0)
    return atoms


def far_apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest value."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def both(config: SOAPConfig, atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    species = sorted(set(atoms.numbers.tolist()))
    return SOAP(config, species).create(atoms), dscribe_soap(config, species).create(atoms)


@pytest.mark.parametrize("compression", ["none", "mu1nu1"])
@pytest.mark.parametrize("numbers", [(5.0, 8, 6, 0.5), (4.0, 4, 3, 1.0), (3.5, 2, 9, 0.4)])
@pytest.mark.parametrize("structure", [silicon, salt, slab, ethanol])
def test_soap_of_gaussian_orbitals(structure, numbers, compression) -> None:
    config = SOAPConfig.like_dscribe(*numbers, rbf="gto", compression=compression)
    assert far_apart(*both(config, structure())) < 1e-9


@pytest.mark.parametrize("compression", ["none", "mu1nu1"])
@pytest.mark.parametrize("numbers", [(5.0, 4, 6, 0.5), (3.5, 5, 4, 0.4), (3.0, 1, 9, 0.3)])
@pytest.mark.parametrize("structure", [silicon, salt, slab, ethanol])
def test_soap_of_polynomials(structure, numbers, compression) -> None:
    config = SOAPConfig.like_dscribe(*numbers, rbf="polynomial", compression=compression)
    assert far_apart(*both(config, structure())) < 1e-8


def test_many_polynomials_are_orthonormal_only_here() -> None:
    """For eight and more of them DScribe's float64 has lost digits: its own basis is not
    orthonormal, which is the definition; ours is, and the features differ by as much."""
    _, weights = np.polynomial.legendre.leggauss(100)
    theirs = descriptors.SOAP(species=[14], r_cut=5.0, n_max=10, l_max=1, rbf="polynomial")
    r, functions = theirs.get_basis_poly(5.0, 10)
    overlap = (functions * weights * 2.5 * r * r) @ functions.T
    ours = polynomial_basis(r, 10, 5.0)
    our_overlap = (ours * weights * 2.5 * r * r) @ ours.T
    assert np.abs(overlap - np.eye(10)).max() > 1e-4
    assert np.abs(our_overlap - np.eye(10)).max() < 1e-12
    config = SOAPConfig.like_dscribe(5.0, 10, 1, 0.5, rbf="polynomial")
    assert 1e-6 < far_apart(*both(config, silicon())) < 0.1


def test_order_of_features() -> None:
    """The names say what DScribe's locations say."""
    config = SOAPConfig.like_dscribe(4.0, 2, 1, 0.5)
    names = SOAP(config, [1, 8]).feature_names()
    theirs = descriptors.SOAP(species=["H", "O"], r_cut=4.0, n_max=2, l_max=1, sigma=0.5)
    for pair, part in ((("H", "H"), "H"), (("H", "O"), "O"), (("O", "O"), "O")):
        for name in names[theirs.get_location(pair)]:
            _, left, _, right, _ = name.split()
            assert (left, right) == (pair[0], part)


ANGULAR = [
    {"type": "G5", "eta": 0.02, "zeta": 1, "sign": 1},
    {"type": "G4", "eta": 0.01, "zeta": 1, "sign": 1},
    {"type": "G4", "eta": 0.01, "zeta": 1, "sign": -1},
    {"type": "G4", "eta": 0.1, "zeta": 4, "sign": 1},
    {"type": "G5", "eta": 0.01, "zeta": 3, "sign": -1},
    {"type": "G4", "eta": 0.05, "zeta": 2.5, "sign": -1},
    {"type": "G4", "eta": 0.05, "zeta": 16, "sign": -1},
]
RADIAL = [{"eta": 0.5}, {"eta": 1.0, "shift": 2.0}, {"eta": 8.0, "shift": 3.5}]


@pytest.mark.parametrize(
    ("radial", "angular"), [(RADIAL, ANGULAR), (RADIAL, ()), ((), ANGULAR[1:3]), (RADIAL, None)]
)
@pytest.mark.parametrize("structure", [silicon, salt, slab, ethanol])
def test_symmetry_functions(structure, radial, angular) -> None:
    chosen = {"radial": radial} if angular is None else {"radial": radial, "angular": angular}
    config = SymmetryFunctionsConfig(cutoff=4.5, cutoff_function="cosine", **chosen)
    atoms = structure()
    species = sorted(set(atoms.numbers.tolist()))
    ours = SymmetryFunctions(config, species).create(atoms)
    theirs = dscribe_symmetry_functions(config, species).create(atoms)
    assert far_apart(ours, theirs) < 1e-13


# ------------------------------------------------------------------------------- where it is wrong


def soap_case() -> tuple:
    config = SOAPConfig.like_dscribe(3.5, 4, 3, 0.4)
    return SOAP(config, [14]), dscribe_soap(config, [14])


def symmetry_function_case() -> tuple:
    config = SymmetryFunctionsConfig(cutoff=4.5, cutoff_function="cosine")
    return SymmetryFunctions(config, [14]), dscribe_symmetry_functions(config, [14])


@pytest.mark.parametrize("case", [soap_case, symmetry_function_case])
def test_who_is_right_about_atoms_outside_the_cell(case) -> None:
    """The referee is a cluster of all atoms within reach, without any cell: it cannot be wrong
    about images. Given unwrapped atoms, DScribe itself is; given the same atoms wrapped, as its
    adapter does, it agrees with the referee, and so do we in both cases."""
    ours, theirs = case()
    atoms = silicon()
    outside = atoms.copy()
    jumps = np.random.default_rng(3).integers(-2, 3, size=(len(atoms), 3))
    outside.positions += jumps @ np.asarray(atoms.cell)
    referee = theirs.create(cluster(atoms, ours.cutoff))[: len(atoms)]
    assert far_apart(theirs.periodic.create(outside)[:, theirs.columns], referee) > 0.1
    assert far_apart(theirs.create(outside), referee) < 1e-9
    assert far_apart(ours.create(outside), referee) < 1e-9
    assert far_apart(ours.create(atoms), referee) < 1e-9


# ------------------------------------------------------------------------------ what it cannot do


def test_smooth_soap_is_not_dscribes() -> None:
    with pytest.raises(ValueError, match="no cutoff function"):
        dscribe_soap(SOAPConfig(), [14])


def test_compression_that_dscribe_lacks() -> None:
    with pytest.raises(ValueError, match="no alchemical compression"):
        dscribe_soap(SOAPConfig(compression="alchemical"), [14])


def test_symmetry_functions_that_dscribe_lacks() -> None:
    with pytest.raises(ValueError, match="only the cosine cutoff"):
        dscribe_symmetry_functions(SymmetryFunctionsConfig(), [14])


def test_without_dscribe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dscribe.descriptors", None)
    with pytest.raises(ValueError, match="pip install dscribe"):
        dscribe_soap(SOAPConfig.like_dscribe(4.0, 2, 2), [14])
