"""A campaign that takes seconds: water held together by springs."""

import shutil
from pathlib import Path

import yaml
from ase.build import molecule
from ase.io import write

from mlip.active_learning.config import CampaignConfig
from mlip.settings import load_settings

HERE = Path(__file__).parent
SMALL_LEARNING = {
    "model": {
        "name": "behler_parrinello",
        "descriptor": {"name": "soap", "cutoff": 3.0, "n_max": 2, "l_max": 1},
        "hidden": [4],
    },
    "members": 2,
    "epochs": 3,
    "batch_atoms": 6,
    "device": "cpu",
    "valid": 0.25,
}


def write_campaign(folder: Path, **changes) -> CampaignConfig:
    """Its folder, ready to run."""
    folder.mkdir(parents=True, exist_ok=True)
    for module in ("analytic.py", "brisk_parsl.py"):
        shutil.copy(HERE / module, folder)
    write(folder / "start.extxyz", molecule("H2O"))
    md = {"name": "md", "temperatures": [300], "steps": 10, "timestep": 0.5, "interval": 5}
    content = {
        "structures": ["start.extxyz"],
        "calculator": {"factory": "analytic:Springs"},
        "executor": {"name": "local", "workers": 2},
        "initial": {"count": 5, "amplitude": 0.05},
        "learning": SMALL_LEARNING,
        "explore": [md, {"name": "rattle", "count": 3, "amplitude": 0.1}],
        "select": {"uncertain_above": 1e-5, "absurd_above": 1e4, "per_iteration": 2},
        "stop": {"iterations": 1, "force_error": 1e-6},
        "failures": {"deaths": 100},  # whoever kills at random may meet one label again and again
        **changes,
    }  # fmt: skip
    (folder / "campaign.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return read_campaign(folder)


def read_campaign(folder: Path) -> CampaignConfig:
    return load_settings(CampaignConfig, folder / "campaign.yaml").relative_to(folder)
