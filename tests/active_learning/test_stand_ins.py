"""VASP and CP2K as labellers, from the config to the label: programs that write what these write
stand in for them. A real CP2K too, where it is installed."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from analytic import Springs
from ase import Atoms
from documented import examples
from labels import HERE, label

from mlip.active_learning.config import EXAMPLE, CampaignConfig
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.labelling.fingerprint import MixedLabelsError, require_one
from mlip.settings import parse_settings


def program(name: str) -> str:
    return f"{sys.executable} {HERE}/{name}.py"


def water() -> Atoms:
    """In an order that VASP does not keep."""
    positions = [(1.0, 1.1, 1.2), (1.6, 1.7, 1.3), (2.2, 1.0, 1.4)]
    return Atoms("HOH", positions, cell=np.diag([5.0, 5.5, 6.0]), pbc=True)


@pytest.fixture
def vasp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """The documented config with the stand-in, and pseudopotentials for it."""
    for element in ("H", "O"):
        folder = tmp_path / "potcars" / "potpaw_PBE" / element
        folder.mkdir(parents=True)
        (folder / "POTCAR").write_text(f"  PAW_PBE {element} stand-in\n", encoding="utf-8")
    monkeypatch.setenv("VASP_PP_PATH", str(tmp_path / "potcars"))
    (config,) = examples("calculator", "VASP")
    return config | {"command": program("stand_in_vasp")}


@pytest.fixture
def cp2k() -> dict:
    (config,) = examples("calculator", "CP2K")
    return config | {"command": program("stand_in_cp2k") + " -s"}


#: Where a code takes its greatest number of steps.
STEPS = {"vasp": "nelm", "cp2k": "max_scf"}


@pytest.fixture(params=["vasp", "cp2k"])
def code(request: pytest.FixtureRequest) -> tuple[dict, str]:
    return request.getfixturevalue(request.param), STEPS[request.param]


def test_labels_are_what_the_code_found(code: tuple[dict, str], tmp_path: Path) -> None:
    outcome = label(tmp_path / "label", water(), **code[0])
    assert outcome.succeeded, outcome.last.reason
    springs = Springs()
    springs.calculate(water())
    found = outcome.labels()
    assert float(found["energy"]) == pytest.approx(springs.results["energy"], abs=1e-8)
    forces = springs.results["forces"]
    np.testing.assert_allclose(found["forces"], forces, atol=1e-7)  # digits of POSCAR and the rest
    stress = -np.einsum("ni,nj->ij", water().positions, forces) / water().get_volume()
    np.testing.assert_allclose(found["stress"], stress, atol=1e-9)
    assert outcome.last.fingerprint is not None
    assert "VASP 6.4.2" in str(outcome.last.fingerprint) or "2023.1" in str(
        outcome.last.fingerprint
    )


def test_a_cycle_that_does_not_converge_is_a_failure_with_its_reason(
    code: tuple[dict, str], tmp_path: Path
) -> None:
    config, steps = code
    config = config | {"kwargs": config["kwargs"] | {steps: 5}, "retry": None}
    outcome = label(tmp_path / "label", water(), **config)
    assert not outcome.succeeded
    assert "not converge" in (outcome.last.reason or "")
    assert (tmp_path / "label" / "attempt-1").is_dir()


def test_a_second_attempt_may_converge(code: tuple[dict, str], tmp_path: Path) -> None:
    config, steps = code
    config = config | {"kwargs": config["kwargs"] | {steps: 5}}
    outcome = label(tmp_path / "label", water(), **config)
    assert [attempt.succeeded for attempt in outcome.attempts] == [False, True]


def test_vasp_that_says_nothing_of_convergence_is_not_trusted(vasp: dict, tmp_path: Path) -> None:
    command = vasp["command"] + " && sed -i '/aborting/d; /energy-change/d' OUTCAR"
    outcome = label(tmp_path / "label", water(), **vasp | {"command": command})
    assert "VASP does not say that it converged" in (outcome.last.reason or "")


def test_labels_of_different_elements_have_one_origin_if_their_potcars_agree(
    vasp: dict, tmp_path: Path
) -> None:
    hydrogen = water()[[0, 2]]
    found = [
        label(tmp_path / f"{n}", atoms, **vasp).last.fingerprint
        for n, atoms in enumerate([water(), hydrogen])
    ]
    assert found[0] is not None
    assert found[1] is not None
    assert sorted(found[0].files) == ["potpaw_PBE/H/POTCAR", "potpaw_PBE/O/POTCAR"]
    assert list(found[1].files) == ["potpaw_PBE/H/POTCAR"]
    assert require_one([found[1], found[0]]).files == found[0].files


def test_cp2k_with_another_basis_of_the_same_name_is_another_origin(
    cp2k: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CP2K_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dftd3.dat").write_text("the same\n", encoding="utf-8")
    found = []
    for basis in ("a basis", "a basis", "another"):
        (tmp_path / "data" / "BASIS_MOLOPT").write_text(f"{basis}\n", encoding="utf-8")
        found.append(label(tmp_path / f"{len(found)}", water(), **cp2k).last.fingerprint)
    assert None not in found
    assert list(found[0].files) == ["BASIS_MOLOPT", "dftd3.dat"]  # no POTENTIAL is there
    assert require_one(found[:2]) == found[0]
    with pytest.raises(MixedLabelsError, match=r"they differ in files\.BASIS_MOLOPT"):
        require_one(found)


def test_the_documented_configs_can_be_read() -> None:
    calculators, executors = examples("calculator"), examples("executor")
    assert len(calculators) >= 4
    assert {executor["name"] for executor in executors} == {"local", "slurm", "parsl"}
    for calculator in calculators:
        parse_settings(CalculatorConfig, calculator)
    for executor in executors:
        parse_settings(CampaignConfig, yaml.safe_load(EXAMPLE) | {"executor": executor})


def test_a_code_that_is_not_there_is_a_failure_with_its_reason(vasp: dict, tmp_path: Path) -> None:
    outcome = label(tmp_path / "label", water(), **vasp | {"command": "no_such_vasp"})
    assert "no_such_vasp" in (outcome.last.reason or "")


@pytest.mark.skipif(shutil.which("cp2k.psmp") is None, reason="CP2K is not installed")
@pytest.mark.parametrize("steps", [50, 2])
def test_a_real_cp2k(steps: int, cp2k: dict, tmp_path: Path) -> None:
    atoms = Atoms("H2", [(2.5, 2.5, 2.5), (2.5, 2.5, 3.3)], cell=[5, 5, 5.8], pbc=True)
    kwargs = {"xc": "PBE", "cutoff": 2720.0, "basis_set": "SZV-MOLOPT-SR-GTH", "max_scf": steps}
    outcome = label(tmp_path, atoms, **cp2k | {"kwargs": kwargs, "command": "cp2k.psmp -s",
                                                 "retry": None})  # fmt: skip
    if steps == 2:
        assert "the SCF run did not converge" in (outcome.last.reason or "")
        return
    assert outcome.succeeded, outcome.last.reason
    assert outcome.last.fingerprint is not None
    assert list(outcome.last.fingerprint.files) == ["BASIS_MOLOPT", "POTENTIAL"]
    forces = outcome.labels()["forces"]
    assert -3.0 < forces[1, 2] < -0.1 or 0.1 < forces[1, 2] < 3.0
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=5e-3)
