"""Reference energies and scale, as a layer of the model: E_a = E_ref(element) + scale * e_a.

The network below works with numbers of order one; this layer gives them back their eV. It works in
float64, so that a float32 model loses no digits to reference energies of thousands of eV.
"""

from collections.abc import Mapping, Sequence

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from torch import Tensor

from mlip.models.exact import ExactModule


class Composition(ExactModule):
    """Adds the reference energy of each element to scaled energies.

    Parameters
    ----------
    species : atomic numbers the layer knows
    """

    reference_energies: Tensor
    scale: Tensor

    def __init__(self, species: Sequence[int]) -> None:
        super().__init__()
        self.species = tuple(species)
        zeros = torch.zeros(len(self.species), dtype=torch.float64)
        self.register_buffer("reference_energies", zeros)
        self.register_buffer("scale", torch.ones((), dtype=torch.float64))

    def set(self, reference_energies: Mapping[int, float], scale: float) -> None:
        """Fix the values: eV for each atomic number, and eV for one unit of the network.

        Raises
        ------
        ValueError
            If the energy of a species is missing, or a value is not finite, or the scale is not
            positive.
        """
        missing = [chemical_symbols[z] for z in self.species if z not in reference_energies]
        if missing:
            raise ValueError(f"no reference energy for {', '.join(missing)}")
        values = torch.tensor([reference_energies[z] for z in self.species], dtype=torch.float64)
        if not bool(torch.isfinite(values).all()) or not (0.0 < scale < float("inf")):
            raise ValueError(
                f"reference energies {dict(reference_energies)} eV and scale {scale} eV must be "
                "finite, the scale positive"
            )
        self.reference_energies.copy_(values)
        self.scale.fill_(scale)

    def forward(
        self, energies: Float[Tensor, " atoms"], species_index: Int[Tensor, " atoms"]
    ) -> Float[Tensor, " atoms"]:
        """Energies of atoms in eV, float64, from energies in units of the scale."""
        references = self.reference_energies.index_select(0, species_index)
        return torch.addcmul(references, self.scale, energies.double())
