"""`mlip evaluate`: how far a model is from labelled structures, and its predictions for any."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import ase.io
import numpy as np
import typer
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols

from mlip.cli import console
from mlip.cli.options import ConfigTypeKey, EnergyKey, ForcesKey, StressKey, VirialKey
from mlip.data import Frame, LabelKeys, read_frames
from mlip.graph import AtomicGraph
from mlip.models import Potential, load_model
from mlip.models import evaluate as predict_all
from mlip.neighbours import with_neighbours
from mlip.properties import LABELS, to_voigt
from mlip.training.metrics import Errors, ErrorStatistics, errors


def evaluate(
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    data: Annotated[list[Path], typer.Argument(help="Files of structures, labelled or not.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print errors as JSON, and nothing else.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Write predictions as extended XYZ; labels go under REF_*."),
    ] = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
    virial_key: VirialKey = None,
    config_type_key: ConfigTypeKey = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, ...")] = "cpu",
    dtype: Annotated[
        str | None, typer.Option(help="float32 or float64.", show_default="the model's")
    ] = None,
    batch_atoms: Annotated[int, typer.Option(help="Atoms computed at once.")] = 512,
) -> None:
    """Errors of a model on labelled structures (energy per atom, forces, stress)."""
    potential = load_model(model, device=device, dtype=dtype)
    keys = LabelKeys(
        energy=energy_key,
        forces=forces_key,
        stress=stress_key,
        virial=virial_key,
        config_type=config_type_key,
    )
    frames = read_frames(data, keys)
    _check_elements(potential, frames)
    graphs = (
        with_neighbours(AtomicGraph.from_atoms(frame.atoms), potential.cutoff)
        for frame in console.track(frames, "evaluating")
    )
    predictions = predict_all(potential, graphs, LABELS, batch_atoms=batch_atoms)
    if output is not None:
        _write(output, frames, predictions)
    found = errors(predictions, frames)
    _remark_on_missing(found, frames)
    if as_json:
        console.show(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        _show(found)


def _check_elements(model: Potential, frames: Sequence[Frame]) -> None:
    for frame in frames:
        unknown = sorted(set(frame.atoms.numbers.tolist()) - set(model.species))
        if unknown:
            raise ValueError(
                f"{frame.source} contains {', '.join(chemical_symbols[z] for z in unknown)}; the "
                f"model knows {', '.join(chemical_symbols[z] for z in model.species)}"
            )


def _remark_on_missing(found: Errors, frames: Sequence[Frame]) -> None:
    """Say which properties could not be compared, or only in part."""
    for name in LABELS:
        labelled = sum(name in frame.labels for frame in frames)
        if name not in found.overall:
            console.remark(f"no structure has a label for {name}: it is left out")
        elif labelled < len(frames):
            console.remark(f"{labelled} of {len(frames)} structures have a label for {name}")


def _show(found: Errors) -> None:
    columns = ["structures", "property", "MAE", "RMSE", "largest", "unit"]
    title = f"Errors of {found.n_structures} structures, {found.n_atoms} atoms"
    console.table(title, columns, _rows("all", found.overall))
    if len(found.by_config_type) > 1:
        rows = [row for kind, part in found.by_config_type.items() for row in _rows(kind, part)]
        console.table("By kind of structure", columns, rows)
    if len(found.by_element) > 1:
        rows = [row for symbol, part in found.by_element.items() for row in _rows(symbol, part)]
        console.table("By element", columns, rows)


def _rows(first: str, statistics: Mapping[str, ErrorStatistics]) -> list[list[str]]:
    return [
        [first, name, f"{part.mae:.2f}", f"{part.rmse:.2f}", f"{part.largest:.2f}", part.unit]
        for name, part in statistics.items()
    ]


def _write(
    path: Path, frames: Sequence[Frame], predictions: Sequence[dict[str, np.ndarray]]
) -> None:
    ase.io.write(path, [_predicted(f, p) for f, p in zip(frames, predictions)], format="extxyz")
    console.remark(f"predictions of {len(frames)} structures in {path}")


def _predicted(frame: Frame, prediction: dict[str, np.ndarray]) -> Atoms:
    """The structure with predictions as results of a calculator, and its labels under REF_*."""
    atoms = frame.atoms.copy()
    for name, value in frame.labels.items():
        if name == "forces":
            atoms.arrays["REF_forces"] = value
        else:
            atoms.info[f"REF_{name}"] = float(value) if name == "energy" else to_voigt(value)
    results = {"energy": float(prediction["energy"]), "forces": prediction["forces"]}
    if "stress" in prediction:
        results["stress"] = to_voigt(prediction["stress"])
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms
