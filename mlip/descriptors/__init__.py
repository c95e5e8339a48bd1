"""Descriptors: fixed, invariant features of atomic environments."""
