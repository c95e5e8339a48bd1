"""Campaigns whose driver, workers and calculations are killed at random: each ends with the same
frames and the same model as one that was left alone, and no finished label is computed twice."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from killing import run_and_kill, seeds
from same_end import assert_same_end
from small_campaign import SMALL_LEARNING, write_campaign

from mlip.active_learning.campaign import run_campaign
from mlip.active_learning.store import Store

SCRIPT = Path(__file__).parent / "drive_campaign.py"

ONE_MODEL = {**SMALL_LEARNING, "members": 1}
#: What differs from the small campaign, and how many random kills the tests have if nobody says.
KINDS: dict[str, tuple[dict, int]] = {
    "committee": ({}, 1),
    "laplace": ({"uncertainty": "laplace", "learning": ONE_MODEL}, 1),
    "distance": ({"uncertainty": "distance", "learning": ONE_MODEL}, 0),
    "slurm": ({"executor": {"name": "slurm", "workers": 2}}, 0),
    "parsl": ({"executor": {"name": "parsl", "workers": 2, "config": "brisk_parsl:brisk"}}, 0),
}

#: A queue that starts its jobs at once, each with a file that holds its process.
QUEUE = {
    "sbatch": """
        script="${@: -1}"
        name=$(sed -n 's/^#SBATCH --job-name=//p' "$script")
        output=$(sed -n 's/^#SBATCH --output=//p' "$script")
        setsid bash "$script" < /dev/null >> "$output" 2>&1 &
        echo $! > "$QUEUE/$name.$!"
        echo $!
        """,
    "squeue": """
        for job in "$QUEUE"/*; do
            [ -e "$job" ] || continue
            state=$(ps -o stat= -p "$(cat "$job")") || continue
            [[ $state == Z* ]] || basename "${job%.*}"
        done
        """,
    "scancel": 'kill -9 $(cat "$QUEUE/$(sed s/--name=// <<< "${@: -1}")".*) 2> /dev/null',
}


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, jobs = tmp_path / "bin", tmp_path / "queue"
    programs.mkdir()
    jobs.mkdir()
    for name, text in QUEUE.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("QUEUE", str(jobs))


@pytest.fixture(scope="module")
def alone(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Campaigns that were left alone, by their kind; who computes must not matter."""
    found: dict[str, Path] = dict.fromkeys(("committee", "slurm", "parsl"), finished)

    def campaign(kind: str) -> Path:
        if kind not in found:
            found[kind] = tmp_path_factory.mktemp(kind)
            run_campaign(write_campaign(found[kind], **KINDS[kind][0]), found[kind])
        return found[kind]

    return campaign


@pytest.mark.parametrize(
    ("kind", "seed"), [(kind, seed) for kind, (_, few) in KINDS.items() for seed in seeds(few)]
)
def test_a_campaign_killed_anywhere_ends_the_same(
    kind: str, seed: int, alone: Callable[[str], Path], queue: None, tmp_path: Path
) -> None:
    if kind == "parsl":
        pytest.importorskip("parsl", reason="holds the workers")
    folder = tmp_path / "killed"
    kept = {"factory": "analytic:Springs", "keep_output": True}
    write_campaign(folder, calculator=kept, **KINDS[kind][0])

    def progress() -> int:
        names = ("labels/*/attempt-*", "labels/*/result.json", "iterations/*/*.extxyz",
                 "iterations/*/member-*/*", "iterations/*/member-*/checkpoints/*",
                 "iterations/*/candidates/*", "iterations/*/model.safetensors")  # fmt: skip
        return sum(1 for name in names for _ in folder.glob(name))

    assert run_and_kill(SCRIPT, folder, progress, seed, kills=6)
    assert_same_end(folder, alone(kind))
    store = Store(folder / "campaign.db", read_only=True)
    for label in store.labels():
        ended = list((folder / "labels" / label.key).glob("attempt-*/attempt.json"))
        assert len(ended) == 1, label.key
    store.close()
