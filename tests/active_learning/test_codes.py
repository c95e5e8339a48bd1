"""What codes print, recorded: whether numbers can be trusted, and by which version they are."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from ase import Atoms
from ase.calculators.cp2k import CP2K
from ase.calculators.espresso import Espresso, EspressoProfile
from ase.calculators.vasp import Vasp

from mlip.active_learning.labelling.codes import code_of, source_version
from mlip.active_learning.labelling.config import CalculatorConfig
from mlip.active_learning.labelling.factory import FactoryError, build_calculator
from mlip.settings import parse_settings

HEAD = """
     Program PWSCF v.6.7MaX starts on 21Nov2026 at  1: 2: 3
     scf convergence threshold =      1.0E-07
"""
GOOD = "     estimated scf accuracy    <          6.6E-09 Ry\n"
POOR = "     estimated scf accuracy    <       0.00309921 Ry\n"
END = "     convergence has been achieved in   9 iterations\n"

ESPRESSO = Espresso(profile=EspressoProfile(command="pw.x", pseudo_dir="/pseudo"),
                    pseudopotentials={"Si": "Si.upf", "Ge": "Ge.upf"})  # fmt: skip


def test_espresso_is_asked_only_for_elements_that_have_a_pseudopotential() -> None:
    code = code_of(ESPRESSO)
    assert code.lack(ESPRESSO, Atoms("SiGe")) is None
    lack = code.lack(ESPRESSO, Atoms("OSiH2"))
    assert lack is not None
    assert "no pseudopotential for H, O" in lack


@pytest.mark.parametrize(
    ("output", "doubt"),
    [
        (HEAD + POOR + GOOD + END, None),
        (HEAD + POOR + END, "stopped at an scf accuracy of 0.00309921 Ry, above conv_thr"),
        (HEAD + GOOD + POOR + END, "above conv_thr"),
        (HEAD + POOR + "     convergence NOT achieved after 2 iterations\n", "does not say that"),
        (HEAD + END, "does not say how well"),
        ("", "does not say that"),
    ],
)
def test_espresso(output: str, doubt: str | None, tmp_path: Path) -> None:
    (tmp_path / "espresso.pwo").write_text(output, encoding="utf-8")
    code = code_of(ESPRESSO)
    found = code.doubt(tmp_path, ESPRESSO)
    assert found is None if doubt is None else doubt in (found or "")
    assert code.version(tmp_path, ESPRESSO) == ("6.7MaX" if output else None)
    assert list(code.files(tmp_path, ESPRESSO)) == ["Ge.upf", "Si.upf"]


@pytest.mark.parametrize(
    ("output", "doubt"), [("SCF run converged in 9 steps", False), ("SCF run NOT converged", True)]
)
def test_cp2k(output: str, doubt: bool, tmp_path: Path) -> None:
    text = f" CP2K| version string:    CP2K version 2023.1\n *** {output} ***\n"
    (tmp_path / "cp2k.out").write_text(text, encoding="utf-8")
    calculator = object.__new__(CP2K)  # no program is started
    calculator._shell = None
    code = code_of(calculator)
    assert code.version(tmp_path, calculator) == "CP2K version 2023.1"
    assert (code.doubt(tmp_path, calculator) is not None) == doubt


CP2K_INPUT = """
&DFT
   BASIS_SET_FILE_NAME BASIS_MOLOPT
   basis_set_file_name "MY_BASIS"
   POTENTIAL_FILE_NAME {place}/POTENTIAL
   ! BASIS_SET_FILE_NAME NOT_THIS
   WFN_RESTART_FILE_NAME other-RESTART.wfn
   PARAMETER_FILE_NAME dftd3.dat
"""


@pytest.mark.parametrize("told_by", ["environment", "output"])
def test_cp2k_reads_files_where_it_runs_and_in_its_data(
    told_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, data, place = tmp_path / "run", tmp_path / "d", tmp_path / "place"
    for path in (run / "MY_BASIS", data / "MY_BASIS", data / "BASIS_MOLOPT", place / "POTENTIAL",
                 run / "other-RESTART.wfn", data / "NOT_THIS"):  # fmt: skip
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (run / "cp2k.inp").write_text(CP2K_INPUT.format(place=place), encoding="utf-8")
    if told_by == "environment":
        monkeypatch.setenv("CP2K_DATA_DIR", str(data))
    else:
        monkeypatch.delenv("CP2K_DATA_DIR", raising=False)
        line = f" CP2K| Data directory path  {data!s:>50}\n"
        (run / "cp2k.out").write_text(line, encoding="utf-8")
    calculator = object.__new__(CP2K)
    calculator._shell = None
    assert code_of(calculator).files(run, calculator) == {
        "MY_BASIS": run / "MY_BASIS",
        "BASIS_MOLOPT": data / "BASIS_MOLOPT",
        f"{place}/POTENTIAL": place / "POTENTIAL",
    }


@pytest.mark.parametrize("converged", [True, False])
def test_vasp(converged: bool, tmp_path: Path) -> None:
    (tmp_path / "OUTCAR").write_text(" vasp.6.4.2 20Jul23 (build ...)\n", encoding="utf-8")
    calculator = Vasp()
    calculator.converged = converged
    code = code_of(calculator)
    assert code.version(tmp_path, calculator) == "6.4.2"
    assert (code.doubt(tmp_path, calculator) is None) == converged


def test_an_unknown_code_has_the_version_of_its_distribution() -> None:
    code = code_of(SimpleNamespace())
    assert code.name == "SimpleNamespace"
    assert (source_version(Vasp) or "").startswith("ase 3.")


def config(**content) -> CalculatorConfig:
    return parse_settings(CalculatorConfig, content)


def test_a_class_of_ase_gets_its_profile() -> None:
    kwargs = {"profile": {"pseudo_dir": "/pseudo"}, "kpts": [2, 2, 2]}
    factory = "ase.calculators.espresso:Espresso"
    built = build_calculator(config(factory=factory, command="srun -n 4 pw.x", kwargs=kwargs), {})
    assert built.profile.command == "srun -n 4 pw.x"
    assert built.profile.pseudo_dir == "/pseudo"
    assert built.parameters["kpts"] == [2, 2, 2]


def test_changes_are_laid_over_the_keywords() -> None:
    kwargs = {"encut": 400, "algo": "Normal"}
    asked = config(factory="ase.calculators.vasp:Vasp", command="srun vasp_std", kwargs=kwargs)
    built = build_calculator(asked, {"algo": "All"})
    assert built.command == "srun vasp_std"
    assert built.float_params["encut"] == 400
    assert built.string_params["algo"] == "All"


def test_a_program_without_command_is_an_error() -> None:
    with pytest.raises(FactoryError, match="needs a command"):
        build_calculator(config(factory="ase.calculators.espresso:Espresso"), {})
