"""Started by `torchrun` from a test: trains a small model and writes its weights."""

import sys
from pathlib import Path

import torch
from silicon import crystals, graphs, molecules, small

from mlip.training.checkpoint import CheckpointFolder
from mlip.training.config import FitConfig
from mlip.training.loop import Trainer
from mlip.training.optimisers import OptimiserConfig
from mlip.training.parallel import joined_ranks


def main(folder: Path) -> None:
    frames = [*crystals(6, seed=1), *molecules(3)]
    config = FitConfig(epochs=3, batch_atoms=20, optimiser=OptimiserConfig(learning_rate=0.01))
    with joined_ranks(torch.device("cpu")) as ranks:
        model = small((1, 14), seed=ranks.rank)  # the first rank's weights must win
        trainer = Trainer(
            model,
            graphs(frames),
            graphs(crystals(3, seed=9)),
            config,
            sources=[frame.source for frame in frames],
            ranks=ranks,
            checkpoints=CheckpointFolder(folder / "checkpoints"),
        )
        trainer.run()
        torch.save(
            {"weights": model.state_dict(), "history": trainer.progress.history},
            folder / f"rank{ranks.rank}of{ranks.size}.pt",
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
