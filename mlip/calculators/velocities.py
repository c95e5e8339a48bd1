"""Velocities of atoms: degrees of freedom, temperature, and the start of a run."""

import ase.units
import numpy as np
from ase import Atoms

#: Angular momentum, as a part of the sum of |r||p| over atoms, that counts as none: more than the
#: rounding of text files and of forces in float32, far less than atoms of independent velocities
#: have.
_AT_REST = 1e-4


def degrees_of_freedom(atoms: Atoms, momentum_conserved: bool) -> int:
    """How many independent velocities there are.

    Every atom has three; constraints take some away. Where nothing fixes or kicks atoms, total
    momentum is conserved and takes three away, and an open system (no pbc) that does not rotate
    stays so, which takes another three, or two if it is linear. A thermostat that acts on each
    atom gives them back.
    """
    if atoms.constraints or not momentum_conserved:
        return int(atoms.get_number_of_degrees_of_freedom())
    return 3 * len(atoms) - 3 - (0 if _rotates(atoms) else _rotations(atoms))


def temperature(atoms: Atoms, freedom: int) -> float:
    """Kinetic temperature in K over the given degrees of freedom; 0 if there are none."""
    if freedom <= 0:
        return 0.0
    return 2.0 * float(atoms.get_kinetic_energy()) / (freedom * ase.units.kB)


def has_velocities(atoms: Atoms) -> bool:
    """Whether the structure came with velocities: a column of zeros does not count."""
    return atoms.has("momenta") and bool(np.any(atoms.get_momenta()))


def draw_velocities(atoms: Atoms, kelvin: float, seed: int) -> None:
    """Give the atoms velocities out of the Maxwell-Boltzmann distribution, at rest as a whole.

    Total momentum is zero, and without pbc the angular momentum too, unless constraints hold
    atoms in place. What is left is scaled to exactly the temperature, over its own degrees of
    freedom, so that a run of few atoms starts where it was asked to.

    Raises
    ------
    ValueError
        If nothing can move.
    """
    masses = atoms.get_masses()[:, None]
    normal = np.random.default_rng(seed).standard_normal((len(atoms), 3))
    atoms.set_momenta(normal * np.sqrt(masses * ase.units.kB * kelvin))
    if not atoms.constraints:
        stop_motion_of_whole(atoms)
        _stop_rotation(atoms)
    freedom = degrees_of_freedom(atoms, momentum_conserved=True)
    if freedom <= 0:
        raise ValueError(
            f"no velocities to draw: {len(atoms)} atoms have no free direction of motion besides "
            "that of the whole"
        )
    scale = np.sqrt(kelvin / temperature(atoms, freedom))
    atoms.set_momenta(atoms.get_momenta() * scale)


def stop_motion_of_whole(atoms: Atoms) -> None:
    """Take away the velocity of the centre of mass."""
    masses = atoms.get_masses()[:, None]
    momenta = atoms.get_momenta()
    atoms.set_momenta(momenta - masses * momenta.sum(axis=0) / masses.sum())


def _stop_rotation(atoms: Atoms) -> None:
    """Take away the rotation of an open system: v -= omega x r with L = I omega. The
    pseudo-inverse leaves out the axis of a linear molecule."""
    if atoms.pbc.any():
        return
    arms = atoms.positions - atoms.get_center_of_mass()
    masses = atoms.get_masses()[:, None]
    inverse = np.linalg.pinv(_inertia(atoms), rcond=1e-8, hermitian=True)
    omega = inverse @ atoms.get_angular_momentum()
    atoms.set_momenta(atoms.get_momenta() - masses * np.cross(omega, arms))


def _inertia(atoms: Atoms) -> np.ndarray:
    arms = atoms.positions - atoms.get_center_of_mass()
    masses = atoms.get_masses()
    second = np.einsum("a,ai,aj->ij", masses, arms, arms)
    return np.trace(second) * np.eye(3) - second


def _rotates(atoms: Atoms) -> bool:
    """Whether the whole turns about its centre of mass."""
    arms = np.linalg.norm(atoms.positions - atoms.get_center_of_mass(), axis=1)
    largest = float(arms @ np.linalg.norm(atoms.get_momenta(), axis=1))
    return float(np.linalg.norm(atoms.get_angular_momentum())) > _AT_REST * largest


def _rotations(atoms: Atoms) -> int:
    """Rotations that conserve energy: three, two of a linear molecule, none with pbc."""
    if atoms.pbc.any():
        return 0
    inertia = _inertia(atoms)
    return int(np.linalg.matrix_rank(inertia, tol=1e-8 * np.trace(inertia), hermitian=True))
