"""Each ready-made calculator does what it says, where its code is installed."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from labels import label

from mlip.active_learning.labelling.outcome import LabelOutcome

PSEUDOPOTENTIALS = Path("/usr/share/espresso/pseudo")
SILICON = "Si.pbe-rrkj.UPF"

needs_pyscf = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("pyscf", "pyscf.dispersion")))
    if importlib.util.find_spec("pyscf")
    else True,
    reason="pyscf or pyscf-dispersion is not installed",
)
needs_tblite = pytest.mark.skipif(
    importlib.util.find_spec("tblite") is None, reason="tblite is not installed"
)
needs_gpaw = pytest.mark.skipif(
    importlib.util.find_spec("gpaw") is None, reason="gpaw is not installed"
)
needs_espresso = pytest.mark.skipif(
    shutil.which("pw.x") is None or not (PSEUDOPOTENTIALS / SILICON).exists(),
    reason="pw.x or its pseudopotentials are not installed",
)


def force_error(
    path: Path, atoms: Atoms, step: float = 0.02, **calculator
) -> tuple[LabelOutcome, float]:
    """A label, and how far one of its forces is from the central difference of energies, eV/Å."""
    energies = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[1, 0] += sign * step
        energies.append(float(label(path / f"{sign}", moved, **calculator).labels()["energy"]))
    outcome = label(path / "0", atoms, **calculator)
    numeric = -(energies[0] - energies[1]) / (2 * step)
    return outcome, abs(float(outcome.labels()["forces"][1, 0]) - numeric)


@needs_pyscf
def test_pyscf_gives_dispersion_corrected_dft(tmp_path: Path) -> None:
    atoms = Atoms("H2", positions=[(0, 0, 0), (0.8, 0, 0)])
    outcome, error = force_error(tmp_path, atoms, preset="pyscf")
    assert outcome.succeeded, outcome.last.reason
    assert error < 2e-2  # third derivatives of a stiff bond: 0.02^2 / 6 * 300 eV/Å^3
    found = outcome.last.fingerprint
    assert found is not None
    assert found.dft
    assert "pyscf-dispersion" in found.version
    assert found.settings["kwargs"]["basis"] == "def2-svp"


@needs_pyscf
@pytest.mark.parametrize(
    ("atoms", "kwargs", "told"),
    [
        (molecule("H2O"), {"max_cycle": 1}, "did not converge"),
        (bulk("Si"), {}, "the structure is periodic"),
    ],
)
def test_pyscf_refuses(atoms: Atoms, kwargs: dict, told: str, tmp_path: Path) -> None:
    outcome = label(tmp_path, atoms, preset="pyscf", kwargs=kwargs)
    assert told in (outcome.last.reason or "")


@needs_pyscf
def test_pyscf_gives_an_odd_electron_its_spin(tmp_path: Path) -> None:
    outcome = label(tmp_path, Atoms("H"), preset="pyscf")
    assert outcome.succeeded, outcome.last.reason
    assert -13.7 < float(outcome.labels()["energy"]) < -13.3  # PBE: -13.60 eV in a complete basis


@needs_tblite
def test_tblite_is_not_dft_and_says_so(tmp_path: Path) -> None:
    atoms = molecule("H2O")
    atoms.rattle(0.05, seed=1)
    outcome, error = force_error(tmp_path, atoms, step=0.005, preset="tblite")
    assert outcome.succeeded, outcome.last.reason
    assert error < 2e-3
    found = outcome.last.fingerprint
    assert found is not None
    assert not found.dft
    assert "not DFT" in str(found)


@needs_tblite
def test_tblite_refuses_a_cycle_that_does_not_converge(tmp_path: Path) -> None:
    outcome = label(tmp_path, molecule("H2O"), preset="tblite", kwargs={"max_iterations": 2})
    assert not outcome.succeeded


def silicon(**electrons) -> dict:
    """Cheap settings for two atoms."""
    return {
        "preset": "espresso",
        "properties": ["energy", "forces", "stress"],
        "kwargs": {
            "profile": {"pseudo_dir": str(PSEUDOPOTENTIALS)},
            "pseudopotentials": {"Si": SILICON},
            "kspacing": 0.15,
            "input_data": {"system": {"ecutwfc": 12}, "electrons": electrons},
        },
    }


@needs_espresso
def test_espresso_gives_stress_and_knows_its_pseudopotentials(tmp_path: Path) -> None:
    atoms = bulk("Si", a=5.3)
    atoms.positions[1, 0] += 0.1
    outcome = label(tmp_path, atoms, **silicon())
    assert outcome.succeeded, outcome.last.reason
    labels = outcome.labels()
    np.testing.assert_allclose(labels["forces"][0], -labels["forces"][1], atol=2e-3)
    assert labels["forces"][1, 0] < -0.5
    assert np.trace(labels["stress"]) < 0  # compressed
    found = outcome.last.fingerprint
    assert found is not None
    assert found.version[0].isdigit()
    assert list(found.files) == [SILICON]


@needs_espresso
def test_espresso_that_did_not_converge_is_a_failure_although_it_gives_numbers(
    tmp_path: Path,
) -> None:
    electrons = {"electron_maxstep": 2, "scf_must_converge": False}
    outcome = label(tmp_path, bulk("Si"), **silicon(**electrons))
    assert "above conv_thr" in (outcome.last.reason or "")
    output = (tmp_path / "attempt-1" / "espresso.pwo").read_text(encoding="utf-8")
    assert "convergence has been achieved" in output  # so it says


@needs_gpaw
def test_gpaw_gives_stress(tmp_path: Path) -> None:
    kwargs = {"mode": {"name": "pw", "ecut": 200}, "kpts": {"size": [2, 2, 2]}}
    names = ["energy", "forces", "stress"]
    outcome = label(tmp_path, bulk("Si"), preset="gpaw", kwargs=kwargs, properties=names)
    assert outcome.succeeded, outcome.last.reason
    assert set(outcome.labels()) == set(names)
