"""The potential of the campaign against DFT that it has not seen.

    python check.py runs/silicon_vacancy/model.safetensors

Two questions: how wrong are forces, energies and stresses in frames of datasets/silicon, made with
the same code, cut-offs and density of k points but in other ways; and what does it cost a
neighbour to go to the empty site on the straight line, every other atom held (path.extxyz, labelled
by the calculator of campaign.yaml)?
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlip import AtomicGraph, load_model, read_frames
from mlip.data import Frame
from mlip.models import Potential, evaluate

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "datasets" / "silicon"
_WANT = ("energy", "forces", "stress")


def held_out(kind: str, largest: int) -> list[Frame]:
    """Frames of one kind with at least seven atoms and no more than `largest`."""
    paths = [DATA / f"{part}.extxyz" for part in ("train", "valid", "test")]
    frames = [frame for path in paths for frame in read_frames(path)]
    return [frame for frame in frames if frame.config_type == kind and 7 <= len(frame) <= largest]


def compare(model: Potential, name: str, frames: Sequence[Frame]) -> None:
    """Root mean square errors; of energies, with and without what all have in common."""
    graphs = [AtomicGraph.from_atoms(frame.atoms) for frame in frames]
    found = evaluate(model, graphs, _WANT)
    wrong = {
        want: [1e3 * (result[want] - frame.labels[want]) for result, frame in zip(found, frames)]
        for want in _WANT
    }
    energies = np.array([error / len(frame) for error, frame in zip(wrong["energy"], frames)])
    print(
        f"| {name} | {len(frames)} | {rms(np.concatenate(wrong['forces'])):.0f} "
        f"| {rms(energies):.1f} | {energies.std():.1f} "
        f"| {rms(np.concatenate(wrong['stress'])):.1f} |"
    )


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def show_path(model: Potential) -> None:
    """Energies along the path, above its beginning."""
    frames = read_frames(HERE / "path.extxyz")
    found = evaluate(model, [AtomicGraph.from_atoms(frame.atoms) for frame in frames], _WANT[:1])
    computed = np.array([float(frame.labels["energy"]) for frame in frames])
    predicted = np.array([float(result["energy"]) for result in found])
    for frame, dft, own in zip(frames, computed - computed[0], predicted - predicted[0]):
        print(f"| {frame.atoms.info['moved']:.2f} | {dft:.3f} | {own:.3f} |")


def main() -> None:
    model = load_model(Path(sys.argv[1]))
    print("| frames | number | forces, meV/Å | energy, meV/atom | its spread | stress, meV/Å^3 |")
    print("| --- | --- | --- | --- | --- | --- |")
    compare(model, "vacancy, 7 atoms", held_out("vacancy", 7))
    compare(model, "rattled crystal, 8 atoms", held_out("rattled", 8))
    compare(model, "disordered, 8 atoms", held_out("liquid", 8))
    print("\n| way gone | DFT, eV | potential, eV |\n| --- | --- | --- |")
    show_path(model)


if __name__ == "__main__":
    main()
