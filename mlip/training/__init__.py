"""Training: from one config file to a potential, its errors and a report."""

from mlip.training.config import TrainingConfig
from mlip.training.run import train

__all__ = ["TrainingConfig", "train"]
