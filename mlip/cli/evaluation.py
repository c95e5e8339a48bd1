"""The work of `mlip evaluate`: errors as tables and JSON, predictions as a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols

from mlip.cli import console
from mlip.cli.calibration_report import plain_calibrations, show_calibrations
from mlip.cli.targets import require_writable
from mlip.data import Frame, LabelKeys, read_frames
from mlip.durable import drafted
from mlip.graph import AtomicGraph
from mlip.models import UNCERTAINTIES, Potential, card_of, load_model
from mlip.models import evaluate as predict_all
from mlip.models.files import describe
from mlip.models.placement import on_threads
from mlip.neighbours import with_neighbours
from mlip.properties import LABELS, to_voigt
from mlip.training.calibration import Calibrations, calibrations, own_uncertainties
from mlip.training.metrics import Errors, ErrorStatistics, errors


def evaluate_files(
    model: Path,
    data: Sequence[Path],
    keys: LabelKeys,
    as_json: bool,
    output: Path | None,
    device: str,
    dtype: str | None,
    *,
    report: Path | None,
    threads: int,
    batch_atoms: int,
) -> None:
    """Compare a model with the labels in some files, and write its predictions if asked to: over
    any file but those that are read."""
    for target in filter(None, (output, report)):
        require_writable(target, True, [model, *data])
    potential = load_model(model, device=device, dtype=dtype).requires_grad_(False)
    frames = read_frames(data, keys)
    _check_elements(potential, frames)
    with on_threads(threads):
        predictions = _predictions(potential, frames, batch_atoms)
    _remark_on_extrapolation(predictions)
    found = errors(predictions, frames)
    compared: Calibrations = {}
    if potential.knows_its_uncertainty:
        compared = calibrations(predictions, own_uncertainties(predictions), frames)
    if as_json:
        uncertainty = plain_calibrations(compared, potential.calibration)
        content = found.to_json() | ({"uncertainty": uncertainty} if uncertainty else {})
        console.show(json.dumps(content, indent=2, ensure_ascii=False))
    if not found.overall:
        _remark_on_no_labels(frames, output)
    else:
        _remark_on_missing(found, frames)
    if found.overall and not as_json:
        _show(found)
        if compared:
            show_calibrations(compared, potential.calibration)
    if output is not None:
        _write(output, frames, predictions)
    if report is not None and found.overall:
        subtitle = f"{model.name} on {', '.join(path.name for path in data)}"
        _write_report(report, subtitle, potential, found, compared)


def _predictions(
    model: Potential, frames: Sequence[Frame], batch_atoms: int
) -> list[dict[str, np.ndarray]]:
    """What is compared and written, under a progress bar."""
    want = [*LABELS]
    want += UNCERTAINTIES if model.knows_its_uncertainty else ()
    want += ("extrapolations",) if model.knows_its_range else ()
    graphs = (
        with_neighbours(AtomicGraph.from_atoms(frame.atoms), model.cutoff)
        for frame in console.track(frames, "evaluating")
    )
    return predict_all(model, graphs, want, batch_atoms=batch_atoms)


def _check_elements(model: Potential, frames: Sequence[Frame]) -> None:
    for frame in frames:
        unknown = sorted(set(frame.atoms.numbers.tolist()) - set(model.species))
        if unknown:
            raise ValueError(
                f"{frame.source} contains {', '.join(chemical_symbols[z] for z in unknown)}; the "
                f"model knows {', '.join(chemical_symbols[z] for z in model.species)}"
            )


def _remark_on_no_labels(frames: Sequence[Frame], output: Path | None) -> None:
    console.remark(
        f"none of {len(frames)} structures has a label to compare with; labels with unusual "
        "names are declared by --energy-key, --forces-key, ..."
    )
    if output is None:
        console.remark("--output FILE writes the predictions")


def _remark_on_missing(found: Errors, frames: Sequence[Frame]) -> None:
    """Say which properties could not be compared, or only in part."""
    for name in LABELS:
        labelled = sum(name in frame.labels for frame in frames)
        if name not in found.overall:
            console.remark(f"no structure has a label for {name}: it is left out")
        elif labelled < len(frames):
            console.remark(f"{labelled} of {len(frames)} structures have a label for {name}")


def _remark_on_extrapolation(predictions: Sequence[dict[str, np.ndarray]]) -> None:
    """Say how far the structures are beyond what the model was trained on."""
    counts = [found["extrapolations"] for found in predictions if "extrapolations" in found]
    outside = sum(int((count > 0).sum()) for count in counts)
    if outside:
        n_atoms = sum(len(count) for count in counts)
        structures = sum(bool(count.any()) for count in counts)
        console.remark(
            f"extrapolation: {outside} of {n_atoms} atoms, in {structures} of {len(counts)} "
            "structures, have features outside their range in the training data"
        )


def _show(found: Errors) -> None:
    columns = ["structures", "property", "MAE", "RMSE", "largest", "unit"]
    title = f"Errors of {found.n_structures} structures, {found.n_atoms} atoms"
    console.table(title, columns, _rows("all", found.overall))
    if len(found.by_config_type) > 1:
        rows = [row for kind, part in found.by_config_type.items() for row in _rows(kind, part)]
        console.show()
        console.table("By kind of structure", columns, rows)
    if len(found.by_element) > 1:
        rows = [row for symbol, part in found.by_element.items() for row in _rows(symbol, part)]
        console.show()
        console.table("By element", columns, rows)


def _rows(first: str, statistics: Mapping[str, ErrorStatistics]) -> list[list[str]]:
    return [
        [first, name, f"{part.mae:.2f}", f"{part.rmse:.2f}", f"{part.largest:.2f}", part.unit]
        for name, part in statistics.items()
    ]


def _write_report(
    path: Path, subtitle: str, model: Potential, found: Errors, compared: Calibrations
) -> None:
    from mlip.training.report import write_evaluation  # brings matplotlib

    write_evaluation(path, describe(model, card_of(model)), subtitle, found, compared)
    console.remark(f"report {path}")


def _write(
    path: Path, frames: Sequence[Frame], predictions: Sequence[dict[str, np.ndarray]]
) -> None:
    with drafted(path) as draft:
        ase.io.write(draft, [_predicted(f, p) for f, p in zip(frames, predictions)], "extxyz")
    console.remark(f"predictions of {len(frames)} structures in {path}")


def _predicted(frame: Frame, prediction: dict[str, np.ndarray]) -> Atoms:
    """The structure with predictions as results of a calculator, uncertainties (eV, eV/Å) and
    extrapolations under their names, and its labels under REF_*."""
    atoms = frame.atoms.copy()
    for name, value in frame.labels.items():
        if name == "forces":
            atoms.arrays["REF_forces"] = value
        else:
            atoms.info[f"REF_{name}"] = float(value) if name == "energy" else to_voigt(value)
    if "energy_uncertainty" in prediction:
        atoms.info["energy_uncertainty"] = float(prediction["energy_uncertainty"])
        atoms.arrays["forces_uncertainty"] = prediction["forces_uncertainty"]
    if "extrapolations" in prediction:
        atoms.arrays["extrapolations"] = prediction["extrapolations"]
    results = {"energy": float(prediction["energy"]), "forces": prediction["forces"]}
    if "stress" in prediction:
        results["stress"] = to_voigt(prediction["stress"])
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms
