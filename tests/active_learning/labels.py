"""Label folders for tests."""

from pathlib import Path

from ase import Atoms
from ase.build import molecule

from mlip.active_learning.labelling.folder import LabelFolder, LabelRequest
from mlip.active_learning.labelling.outcome import LabelOutcome
from mlip.active_learning.labelling.worker import work
from mlip.data.extxyz import frame_text
from mlip.settings import parse_settings

HERE = str(Path(__file__).parent)


def request(**calculator) -> LabelRequest:
    if "preset" not in calculator:
        calculator = {"factory": "analytic:Springs"} | calculator
    return parse_settings(LabelRequest, {"calculator": calculator, "import_from": HERE})


def folder_of(path: Path, atoms: Atoms | None = None, **calculator) -> LabelFolder:
    label = LabelFolder(path)
    label.prepare(frame_text(atoms or molecule("H2O"), {}), request(**calculator))
    return label


def label(path: Path, atoms: Atoms | None = None, **calculator) -> LabelOutcome:
    """What comes of a label."""
    folder = folder_of(path, atoms, **calculator)
    assert work(folder)
    outcome = folder.outcome()
    assert outcome is not None
    return outcome
