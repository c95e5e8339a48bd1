"""report.html: one file that shows how good a potential is, and where it is not."""

import string
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from ase.data import atomic_numbers, chemical_symbols

from mlip.durable import write_whole
from mlip.models import ModelCard
from mlip.properties import LABELS, PROPERTIES
from mlip.settings import Settings, dump_settings
from mlip.training.calibration import Calibrations, calibrated_in_words, root_mean_squares
from mlip.training.calibration_figure import calibration
from mlip.training.drawing import embedded
from mlip.training.figures import distributions, learning_curve, parity
from mlip.training.metrics import Errors, ErrorStatistics
from mlip.training.observers import Row, Summary
from mlip.training.page import (
    definitions,
    duration,
    environment,
    figure,
    heading,
    note,
    page,
    picture,
    printed_unit,
    table,
    text,
    tile,
    tiles,
    today,
)

_SPLITS = {"train": "training", "valid": "validation", "test": "test"}
_WORST = 8
#: Columns of tables that hold text.
_WORDS = ("set", "kind", "composition", "unit")


def write_report(
    path: Path,
    config: Settings,
    summary: Summary,
    history: Sequence[Row],
    best_epoch: int,
    found: Mapping[str, Errors],
) -> None:
    """Write the report of a run.

    Parameters
    ----------
    history : rows of the learning curve, at least one
    best_epoch : the one with the smallest validation loss of the last stage
    found : errors by split (train, valid, test)
    """
    template = resources.files("mlip.training").joinpath("report_template.html")
    body = string.Template(template.read_text(encoding="utf-8")).substitute(
        tiles=_tiles(found),
        summary=_summary(summary, history, best_epoch),
        errors=_errors_by_split(found),
        parity=embedded(parity(found, summary.references.values)),
        distributions=embedded(distributions(found)),
        learning=embedded(learning_curve(history, best_epoch)),
        by_config_type=_grouped(found, "by_config_type", "kind"),
        by_element=_by_element(found),
        worst=_worst(found),
        config=text(dump_settings(config)),
        environment=definitions({**environment(), "Device": summary.device}),
    )
    title = f"{'-'.join(summary.elements)} potential"
    write_whole(path, page(title, _subtitle(summary), body).encode())


def write_evaluation(
    path: Path, card: ModelCard, subtitle: str, found: Errors, compared: Calibrations
) -> None:
    """Write the report of a model on some labelled structures.

    Parameters
    ----------
    card : of the model
    found : with at least one property
    compared : its uncertainties against the errors; none if it does not know them
    """
    split = {"test": found}
    references = {atomic_numbers[s]: energy for s, energy in card.reference_energies.items()}
    parts = {
        "Errors": _errors_by_split(split),
        "Predicted against reference": picture(
            embedded(parity(split, references)),
            "parity plots",
            "Energies are shown without the reference energies of their elements.",
        ),
        "Distribution of errors": picture(
            embedded(distributions(split)),
            "distribution of errors",
            "The share of entries whose error is larger than the value on the axis.",
        ),
        "Uncertainty": _uncertainty(card, compared),
        "Errors by kind of structure": _grouped(split, "by_config_type", "kind"),
        "Errors by element": _by_element(split),
        "The worst structures": _worst(split),
        "Environment": definitions(environment()),
    }
    if not compared:
        del parts["Uncertainty"]
    sections = [f"<section><h2>{text(name)}</h2>{part}</section>" for name, part in parts.items()]
    title = f"{'-'.join(card.species)} potential"
    body = _tiles(split) + "".join(sections)
    write_whole(path, page(title, subtitle, body).encode())


def _uncertainty(card: ModelCard, compared: Calibrations) -> str:
    rows = []
    for name, one in compared.items():
        predicted, error, unit = root_mean_squares(name, one)
        correlation = "–" if one.correlation is None else f"{one.correlation:.2f}"
        shares = [f"{100 * a:.0f} % ({100 * b:.0f} %)"
                  for a, b in zip(one.within, one.expected_within)]  # fmt: skip
        row = [name.capitalize(), figure(predicted), figure(error), printed_unit(unit)]
        rows.append([*row, figure(one.factor), correlation, *shares])
    columns = ["property", "predicted", "RMSE", "unit", "factor", "correlation",
               "within 1 σ (expected)", "within 2 σ (expected)"]  # fmt: skip
    caption = (
        "Each point is a structure, or the force on an atom. Error bars are right if the diamonds "
        "lie on the solid line; the factor is what uncertainties have to be multiplied with."
    )
    drawn = picture(embedded(calibration(compared)), "errors against uncertainties", caption)
    return table(columns, rows, _WORDS) + note(calibrated_in_words(card.calibration)) + drawn


def _subtitle(summary: Summary) -> str:
    return f"{summary.model} · {summary.parameters:,} parameters · trained {today()}"


def _tiles(found: Mapping[str, Errors]) -> str:
    """The headline: errors on the data that were held out best."""
    split = next(name for name in ("test", "valid", "train") if name in found)
    return tiles(
        tile(
            f"{name.capitalize()} MAE, {_SPLITS[split]} set",
            figure(part.mae),
            printed_unit(part.unit),
            f"RMSE {figure(part.rmse)}, largest {figure(part.largest)}",
        )
        for name, part in found[split].overall.items()
    )


def _summary(summary: Summary, history: Sequence[Row], best_epoch: int) -> str:
    data = {_SPLITS[split].capitalize(): summary.counted(split) for split in summary.structures}
    data["Elements"] = ", ".join(summary.elements)
    data["Trained on"] = ", ".join(summary.trained_on)
    for z, energy in summary.references.values.items():
        data[f"Reference energy of {chemical_symbols[z]}"] = f"{energy:.5f} eV"
    data["Reference energies from"] = summary.references.source
    model = {
        "Model": summary.model,
        "Parameters": f"{summary.parameters:,}",
        "Cutoff": f"{summary.cutoff:g} Å, {summary.neighbours:.1f} neighbours on average",
        "Energy scale": f"{summary.scale:.4f} eV",
        "Precision": summary.dtype,
        "Device": summary.device + (f", {summary.ranks} ranks" if summary.ranks > 1 else ""),
        "Epochs": f"{history[-1]['epoch']:.0f}, best {best_epoch}",
        "Time": duration(history[-1]["seconds"]),
        "Seed": str(summary.seed),
    }
    return definitions(data) + definitions(model)


def _errors_by_split(found: Mapping[str, Errors]) -> str:
    rows = []
    for name in _names(found):
        for split, judged in found.items():
            if name in judged.overall:
                part = judged.overall[name]
                figures = map(figure, (part.mae, part.rmse, part.largest))
                row = [name.capitalize(), _SPLITS[split], *figures, printed_unit(part.unit)]
                rows.append([*row, f"{part.count:,}"])
    columns = ["property", "set", "MAE", "RMSE", "largest", "unit", "entries"]
    return table(columns, rows, _WORDS)


def _grouped(found: Mapping[str, Errors], attribute: str, title: str) -> str:
    """One table for each split: a row for each group, MAE and RMSE of each property."""
    tables = []
    for split, judged in reversed(list(found.items())):
        groups: Mapping[str, Mapping[str, ErrorStatistics]] = getattr(judged, attribute)
        names = [n for n in LABELS if any(n in part for part in groups.values())]
        rows = [[key, *_measures(part, names)] for key, part in groups.items()]
        if names:
            over = [(name, printed_unit(PROPERTIES[name].error_unit)) for name in names]
            columns = [title, *(measure for _ in names for measure in ("MAE", "RMSE"))]
            tables.append(heading(f"{_SPLITS[split].capitalize()} set"))
            tables.append(table(columns, rows, _WORDS, over))
    return "".join(tables) or note("No labels to compare with.")


def _by_element(found: Mapping[str, Errors]) -> str:
    elements = {symbol for judged in found.values() for symbol in judged.by_element}
    if len(elements) == 1:
        return note(f"All atoms are {elements.pop()}.")
    return _grouped(found, "by_element", "element")


def _worst(found: Mapping[str, Errors]) -> str:
    """For each property the structures with the largest errors, over all splits."""
    tables = []
    for name in _names(found):
        candidates = [(f, s) for s, part in found.items() for f in part.worst(name, _WORST)]
        candidates.sort(key=lambda pair: -pair[0].rmse(name))
        rows = [
            [frame.source, split, frame.config_type, frame.composition, figure(frame.rmse(name))]
            for frame, split in candidates[:_WORST]
        ]
        error = f"error [{printed_unit(PROPERTIES[name].error_unit)}]"
        columns = ["structure", "set", "kind", "composition", error]
        tables += [heading(name.capitalize()), table(columns, rows, _WORDS)]
    return "".join(tables)


def _names(found: Mapping[str, Errors]) -> list[str]:
    return [name for name in LABELS if any(name in part.overall for part in found.values())]


def _measures(part: Mapping[str, ErrorStatistics], names: Iterable[str]) -> list[str]:
    cells = []
    for name in names:
        found = part.get(name)
        cells += [figure(found.mae), figure(found.rmse)] if found else ["–", "–"]
    return cells
