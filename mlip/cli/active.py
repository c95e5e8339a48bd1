"""`mlip active`: a campaign that asks a DFT code where the potential does not know."""

from pathlib import Path
from typing import Annotated

import typer

active_app = typer.Typer(
    name="active",
    help="Active learning: explore, ask a DFT code for labels, train, again.",
    no_args_is_help=True,
)

#: Seconds. A label may take hours.
_DAY = 86400.0


def _is_folder(path: Path) -> Path:
    if path.is_file():
        raise ValueError(f"{path} is a file; give the folder of the campaign: {path.parent}")
    return path


_Folder = Annotated[Path, typer.Argument(help="The folder of the campaign.", callback=_is_folder)]


@active_app.command()
def init(folder: _Folder) -> None:
    """Write a commented config to start from."""
    from mlip.active_learning.config import EXAMPLE
    from mlip.cli import console

    path = _config_path(folder)
    if path.exists():
        raise ValueError(f"{path} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(EXAMPLE, encoding="utf-8")
    console.show(f"{path} is written: say in it which structures and which calculator")


@active_app.command()
def run(
    folder: _Folder,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="First ask again for labels that failed.")
    ] = False,
) -> None:
    """Start the campaign in the folder, or continue it.

    Killed at any moment, the same command goes on, to the same result.
    """
    from mlip.active_learning.campaign import run_campaign
    from mlip.active_learning.campaign_folder import CampaignFolder
    from mlip.active_learning.config import CampaignConfig
    from mlip.cli import console
    from mlip.cli.active_screen import CampaignScreen
    from mlip.settings import load_settings

    config = load_settings(CampaignConfig, _config_path(folder)).relative_to(folder)
    with console.progress_bar("starting", 1, memory=_DAY) as bar:
        try:
            reason = run_campaign(config, folder, CampaignScreen(bar), retry_failed=retry_failed)
        except KeyboardInterrupt:
            console.remark(f"interrupted; mlip active run {folder} goes on")
            raise
    status(folder)
    console.show(f"finished: {reason}")
    files = CampaignFolder(folder)
    console.show(f"model {files.model}, report {files.report}")


@active_app.command()
def stop(folder: _Folder) -> None:
    """Ask the campaign that runs in the folder to end soon, with a model of all labels it has.

    Labels that are running are finished, the others wait. mlip active run goes on later.
    """
    from mlip.active_learning.driver_lock import driver_of
    from mlip.active_learning.ending import StopRequest
    from mlip.cli import console

    if driver_of(folder) is None:
        raise ValueError(f"no campaign runs in {folder}; see mlip active status {folder}")
    StopRequest(folder).make()
    console.show(f"the campaign in {folder} will end soon, with a model of all labels it has then")


@active_app.command()
def report(folder: _Folder) -> None:
    """Write report.html: errors, calibration, what was asked for and why, what it cost.

    Also of a campaign that runs or has stopped; one that ends by itself writes it too.
    """
    from mlip.active_learning.report import write_campaign_report
    from mlip.cli import console

    console.show(f"report {write_campaign_report(folder)}")


@active_app.command()
def status(folder: _Folder) -> None:
    """Show where the campaign stands: labels, errors before and after, calibration, time."""
    from mlip.active_learning.status import campaign_status
    from mlip.cli import active_table, console

    found = campaign_status(folder)
    console.show(f"{folder}: {found.reason or found.step}")
    for made in found.calculators:
        console.show(f"labels by {made}")
    console.show()
    for line in active_table.table_lines(found):
        console.show(line)
    console.show()
    for line in active_table.remarks(found, folder):
        console.show(line)
    for label in found.failures:
        first = (label.reason or "").splitlines()[0]
        console.remark(f"failed: {folder / 'labels' / label.key}: {first}")
    if found.failures:
        console.remark(f"mend the cause and ask again: mlip active run {folder} --retry-failed")


def _config_path(folder: Path) -> Path:
    return folder / "campaign.yaml"
