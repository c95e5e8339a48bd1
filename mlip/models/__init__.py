"""Models: potentials that give energies of atoms, and everything derived from them."""
