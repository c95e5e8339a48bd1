"""Potentials of n2p2 and RuNNer: a folder with input.nn, scaling.data and weights.ZZZ.data.

Formats: the manuals of n2p2 (A. Singraber, J. Behler, C. Dellago, J. Chem. Theory Comput. 15, 1827
(2019)) and of RuNNer (J. Behler, Int. J. Quantum Chem. 115, 1032 (2015)). Lengths are in Bohr and
energies in Hartree.
"""

from mlip.interop.n2p2.lines import N2P2Error
from mlip.interop.n2p2.reading import read_potential
from mlip.interop.n2p2.writing import write_potential

__all__ = ["N2P2Error", "read_potential", "write_potential"]
