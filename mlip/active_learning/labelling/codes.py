"""What is known of each code: its name, its version, which files its numbers depend on, and how to
see that it did not converge. Some return numbers all the same."""

import dataclasses
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ase import Atoms

_ESPRESSO_OUTPUT = "espresso.pwo"
_CP2K_INPUT, _CP2K_OUTPUT = "cp2k.inp", "cp2k.out"
#: Keywords of CP2K for files that decide about its numbers: basis sets, pseudopotentials,
#: dispersion, non-local functionals, truncated exchange.
_CP2K_FILES = (
    "BASIS_SET_FILE_NAME|POTENTIAL_FILE_NAME|PARAMETER_FILE_NAME|KERNEL_FILE_NAME|T_C_G_DATA"
)


def _no_files(folder: Path, calculator: Any) -> Mapping[str, Path]:  # noqa: ARG001 - one signature for all
    return {}


def _trusted(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001 - as above
    return None


def _nothing(calculator: Any, atoms: Atoms) -> str | None:  # noqa: ARG001 - as above
    return None


@dataclasses.dataclass(frozen=True)
class Code:
    """What is known of one code.

    Attributes
    ----------
    name : as its authors write it
    version : from the folder of a finished calculation and its calculator; None if it does not tell
    doubt : why the numbers of a finished calculation cannot be trusted, or None; for codes that
        do not fail by themselves when they do not converge
    files : files that decide about the numbers of a finished calculation, such as pseudopotentials
    lack : what its calculator must be told to compute some atoms, and was not; None if nothing
    dft : whether its labels are density functional theory
    """

    name: str
    version: Callable[[Path, Any], str | None]
    doubt: Callable[[Path, Any], str | None] = _trusted
    files: Callable[[Path, Any], Mapping[str, Path]] = _no_files
    lack: Callable[[Any, Atoms], str | None] = _nothing
    dft: bool = True


def code_of(calculator: Any) -> Code:
    """What is known of the code behind a calculator, by the module of its class."""
    module = type(calculator).__module__
    for prefix, code in _CODES.items():
        if module == prefix or module.startswith(prefix + "."):
            return code
    return Code(type(calculator).__name__, _source_version, _flagged)


def source_version(kind: type) -> str | None:
    """Of a class: the version of the distribution that holds it, or, for a file that belongs to
    none, the digest of the file."""
    top = kind.__module__.partition(".")[0]
    path = getattr(sys.modules[kind.__module__], "__file__", None)
    if path is None:
        return None
    if not {"site-packages", "dist-packages"}.isdisjoint(Path(path).parts):
        names = metadata.packages_distributions().get(top, [top])
        return f"{names[0]} {metadata.version(names[0])}"
    return f"{Path(path).name} {file_digest(Path(path))}"


def file_digest(path: Path) -> str:
    """sha256 of a file, its first 16 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _source_version(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    return source_version(type(calculator))


def _distributions(*names: str) -> Callable[[Path, Any], str]:
    """Versions of installed packages."""

    def version(folder: Path, calculator: Any) -> str:  # noqa: ARG001
        return ", ".join(f"{name} {metadata.version(name)}" for name in _installed(names))

    return version


def _installed(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        yield name


def _flagged(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    """Many calculators of ASE, Vasp among them, note whether they converged."""
    if getattr(calculator, "converged", True) is False:
        return "the calculator says that it did not converge"
    return None


# ------------------------------------------------------------------------------- Quantum ESPRESSO


def _espresso_version(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    return _found(folder / _ESPRESSO_OUTPUT, r"Program PWSCF v\.(\S+)")


def _espresso_doubt(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    """With ``scf_must_converge = .false.`` pw.x ends in order whatever happened, prints forces that
    are wrong, and says "convergence has been achieved" as always. Its figures tell the truth."""
    output = folder / _ESPRESSO_OUTPUT
    threshold = _found(output, r"scf convergence threshold\s+=\s+(\S+)")
    accuracy = _last_found(output, r"estimated scf accuracy\s+<\s+(\S+) Ry")
    if _found(output, r"(convergence has been achieved)") is None:
        return "pw.x does not say that convergence has been achieved"
    if threshold is None or accuracy is None:
        return "pw.x does not say how well the self-consistent cycle converged"
    if float(accuracy) > float(threshold):
        return f"pw.x stopped at an scf accuracy of {accuracy} Ry, above conv_thr ({threshold})"
    return None


def _espresso_lack(calculator: Any, atoms: Atoms) -> str | None:
    known = calculator.parameters.get("pseudopotentials", {})
    missing = sorted(set(atoms.symbols) - set(known))
    if not missing:
        return None
    return (
        f"no pseudopotential for {', '.join(missing)}: name a file for each element in the config, "
        "as calculator.kwargs.pseudopotentials"
    )


def _espresso_files(folder: Path, calculator: Any) -> Mapping[str, Path]:  # noqa: ARG001
    place = Path(calculator.profile.pseudo_dir)
    names = set(calculator.parameters.get("pseudopotentials", {}).values())
    return {name: place / name for name in sorted(names)}


# -------------------------------------------------------------------------------------- CP2K, VASP


def _cp2k_version(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    return _found(folder / _CP2K_OUTPUT, r"CP2K\| version string:\s+(.+)")


def _cp2k_doubt(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    output = folder / _CP2K_OUTPUT
    if _found(output, r"(SCF run NOT converged)") is not None:
        return "CP2K says that the SCF run did not converge"
    return None


def _cp2k_files(folder: Path, calculator: Any) -> Mapping[str, Path]:  # noqa: ARG001
    """Those that its input names, if they are where CP2K looks: where it runs, then in its folder
    of data, which the output tells if its path is short."""
    told = _found(folder / _CP2K_OUTPUT, r"CP2K\| Data directory path\s+(.+)")
    data = [Path(place) for place in (os.environ.get("CP2K_DATA_DIR"), told) if place]
    names = _all_found(folder / _CP2K_INPUT, rf"(?im)^\s*(?:{_CP2K_FILES})\s+(\S+)")
    found = {}
    for name in sorted({name.strip("'\"") for name in names}):
        paths = [place / name for place in (folder, *data) if (place / name).is_file()]
        if paths:
            found[name] = paths[0]
    return found


def _vasp_doubt(folder: Path, calculator: Any) -> str | None:
    """ASE looks in OUTCAR; None is that nothing is said there."""
    if calculator.converged is None:
        return "VASP does not say that it converged"
    return _flagged(folder, calculator)


def _vasp_files(folder: Path, calculator: Any) -> Mapping[str, Path]:  # noqa: ARG001
    """The pseudopotentials of the elements that are there, as potpaw_PBE/Si/POTCAR."""
    paths = [Path(path) for path in calculator.ppp_list]
    return {"/".join(path.parts[-3:]): path for path in sorted(paths)}


def _vasp_version(folder: Path, calculator: Any) -> str | None:  # noqa: ARG001
    return _found(folder / "OUTCAR", r"\s*vasp\.(\S+)")


def _found(path: Path, pattern: str) -> str | None:
    """The first group of a pattern in a file that may be absent."""
    return next(_all_found(path, pattern), None)


def _last_found(path: Path, pattern: str) -> str | None:
    """The same, of its last occurrence."""
    return next(iter(reversed(list(_all_found(path, pattern)))), None)


def _all_found(path: Path, pattern: str) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return (match[1].strip() for match in re.finditer(pattern, text))


#: By the module of the calculator's class.
_CODES: Mapping[str, Code] = {
    "mlip.active_learning.labelling.pyscf": Code(
        "PySCF", _distributions("pyscf", "pyscf-dispersion")
    ),
    "ase.calculators.espresso": Code(
        "Quantum ESPRESSO", _espresso_version, _espresso_doubt, _espresso_files, _espresso_lack
    ),
    "ase.calculators.vasp": Code("VASP", _vasp_version, _vasp_doubt, _vasp_files),
    "ase.calculators.cp2k": Code("CP2K", _cp2k_version, _cp2k_doubt, _cp2k_files),
    "gpaw": Code("GPAW", _distributions("gpaw", "gpaw-data")),
    "tblite": Code("tblite", _distributions("tblite"), dft=False),
}
