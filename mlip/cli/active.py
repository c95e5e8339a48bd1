"""`mlip active`: a campaign that asks a DFT code where the potential does not know."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlip.active_learning.campaign import CampaignObserver
    from mlip.active_learning.status import CampaignStatus, IterationStatus

active_app = typer.Typer(
    name="active",
    help="Active learning: explore, ask a DFT code for labels, train, again.",
    no_args_is_help=True,
)

_Folder = Annotated[Path, typer.Argument(help="The folder of the campaign.")]

_COLUMNS = (
    "iteration",
    "labels done",
    "failed",
    "waiting",
    "force rms before, meV/Å",
    "after",
    "energy rms before, meV/atom",
    "after",
    "calibration",
    "labels, h",
)


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
    from mlip.active_learning.config import CampaignConfig
    from mlip.cli import console
    from mlip.settings import load_settings

    config = load_settings(CampaignConfig, _config_path(folder)).relative_to(folder)
    reason = run_campaign(config, folder, _screen(), retry_failed=retry_failed)
    status(folder)
    console.show(f"finished: {reason}")
    console.show(f"model {folder / 'model.safetensors'}")


@active_app.command()
def status(folder: _Folder) -> None:
    """Show where the campaign stands: labels, errors before and after, calibration, time."""
    from mlip.active_learning.status import campaign_status
    from mlip.cli import console

    found = campaign_status(folder)
    console.table(_title(folder, found), _COLUMNS, [_row(one) for one in found.iterations])
    for label in found.failures:
        first = (label.reason or "").splitlines()[0]
        console.remark(f"failed: {folder / 'labels' / label.key}: {first}")


def _title(folder: Path, found: "CampaignStatus") -> str:
    made = f", labels by {', '.join(found.calculators)}" if found.calculators else ""
    return f"{folder}: {found.reason or found.step}{made}"


def _row(one: "IterationStatus") -> list[str]:
    figures = [
        _figure(errors, name)
        for name in ("force_rms", "energy_rms")
        for errors in (one.before, one.after)
    ]
    scale = "" if one.scale is None else f"{one.scale:.2f}"
    counts = [str(one.number), str(one.done), str(one.failed), str(one.waiting)]
    return [*counts, *figures, scale, f"{one.hours:.2f}"]


def _figure(errors: dict[str, float] | None, name: str) -> str:
    return "" if errors is None else f"{1e3 * errors[name]:.1f}"


def _config_path(folder: Path) -> Path:
    return folder / "campaign.yaml"


def _screen() -> "CampaignObserver":
    """Shows a campaign to the person who started it."""
    from mlip.active_learning.campaign import CampaignObserver
    from mlip.cli import console

    class Screen(CampaignObserver):
        def step_begins(self, iteration: int, step: str) -> None:
            console.remark(f"iteration {iteration}: {step}")

        def message(self, text: str) -> None:
            console.remark(f"  {text}")

        def warning(self, text: str) -> None:
            console.warn(text)

    return Screen()
