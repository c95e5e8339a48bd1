"""Does choosing pay? A campaign against labels drawn at random from the very same trajectories.

    python compare.py run        # campaigns and controls; killed, the same command goes on
    python compare.py judge      # results.json, from what `run` left
    python compare.py figure     # the figure of the documentation, from results.json

    python compare.py run --seeds 0              # one campaign and its control
    python compare.py judge --seeds 0 --results FILE

Each control begins with the labels of the first structures of its campaign, and is given the
candidates of each iteration of it. Of these it takes as many, at random; the rest is the same.
The judge is a set that none of them has seen: dimers of datasets/water_clusters, labelled by the
same code, version and settings.
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from mlip import AtomicGraph, load_model, read_frames
from mlip.active_learning.campaign import run_campaign
from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import CampaignConfig, StopConfig
from mlip.active_learning.labelling.folder import LabelFolder
from mlip.active_learning.status import campaign_status
from mlip.data import Frame
from mlip.models import Potential, evaluate
from mlip.settings import load_settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SEEDS = (0, 1, 2)
ARMS = {"chosen": "tab:blue", "random": "tab:orange"}
#: Kinds of frames in the judge's set, and what they are called in the figure.
KINDS = {"dimer": "molecular dynamics, 200 to 500 K", "dimer_scan": "scans, O–O 2.3 to 7 Å"}

TICKS = (100, 200, 500, 1000, 2000)  # meV/Å


# --- running --------------------------------------------------------------------------------


def campaign_config(seed: int) -> CampaignConfig:
    """That of the example, with another seed."""
    config = load_settings(CampaignConfig, HERE / "campaign.yaml").relative_to(HERE)
    return config.model_copy(update={"seed": seed})


def run_pair(folder: Path, seed: int) -> None:
    """A campaign, then its control."""
    chosen, control = (CampaignFolder(folder / str(seed) / arm) for arm in ARMS)
    config = campaign_config(seed)
    chosen.path.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}, chosen: {run_campaign(config, chosen.path)}", flush=True)
    last = len(campaign_status(chosen.path).iterations) - 1
    prepare_control(chosen, control, last)
    config = config.model_copy(
        update={
            "select": config.select.model_copy(update={"method": "random"}),
            "stop": StopConfig(force_error=1e-9, iterations=last),
        }
    )
    print(f"seed {seed}, random: {run_campaign(config, control.path)}", flush=True)


def prepare_control(chosen: CampaignFolder, control: CampaignFolder, last: int) -> None:
    """Give a control what it shares with the campaign. What is there is not made again, be it a
    label, a trained member or a run of dynamics: the control is a campaign like any other."""
    copy_whole(chosen.iteration(0), control.iteration(0))
    for number in range(1, last):
        copy_whole(
            chosen.iteration(number) / "candidates", control.iteration(number) / "candidates"
        )
    for label in chosen.labels.glob("*/result.json"):
        copy_whole(label.parent, control.labels / label.parent.name)


def copy_whole(source: Path, target: Path) -> None:
    """Copy a folder, so that it is there as a whole or not at all."""
    if target.exists():
        return
    draft = target.with_name(target.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft)
    draft.rename(target)


# --- judging --------------------------------------------------------------------------------


def judges() -> dict[str, list[Frame]]:
    """Labelled dimers, by kind."""
    data = ROOT / "datasets" / "water_clusters"
    frames = [
        f for part in ("train", "valid", "test") for f in read_frames(data / f"{part}.extxyz")
    ]
    return {kind: [frame for frame in frames if frame.config_type == kind] for kind in KINDS}


def errors(model: Potential, frames: Sequence[Frame]) -> dict[str, float]:
    """Root mean square errors (meV/Å, meV/atom) and the largest error of a force (meV/Å)."""
    found = evaluate(model, [AtomicGraph.from_atoms(frame.atoms) for frame in frames])
    forces = np.concatenate([r["forces"] - f.labels["forces"] for r, f in zip(found, frames)])
    energies = [(r["energy"] - f.labels["energy"]) / len(f) for r, f in zip(found, frames)]
    return {
        "forces": round(1e3 * float(np.sqrt(np.mean(forces**2))), 2),
        "energy": round(1e3 * float(np.sqrt(np.mean(np.square(energies)))), 3),
        "largest_force": round(1e3 * float(np.linalg.norm(forces, axis=1).max()), 1),
    }


def judge_arm(folder: CampaignFolder, frames: dict[str, list[Frame]]) -> list[dict[str, Any]]:
    """Each iteration: labels there were, errors of the potential that learned from them."""
    judged = []
    for one in campaign_status(folder.path).iterations:
        model = load_model(folder.iteration_model(one.number))
        found = {kind: errors(model, frames[kind]) for kind in KINDS}
        judged.append({"labels": one.learned_after, **found})
    return judged


def judge(folder: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """All that was found, as plain data."""
    frames = judges()
    runs = [CampaignFolder(folder / str(seed) / arm) for seed in seeds for arm in ARMS]
    return {
        "units": {"forces": "meV/Å", "energy": "meV/atom", "largest_force": "meV/Å"},
        "judges": {kind: len(frames[kind]) for kind in KINDS},
        "labels": campaign_status(runs[0].path).calculators,
        "config": campaign_config(0).model_dump(mode="json", exclude={"structures"}),
        "versions": {name: version(name) for name in ("nearsight", "torch", "ase", "numpy")},
        "label_processor_minutes": round(label_minutes(runs), 1),
        "runs": [
            {"seed": int(run.path.parent.name), "arm": run.path.name,
             "iterations": judge_arm(run, frames)}
            for run in runs
        ],
    }  # fmt: skip


def label_minutes(runs: Sequence[CampaignFolder]) -> float:
    """Processor time of all labels; one that a campaign and its control share counts once."""
    outcomes = {
        (run.path.parent, path.parent.name): LabelFolder(path.parent).outcome()
        for run in runs
        for path in run.labels.glob("*/result.json")
    }
    attempts = [attempt for outcome in outcomes.values() if outcome for attempt in outcome.attempts]
    return sum(attempt.cpu_seconds or 0.0 for attempt in attempts) / 60.0


# --- showing --------------------------------------------------------------------------------


def draw(results: dict[str, Any], path: Path) -> None:
    """Errors of forces against labels: each seed thin, the geometric mean bold."""
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    axes = figure.subplots(1, len(KINDS))
    for axis, (kind, title) in zip(axes, KINDS.items()):
        for arm, colour in ARMS.items():
            curves = np.array(list(learning_curves(results, arm, kind)))
            for labels, forces in curves:
                axis.plot(labels, forces, color=colour, linewidth=0.8, alpha=0.5)
            labels = curves[:, 0].mean(axis=0)
            mean = np.exp(np.log(curves[:, 1]).mean(axis=0))  # of each iteration, geometric
            axis.plot(labels, mean, color=colour, linewidth=2.5, marker="o", label=arm)
        axis.set(title=title, xlabel="labels", yscale="log")
        axis.set_yticks(TICKS, [str(tick) for tick in TICKS])
        axis.minorticks_off()
        axis.grid(alpha=0.2)
    axes[0].set_ylabel("force error, rms (meV/Å)")
    axes[0].legend()
    figure.savefig(path, dpi=120)


def learning_curves(
    results: dict[str, Any], arm: str, kind: str
) -> Iterator[tuple[list[int], list[float]]]:
    """Labels and errors of forces, of each seed."""
    for run in results["runs"]:
        if run["arm"] == arm:
            steps = run["iterations"]
            yield [one["labels"] for one in steps], [one[kind]["forces"] for one in steps]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["run", "judge", "figure"])
    parser.add_argument("--folder", type=Path, default=Path("runs/water_dimer"))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--results", type=Path, default=HERE / "results.json")
    arguments = parser.parse_args()
    if arguments.action == "run":
        for seed in arguments.seeds:
            run_pair(arguments.folder, seed)
    elif arguments.action == "judge":
        text = json.dumps(judge(arguments.folder, arguments.seeds), indent=1, ensure_ascii=False)
        arguments.results.write_text(text + "\n", encoding="utf-8")
    else:
        found = json.loads(arguments.results.read_text(encoding="utf-8"))
        draw(found, ROOT / "docs" / "images" / "active_learning_water.png")


if __name__ == "__main__":
    main()
