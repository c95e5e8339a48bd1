"""The files of a campaign."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class CampaignFolder:
    """Where everything of a campaign lies."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "campaign.yaml"

    @property
    def store(self) -> Path:
        return self.path / "campaign.db"

    @property
    def labels(self) -> Path:
        return self.path / "labels"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    def iteration(self, number: int) -> Path:
        """What belongs to one iteration: data, members, model, candidates."""
        return self.path / "iterations" / f"{number:03d}"

    def candidates(self, number: int) -> Path:
        """What was explored in one iteration: a file for each run."""
        return self.iteration(number) / "candidates"

    def iteration_model(self, number: int) -> Path:
        """The potential that one iteration ends with."""
        return self.iteration(number) / "model.safetensors"
