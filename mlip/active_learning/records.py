"""The labels and potentials of a campaign, out of its store and its files."""

from collections.abc import Sequence

from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.frames import labelled_frames
from mlip.active_learning.judgement import Comparison, PlainCards, compare
from mlip.active_learning.labelling.fingerprint import require_one
from mlip.active_learning.store import Store
from mlip.active_learning.uncertainty import (
    FeatureDistance,
    MeasureName,
    ModelUncertainty,
    UncertaintyMeasure,
)
from mlip.data import Frame
from mlip.data.extxyz import read_extxyz
from mlip.data.statistics import is_isolated_atom
from mlip.models import Potential, load_model


class Records:
    """What the steps of a campaign left to those that follow."""

    def __init__(self, store: Store, folder: CampaignFolder, uncertainty: MeasureName) -> None:
        self._store = store
        self._folder = folder
        self._uncertainty = uncertainty

    def frames(self, *parts: str, iteration: int | None = None) -> list[Frame]:
        """Finished labels of some parts of the data; those that one iteration added, or all.

        Raises
        ------
        MixedLabelsError
            If they were not all made by the same calculator.
        """
        labels = self._store.labels("done", iteration=iteration)
        chosen = [label for label in labels if label.part in parts]
        return labelled_frames(chosen, self._store.fingerprints())

    def theory(self) -> str:
        """What all finished labels were made with, in words; errors as those of `frames`."""
        known = self._store.fingerprints()
        done = self._store.labels("done")
        return str(require_one([known[str(label.fingerprint)] for label in done]))

    def model(self, iteration: int) -> Potential:
        """The potential that an iteration ended with."""
        return load_model(self._folder.iteration_model(iteration))

    def measure(self, model: Potential, iteration: int) -> UncertaintyMeasure:
        """Of the potential of an iteration."""
        if self._uncertainty != "distance":
            return ModelUncertainty(model)
        seen = map(Frame, read_extxyz(self._folder.iteration(iteration) / "train.extxyz"))
        return FeatureDistance(model, [f.atoms for f in seen if not is_isolated_atom(f)])

    def compared(self, iterations: Sequence[int]) -> list[Comparison]:
        """The labels that each of some iterations added, with what the potential before says. Of
        structures with elements that it does not know it says nothing: they are left out."""
        found = []
        for iteration in iterations:
            model = self.model(iteration - 1)
            known = set(model.species)
            new = self.frames("train", "valid", iteration=iteration)
            frames = [frame for frame in new if known.issuperset(frame.atoms.numbers)]
            found.append(compare(model, self.measure(model, iteration - 1), frames))
        return found

    def calibration(self, iteration: int) -> PlainCards:
        """That of the potential of an iteration, which may be from an earlier one."""
        judged = (self._store.fact(f"judgement {i}") for i in range(iteration, 0, -1))
        latest = next((one for one in judged if one), self._store.fact("validation 0", {}))
        return latest.get("calibration", {})
