"""Neighbour lists as numpy arrays, by the conventions of `ase.neighborlist` and matscipy."""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import numpy as np
import torch
from ase import Atoms
from ase.data import atomic_numbers

from mlip.neighbours import compiled, reference

#: A radius for all pairs, one for each pair of species, or one for each atom (a pair is then within
#: reach if its distance is less than the sum of the two).
Cutoff = float | Mapping[tuple[str | int, str | int], float] | Sequence[float] | np.ndarray


def neighbour_list(
    quantities: str, atoms: Atoms, cutoff: Cutoff
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Pairs of atoms within a cutoff, both (i, j) and (j, i), sorted by i.

    A drop-in for `ase.neighborlist.neighbor_list` and `matscipy.neighbours.neighbour_list`.

    Parameters
    ----------
    quantities : what is returned, in this order: `i` and `j`, centre and neighbour [pairs];
        `S`, whole cell vectors added to j [pairs, 3]; `d`, distance [pairs] in Å; `D`, vector from
        i to j, r_j + S @ cell - r_i, [pairs, 3] in Å
    cutoff : Å; a number, or `{("O", "H"): 1.2, ...}` with pairs of symbols or atomic numbers
        (species that it does not name are not neighbours), or a radius for each atom

    Returns
    -------
    The array of the one quantity asked for, or a tuple of arrays.

    Raises
    ------
    ValueError
        If a quantity is unknown, a cutoff is not a positive number, positions or cell are not
        finite, or the cell is singular along its periodic directions.
    """
    unknown = sorted(set(quantities) - set("ijSdD"))
    if unknown or not quantities:
        raise ValueError(f"quantities are letters of 'ijSdD', got {quantities!r}")
    largest, of_pairs = _limits(atoms, cutoff)
    lengths = of_pairs is not None or "d" in quantities.lower()
    found = _find(atoms, largest, lengths)
    if of_pairs is not None:
        near = found["d"] < of_pairs(found["i"], found["j"])
        found = {name: values[near] for name, values in found.items()}
    results = tuple(found[name] for name in quantities)
    return results[0] if len(results) == 1 else results


def _find(atoms: Atoms, cutoff: float, lengths: bool) -> dict[str, np.ndarray]:
    structure = (
        torch.from_numpy(np.array(atoms.positions, dtype=np.float64)),
        torch.from_numpy(np.array(atoms.cell.array, dtype=np.float64)[None]),
        torch.from_numpy(np.array(atoms.pbc, dtype=bool)[None]),
        torch.from_numpy(np.array([0, len(atoms)])),
    )
    find = _finder()
    if not lengths:
        edges, shifts = find.find_edges(*structure, cutoff)
        return {"i": edges[0].numpy(), "j": edges[1].numpy(), "S": shifts.numpy()}
    edges, shifts, distances, vectors = find.find_edges_and_vectors(*structure, cutoff)
    return {
        "i": edges[0].numpy(),
        "j": edges[1].numpy(),
        "S": shifts.numpy(),
        "d": distances.numpy(),
        "D": vectors.numpy(),
    }


def _finder() -> ModuleType:
    return compiled if compiled.available(torch.device("cpu")) else reference


def _limits(
    atoms: Atoms, cutoff: Cutoff
) -> tuple[float, Callable[[np.ndarray, np.ndarray], np.ndarray] | None]:
    """The largest cutoff, and that of each pair (i, j) if they differ."""
    if isinstance(cutoff, Mapping):
        table, numbers = _table(cutoff), atoms.numbers
        return float(table.max()), lambda i, j: table[numbers[i], numbers[j]]
    if np.ndim(cutoff) == 0:
        return float(np.asarray(cutoff)), None
    radii = np.asarray(cutoff, dtype=np.float64)
    if radii.shape != (len(atoms),) or not (radii >= 0).all():
        raise ValueError(
            f"a radius for each of the {len(atoms)} atoms is expected, none negative; "
            f"got {len(radii)}: {radii.tolist()[:10]}"
        )
    # where no pair is within reach, a search needs a radius all the same
    return float(2 * radii.max(initial=0.0)) or 1.0, lambda i, j: radii[i] + radii[j]


def _table(cutoffs: Mapping[tuple[str | int, str | int], float]) -> np.ndarray:
    """Cutoffs by two atomic numbers; 0 where none was given."""
    if not cutoffs:
        raise ValueError("the table of cutoffs names no pair of species")
    table = np.zeros((len(atomic_numbers), len(atomic_numbers)))
    for pair, radius in cutoffs.items():
        if not (np.isfinite(radius) and radius > 0):
            raise ValueError(f"the cutoff of {pair} must be a positive number of Å, got {radius}")
        a, b = map(_atomic_number, pair)
        table[a, b] = table[b, a] = radius
    return table


def _atomic_number(species: str | int) -> int:
    number = atomic_numbers.get(species) if isinstance(species, str) else int(species)
    if number is None or not 0 <= number < len(atomic_numbers):
        raise ValueError(f"{species!r} in the table of cutoffs is not an element")
    return number
