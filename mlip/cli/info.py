"""`mlip info`: what is installed here, and what of it runs fast."""

import json
import os
import platform
from importlib import metadata
from typing import Annotated

import typer

from mlip import __version__
from mlip.cli import console

_PACKAGES = ("torch", "ase", "numpy")


def info(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print as JSON, and nothing else.")
    ] = False,
) -> None:
    """Show versions, processors and GPUs, and which kernels are compiled or why they are not."""
    import torch

    from mlip.kernels import status

    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    versions = {"mlip": __version__, "python": platform.python_version()}
    versions |= {package: metadata.version(package) for package in _PACKAGES}
    if as_json:
        content = {
            "versions": versions,
            "threads": torch.get_num_threads(),
            "processors": os.cpu_count(),
            "gpus": gpus,
            "kernels": status(),
        }
        console.show(json.dumps(content, indent=2, ensure_ascii=False))
        return
    rows = {
        **versions,
        "processors": f"{os.cpu_count()}; the commands use 1 unless --threads or threads says more",
        "GPUs": ", ".join(gpus) or "none",
        **status(),
    }
    console.details("mlip here", list(rows.items()))
