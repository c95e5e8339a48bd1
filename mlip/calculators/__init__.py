"""Use: an ASE calculator and molecular dynamics with trained potentials."""
