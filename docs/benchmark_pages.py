"""The page of results on data sets: the account in ``examples/benchmarks``, then each set."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlip.properties import LABELS

INTRODUCTION = """\
```{include} ../../examples/benchmarks/README.md
```
"""


def write_benchmark_page(folder: Path, benchmarks: Path) -> None:
    """One section for each set that has results."""
    folder.mkdir(exist_ok=True)
    paths = sorted(benchmarks.glob("*/results.json"))
    sections = [_section(path.parent.name, json.loads(path.read_text())) for path in paths]
    (folder / "benchmarks.md").write_text("\n".join([INTRODUCTION, *sections]), encoding="utf-8")


def _section(name: str, results: dict[str, Any]) -> str:
    lines = [
        f"## {name}",
        "",
        "| data | property | MAE | RMSE | unit |",
        "| --- | --- | --- | --- | --- |",
        *_rows(results["errors"]),
        "",
        f"Trained in {_time(results)}. Again:",
        "",
        f"```console\n$ {results['command']}\n```",
        "",
        f"```{{literalinclude}} ../../examples/benchmarks/{name}/config.yaml\n:language: yaml\n```",
        "",
    ]
    return "\n".join(lines)


def _time(results: dict[str, Any]) -> str:
    if "processor_seconds" in results:
        return f"{results['processor_seconds'] / 60:.0f} minutes of one processor"
    return f"{results['clock_seconds'] / 60:.0f} minutes by the clock, in parts"


def _rows(errors: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Errors by split and property, the test set first."""
    for split in ("test", "valid", "train"):
        for name in LABELS:
            if found := errors.get(split, {}).get(name):
                figures = f"{found['mae']:.2f} | {found['rmse']:.2f} | {found['unit']}"
                yield f"| {split} | {name} | {figures} |"
