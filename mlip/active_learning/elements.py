"""Elements of structures. Where labels fail, those that are left may lack some."""

from ase import Atoms
from ase.data import chemical_symbols

from mlip.models import Potential


def unknown_elements(model: Potential, atoms: Atoms) -> list[str]:
    """Symbols of the elements of a structure that the model was not trained for."""
    return [chemical_symbols[z] for z in sorted(set(atoms.numbers.tolist()) - set(model.species))]
