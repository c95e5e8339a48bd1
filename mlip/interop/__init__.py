"""Potentials of other programs, read and written."""
