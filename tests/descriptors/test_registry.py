"""The table of descriptors, and configs that choose from it."""

import pytest
from pydantic import TypeAdapter, ValidationError

from mlip import descriptors
from mlip.descriptors import DESCRIPTORS, SOAP, DescriptorConfig, build_descriptor


def test_our_own_descriptors() -> None:
    expected = {"soap", "symmetry_functions", "weighted_symmetry_functions", "chebyshev"}
    expected.add("symmetry_functions_by_element")
    assert expected <= set(DESCRIPTORS)


@pytest.mark.parametrize("name", DESCRIPTORS)
def test_config_chooses_the_descriptor(name: str) -> None:
    needed = {"elements": {"H": [{"type": "G2", "eta": 1.0}], "O": []}} if "element" in name else {}
    config = TypeAdapter(DescriptorConfig).validate_python({"name": name, "cutoff": 4.5} | needed)
    descriptor = build_descriptor(config, [8, 1])
    assert type(descriptor) is DESCRIPTORS[name]
    assert descriptor.config == config
    assert descriptor.cutoff == 4.5
    assert descriptor.species == (1, 8)


def test_fields_belong_to_their_descriptor() -> None:
    with pytest.raises(ValidationError, match="n_max"):
        TypeAdapter(DescriptorConfig).validate_python({"name": "chebyshev", "n_max": 3})


def test_every_field_is_described() -> None:
    for kind in DESCRIPTORS.values():
        for name, field in kind.Config.model_fields.items():
            assert name == "name" or field.description, f"{kind.__name__}.Config.{name}"


def test_names_of_the_package() -> None:
    assert descriptors.SOAP is SOAP
    for name in descriptors.__all__:
        assert getattr(descriptors, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'SAOP'"):
        descriptors.SAOP  # noqa: B018
