"""Data: reading labelled structures, checking them, splitting them, serving them to training."""

from mlip.data.checks import DataReport, check_frames
from mlip.data.dataset import GraphDataset, batches_by_atoms
from mlip.data.frames import Frame, FrameSet, elements
from mlip.data.identity import fingerprint
from mlip.data.labels import LabelKeys, LabelsFound
from mlip.data.read import frames_from_atoms, read_frames, read_structures
from mlip.data.splits import Split, SplitConfig, split_frames
from mlip.data.statistics import (
    ReferenceEnergies,
    energy_scale,
    mean_binding_energies,
    reference_energies,
    without_isolated_atoms,
)

__all__ = [
    "DataReport",
    "Frame",
    "FrameSet",
    "GraphDataset",
    "LabelKeys",
    "LabelsFound",
    "ReferenceEnergies",
    "Split",
    "SplitConfig",
    "batches_by_atoms",
    "check_frames",
    "elements",
    "energy_scale",
    "fingerprint",
    "frames_from_atoms",
    "mean_binding_energies",
    "read_frames",
    "read_structures",
    "reference_energies",
    "split_frames",
    "without_isolated_atoms",
]
