"""Calculators that are ready to use; whoever names one may change any keyword of it."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


@dataclasses.dataclass(frozen=True)
class Preset:
    """A calculator by its factory and keywords.

    Attributes
    ----------
    summary : what it is, in a line
    needs : how it is installed
    dft : whether its labels are density functional theory
    """

    summary: str
    needs: str
    factory: str
    kwargs: dict[str, Any]
    command: str | None = None
    dft: bool = True


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "pyscf": Preset(
            summary="PBE-D3(BJ)/def2-SVP for molecules, without stress",
            needs="pip install pyscf pyscf-dispersion",
            factory="mlip.active_learning.labelling.pyscf:PySCF",
            kwargs={
                "functional": "PBE",
                "dispersion": "d3bj",
                "basis": "def2-svp",
                "density_fitting_basis": "def2-universal-jkfit",
                "grid_level": 3,
                "energy_tolerance": 1e-9,
            },
        ),
        "espresso": Preset(
            summary="Quantum ESPRESSO for periodic structures; needs pseudopotentials and cut-offs",
            needs="apt-get install quantum-espresso quantum-espresso-data, or your own pw.x",
            factory="ase.calculators.espresso:Espresso",
            command="pw.x",
            kwargs={
                "profile": {"pseudo_dir": "/usr/share/espresso/pseudo"},
                "kspacing": 0.04,
                "input_data": {
                    "control": {"tprnfor": True, "tstress": True, "disk_io": "none"},
                    "system": {
                        "occupations": "smearing",
                        "smearing": "marzari-vanderbilt",
                        "degauss": 0.02,
                    },
                    "electrons": {"conv_thr": 1e-7, "scf_must_converge": True},
                },
            },
        ),
        "gpaw": Preset(
            summary="GPAW with plane waves, PBE; its setups cover nearly all elements",
            needs="pip install gpaw gpaw-data, after libxc and a BLAS",
            factory="gpaw:GPAW",
            kwargs={
                "mode": {"name": "pw", "ecut": 400},
                "xc": "PBE",
                "kpts": {"density": 4.0, "gamma": True},
                "txt": "gpaw.txt",
            },
        ),
        "tblite": Preset(
            summary="GFN2-xTB, a semi-empirical method: not DFT; Gamma point only",
            needs="pip install tblite",
            factory="tblite.ase:TBLite",
            kwargs={"method": "GFN2-xTB", "accuracy": 1.0, "verbosity": 0},
            dft=False,
        ),
    }
)
