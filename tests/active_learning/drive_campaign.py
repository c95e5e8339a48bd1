"""A driver of the campaign in a folder: python drive_campaign.py FOLDER"""

import sys
from pathlib import Path

import torch
from small_campaign import read_campaign

from mlip.active_learning.campaign import run_campaign


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    run_campaign(read_campaign(folder), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
