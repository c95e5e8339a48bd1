"""What a small run is about to do, for tests of what is told of it."""

from mlip.data import LabelsFound, ReferenceEnergies
from mlip.training.observers import Summary

SUMMARY = Summary(
    structures={"train": 3, "valid": 1},
    atoms={"train": 20, "valid": 2},
    visits=3,
    unlabelled={"train": {}, "valid": {"stress": 1}},
    labels_found={"train": LabelsFound(3, {})},
    trained_on=("forces",),
    elements=("H", "Si"),
    references=ReferenceEnergies({1: -10.0, 14: -140.0}, "given", 0.1),
    scale=0.5,
    model="behler_parrinello",
    parameters=1234,
    cutoff=4.0,
    neighbours=12.3,
    device="cpu",
    dtype="float64",
    ranks=1,
    seed=3,
)
