"""The table of properties, and Voigt's order."""

import numpy as np
import pytest
from ase.calculators.calculator import all_properties
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlip.properties import LABELS, PROPERTIES, from_voigt, to_voigt
from mlip.units import factor


def test_names_are_keys_and_labels_are_known():
    assert all(name == prop.name for name, prop in PROPERTIES.items())
    assert set(LABELS) <= set(PROPERTIES)
    for name in LABELS:
        assert PROPERTIES[name].label_keys[0] == name, "the standard name is searched first"


@pytest.mark.parametrize("prop", [p for p in PROPERTIES.values() if p.unit], ids=str)
def test_units_are_known_and_errors_are_of_the_same_kind(prop):
    assert factor(prop.unit) == 1.0, "package units"
    assert factor(prop.error_unit) == pytest.approx(1e-3), "meV of it"
    assert ("atom" in prop.error_unit) == prop.extensive


def test_ase_keys_are_of_ase_or_ours():
    for prop in PROPERTIES.values():
        ours = prop.ase_key in (None, "energy_uncertainty", "forces_uncertainty", "extrapolations")
        assert ours or prop.ase_key in all_properties


def test_no_key_means_two_properties():
    keys = [key for prop in PROPERTIES.values() for key in prop.label_keys]
    assert len(keys) == len(set(keys))


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        PROPERTIES["energy"] = None


matrices = hnp.arrays(float, (3, 3), elements=st.floats(-10, 10))


@given(matrices)
def test_voigt_is_ases(matrix):
    symmetric = matrix + matrix.T
    voigt = to_voigt(symmetric)
    np.testing.assert_array_equal(voigt, full_3x3_to_voigt_6_stress(symmetric))
    np.testing.assert_array_equal(from_voigt(voigt), voigt_6_to_full_3x3_stress(voigt))
    np.testing.assert_array_equal(from_voigt(voigt), symmetric)


@given(matrices)
def test_voigt_takes_the_symmetric_part(matrix):
    np.testing.assert_allclose(
        from_voigt(to_voigt(matrix)), 0.5 * (matrix + matrix.T), rtol=0, atol=1e-14
    )


def test_voigt_of_many():
    matrices = np.arange(36.0).reshape(2, 2, 3, 3)
    voigt = to_voigt(matrices)
    assert voigt.shape == (2, 2, 6)
    np.testing.assert_array_equal(voigt[1, 0], to_voigt(matrices[1, 0]))
    assert from_voigt(voigt).shape == (2, 2, 3, 3)
