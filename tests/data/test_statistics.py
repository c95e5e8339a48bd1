"""Reference energies and scales: right where they can be, honest where they cannot."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from mlip.data import Frame, energy_scale, reference_energies, without_isolated_atoms
from mlip.data.statistics import ReferenceEnergies, binding_energies, is_isolated_atom

ATOMS = {1: -13.6, 6: -1025.0, 8: -2037.5}


def energy_of(atoms, values=ATOMS, binding=0.0):
    return np.array(sum(values[z] for z in atoms.numbers) - binding * len(atoms))


def frame(atoms, binding=2.0, **labels):
    return Frame(atoms, {"energy": energy_of(atoms, binding=binding), **labels}, source="f#0")


def single(symbol, energy, cell=None):
    atoms = Atoms(symbol, cell=cell, pbc=cell is not None)
    return Frame(atoms, {"energy": np.array(energy)}, source=f"{symbol}#0")


MOLECULES = [frame(molecule(name)) for name in ("H2O", "CH4", "CO2", "CH3OH", "H2", "CO")]


def test_least_squares_finds_the_values_that_were_put_in():
    frames = [frame(f.atoms, binding=0.0) for f in MOLECULES]
    found = reference_energies(frames)
    assert found.source == "least squares"
    assert found.unique
    assert found.residual < 1e-9
    assert found.values == pytest.approx(ATOMS, abs=1e-8)


def test_isolated_atoms_come_before_least_squares():
    frames = [*MOLECULES, *(single(s, ATOMS[z]) for s, z in (("H", 1), ("C", 6), ("O", 8)))]
    found = reference_energies(frames)
    assert found.source == "isolated atoms"
    assert found.values == ATOMS
    assert found.residual == pytest.approx(2.0)
    assert len(without_isolated_atoms(frames)) == len(MOLECULES)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("isolated atoms", "bound by 4.26 eV/atom (rms), their cohesion"),
        ("least squares", "scatter around them by 4260 meV/atom (rms)"),
        ("given", "lie 4.26 eV/atom (rms) away from them"),
    ],
)
def test_what_references_leave_is_named_for_what_it_is(source, words):
    assert words in ReferenceEnergies({14: -100.0}, source, 4.26).remainder()


def test_isolated_atoms_of_some_elements_are_not_mixed_with_least_squares():
    found = reference_energies([*MOLECULES, single("H", -10.0)])
    assert found.source == "least squares"
    assert found.values[1] != -10.0


def test_given_values_come_first():
    found = reference_energies([*MOLECULES, single("H", -1.0)], isolated={**ATOMS, 79: 0.0})
    assert found.source == "given"
    assert found.values == ATOMS, "elements that do not occur are left out"


def test_given_values_must_be_complete():
    with pytest.raises(ValueError, match=r"no energy of an isolated atom is given for C, O"):
        reference_energies(MOLECULES, isolated={1: -13.6})


def test_isolated_atoms_must_agree():
    frames = [single("H", -13.6), single("H", -12.9)]
    with pytest.raises(
        ValueError, match=r"isolated H atoms H#0 and H#0 have energies -13.6.* -12.9"
    ):
        reference_energies(frames)
    assert reference_energies([single("H", -13.6), single("H", -13.6001)]).values == {1: -13.6}


def test_one_composition_does_not_determine_elements():
    frames = [frame(molecule("H2O"), binding=b) for b in (1.0, 2.0, 3.0)]
    found = reference_energies(frames)
    assert not found.unique
    assert "do not determine" in str(found)
    total = 2 * found.values[1] + found.values[8]
    assert total == pytest.approx(float(energy_of(molecule("H2O"), binding=2.0)), rel=1e-12)
    assert found.values[1] / 2 == pytest.approx(found.values[8]), "the least norm"


def test_frames_without_energy_are_passed_over():
    frames = [*MOLECULES, Frame(molecule("NH3"), source="f#9")]
    found = reference_energies(frames)
    assert set(found.values) == {1, 6, 7, 8}
    assert not found.unique
    assert found.values[7] == pytest.approx(0.0, abs=1e-9)


def test_no_energies_at_all():
    with pytest.raises(ValueError, match="no structure has one"):
        reference_energies([Frame(molecule("H2O"))])


@pytest.mark.parametrize(
    ("cell", "pbc", "alone"),
    [
        (None, False, True),
        ([3, 3, 3], False, True),
        ([3, 3, 3], True, False),
        ([12, 12, 12], True, True),
        ([12, 12, 3], True, False),
        ([12, 12, 3], (1, 1, 0), True),
        ([[20, 0, 0], [19, 3, 0], [0, 0, 20]], True, False),
        ([[9, 0, 0], [45, 3, 0], [0, 0, 20]], True, False),
    ],
)
def test_what_an_isolated_atom_is(cell, pbc, alone):
    atoms = Atoms("H", cell=cell, pbc=pbc)
    assert is_isolated_atom(Frame(atoms)) == alone
    assert not is_isolated_atom(Frame(Atoms("H2", [[0, 0, 0], [0, 0, 1]], cell=cell)))


def test_scale_from_forces():
    forces = [np.full((3, 3), 3.0), np.full((3, 3), -4.0)]
    frames = [frame(molecule("H2O"), forces=f) for f in forces]
    references = reference_energies(frames)
    assert energy_scale(frames, references) == pytest.approx(np.sqrt(12.5))


def test_scale_from_energies_without_forces():
    frames = [frame(molecule("H2O"), binding=b) for b in (1.0, 2.0, 4.0)]
    scale = energy_scale(frames, reference_energies(frames, isolated=ATOMS))
    assert scale == pytest.approx(np.std([1, 2, 4]))


@pytest.mark.parametrize("forces", [0.0, 1e-9])
def test_a_scale_is_always_usable(forces):
    frames = [frame(molecule("H2O"), forces=np.full((3, 3), forces))]
    assert energy_scale(frames, reference_energies(frames)) in (1.0, 1e-3)


def test_isolated_atoms_do_not_enter_the_scale():
    frames = [frame(molecule("H2O"), binding=b) for b in (1.0, 3.0)]
    more = [*frames, *(single(s, ATOMS[z]) for s, z in (("H", 1), ("O", 8)))]
    references = reference_energies(more)
    assert energy_scale(more, references) == energy_scale(frames, references) == pytest.approx(1.0)


def test_binding_energies():
    values = binding_energies([*MOLECULES, Frame(molecule("H2O"))], ATOMS)
    np.testing.assert_allclose(values, -2.0, atol=1e-9)
