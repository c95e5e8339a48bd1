"""SOAP against its definition, a density projected by quadrature; and its settings."""

import math

import numpy as np
import pytest
import torch
from conformance.structures import molecule
from numpy.polynomial.legendre import leggauss
from scipy.special import sph_harm_y

from mlip.descriptors import SOAP, SOAPConfig
from mlip.ops.cutoffs import polynomial
from mlip.ops.radial import polynomial_basis
from mlip.settings import SettingsError, parse_settings

SPECIES = (8, 14)


@pytest.mark.parametrize("compression", ["none", "mu1nu1"])
def test_power_spectrum_by_quadrature(compression: str) -> None:
    """c_nlm integrated on a grid in space, with scipy's complex harmonics."""
    config = SOAPConfig(
        cutoff=4.0,
        n_max=2,
        l_max=3,
        radial_basis="polynomial",
        sigma=0.6,
        compression=compression,
    )
    atoms = molecule(SPECIES)
    n_points = 60
    r, r_weights = leggauss(n_points)
    r, r_weights = 2.0 * (r + 1), 2.0 * r_weights
    z, z_weights = leggauss(n_points)
    phi = 2 * np.pi * np.arange(n_points) / n_points
    theta, phi = np.meshgrid(np.arccos(z), phi, indexing="ij")
    surface = np.repeat(z_weights[:, None], n_points, axis=1) * 2 * np.pi / n_points
    directions = np.stack(
        [np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=-1
    )
    grid = r[:, None, None, None] * directions
    density = dict.fromkeys(SPECIES, 0.0)
    for number, position in zip(atoms.numbers, atoms.positions - atoms.positions[0]):
        weight = float(polynomial(torch.tensor(np.linalg.norm(position)), config.cutoff))
        distance2 = ((grid - position) ** 2).sum(-1)
        density[int(number)] += weight * np.exp(-0.5 * distance2 / config.sigma**2)
    radial = polynomial_basis(r, 2, 4.0) * r_weights * r**2
    coefficients = {
        (number, l): np.stack(
            [
                radial
                @ (density[number] * np.conj(sph_harm_y(l, m, theta, phi)) * surface).sum((1, 2))
                for m in range(-l, l + 1)
            ],
            axis=1,
        )
        for number in SPECIES
        for l in range(4)
    }
    for l in range(4):
        coefficients[0, l] = coefficients[8, l] + coefficients[14, l]
    pairs = [(8, 8), (8, 14), (14, 14)] if compression == "none" else [(8, 0), (14, 0)]
    expected = [
        math.pi
        * math.sqrt(8 / (2 * l + 1))
        * (coefficients[a, l][n] @ np.conj(coefficients[b, l][k])).real
        for a, b in pairs
        for l in range(4)
        for n in range(2)
        for k in range(n if a == b else 0, 2)
    ]
    found = SOAP(config, SPECIES).create(atoms)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7 * np.abs(expected).max())


@pytest.mark.parametrize("n_species", [1, 2, 4])
def test_number_of_features(n_species: int) -> None:
    species = range(1, n_species + 1)
    full = SOAP(SOAPConfig(n_max=3, l_max=2), species)
    assert full.n_features == 3 * (3 * n_species) * (3 * n_species + 1) // 2
    compressed = SOAP(SOAPConfig(n_max=3, l_max=2, compression="mu1nu1"), species)
    assert compressed.n_features == n_species * 3 * 3 * 3


def test_normalised_to_length_one() -> None:
    plain, normalised = (
        SOAP(SOAPConfig(normalise=n), SPECIES).create(molecule(SPECIES)) for n in (False, True)
    )
    np.testing.assert_allclose(np.linalg.norm(normalised, axis=1), 1, rtol=1e-14)
    np.testing.assert_allclose(
        normalised * np.linalg.norm(plain, axis=1)[:, None], plain, rtol=1e-12
    )


def test_order_of_species_does_not_matter() -> None:
    atoms = molecule(SPECIES)
    forwards, backwards = (SOAP(SOAPConfig(), s).create(atoms) for s in ((8, 14), (14, 8, 14)))
    np.testing.assert_array_equal(forwards, backwards)


def test_without_cutoff_function_features_jump_at_the_cutoff() -> None:
    """What the setting is documented to do, and why it is not the default."""
    jumps = []
    for function in ("none", "polynomial"):
        descriptor = SOAP(SOAPConfig(cutoff_function=function, cutoff=3.0), [8])
        atoms = molecule((8,))[:2]
        values = []
        for distance in (3.0 - 1e-9, 3.0 + 1e-9):
            atoms.positions[1] = [0, 0, distance]
            values.append(descriptor.create(atoms)[0])
        jumps.append(np.abs(values[0] - values[1]).max() / np.abs(values[0]).max())
    assert jumps[0] > 1e-6
    assert jumps[1] < 1e-15


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cutoff": 0.9}, "above 1 Å"),
        ({"cutoff": -1}, "greater than 0"),
        ({"l_max": 13}, "at most 12"),
        ({"n_max": 0}, "at least 1"),
        ({"radial_basis": "gaussian"}, "'gto' or 'polynomial'"),
        ({"sigmma": 0.3}, "did you mean 'sigma'"),
    ],
)
def test_impossible_settings(settings: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(SOAPConfig, settings)


def test_density_too_narrow_to_be_resolved() -> None:
    with pytest.raises(ValueError, match="vary too fast"):
        SOAP(SOAPConfig(sigma=0.004, radial_basis="polynomial"), [14])
