"""Mean energies of the elements beyond their references."""

import numpy as np
import pytest
from ase import Atoms

from mlip.data import Frame, mean_binding_energies


def frame(symbols: str, energy: float) -> Frame:
    atoms = Atoms(symbols, positions=np.arange(3 * len(Atoms(symbols))).reshape(-1, 3))
    return Frame(atoms, {"energy": np.array(energy)}, "default", symbols)


def test_each_element_has_its_own() -> None:
    frames = [frame("HO", -103.0), frame("H2O", -105.5), frame("HO2", -203.5)]
    found = mean_binding_energies(frames, {1: -2.0, 8: -100.0})
    assert found == pytest.approx({1: -0.5, 8: -0.5}, abs=0.2)
    left = [e / len(f) for f, e in zip(frames, (-1.0, -1.5, -1.5))]
    fitted = [np.mean([found[z] for z in f.atoms.numbers]) for f in frames]
    assert fitted == pytest.approx(left, abs=1e-12)


def test_isolated_atoms_and_frames_without_energy_take_no_part() -> None:
    frames = [frame("H2", -6.0), frame("H", -2.0), Frame(Atoms("H2"), {}, "default", "x")]
    assert mean_binding_energies(frames, {1: -2.0}) == pytest.approx({1: -1.0})
    assert mean_binding_energies(frames[2:], {1: -2.0}) == {1: 0.0}
