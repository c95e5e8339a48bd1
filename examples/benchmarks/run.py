"""Train and judge the model of one benchmark: ``python examples/benchmarks/run.py mlearn_si``, or
go on with a run that was interrupted: ``python examples/benchmarks/run.py mlearn_si --resume``.

Writes ``results.json`` and ``model.safetensors`` beside the ``config.yaml``. The test set
takes no part in training. Sets that are not part of this project are looked for in the folder that
the environment variable MLIP_DATA names.
"""

import argparse
import csv
import json
import shutil
import time
from pathlib import Path

from mlip.cli.train_screen import show_errors
from mlip.models import read_card
from mlip.settings import load_settings
from mlip.training import TrainingConfig, train
from mlip.training.metrics import Errors

HERE = Path(__file__).resolve().parent


def main(name: str, resume: bool) -> None:
    folder = HERE / name
    config = load_settings(TrainingConfig, folder / "config.yaml")
    config = config.model_copy(update={"data": config.data.relative_to(folder)})
    run = HERE.parents[1] / "runs" / f"benchmark_{name}"
    if not resume:
        shutil.rmtree(run, ignore_errors=True)
    begun = time.process_time()
    errors = train(config, run, resume=resume)
    took = {"processor_seconds": round(time.process_time() - begun)}
    if resume:
        took = {"clock_seconds": round(clock_seconds(run))}
    show_errors(errors)
    shutil.copyfile(run / "model.safetensors", folder / "model.safetensors")
    card = read_card(folder / "model.safetensors")
    results = {
        "command": f"python examples/benchmarks/run.py {name}",
        "config": "config.yaml",
        "seed": config.seed,
        "errors": {split: plain(judged) for split, judged in errors.items()},
        **took,
        "dataset_fingerprint": card.dataset.fingerprint if card.dataset else None,
        "versions": dict(card.versions),
    }
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def clock_seconds(run: Path) -> float:
    """Time on the clock over all parts of a run that was interrupted."""
    with (run / "log.csv").open(encoding="utf-8") as file:
        return float(list(csv.DictReader(file))[-1]["time [s]"])


def plain(errors: Errors) -> dict[str, dict[str, float | str]]:
    """Mean absolute and root mean square errors by property, with unit."""
    return {
        name: {"mae": round(part.mae, 3), "rmse": round(part.rmse, 3), "unit": part.unit}
        for name, part in errors.overall.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="folder of the benchmark")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    arguments = parser.parse_args()
    main(arguments.name, arguments.resume)
