"""The conformance suite, for every descriptor there is and for what their configs can ask for."""

from typing import Any

import pytest
import torch
from conformance.descriptor import DescriptorConformance, connected
from conformance.structures import molecule
from pydantic import TypeAdapter
from torch import Tensor

from mlip.descriptors import DESCRIPTORS, SOAP, Descriptor, DescriptorConfig, build_descriptor
from mlip.settings import Settings, parse_settings

ANGULAR = [
    {"type": "G5", "eta": 0.05, "zeta": 2.5, "sign": -1, "shift": 0.4},
    {"type": "G4", "eta": 0.1, "zeta": 3, "sign": 1, "shift": 0.3},
    {"type": "G5", "eta": 0.0, "zeta": 1, "sign": 1},
]
BY_ELEMENT = {
    "name": "symmetry_functions_by_element",
    "cutoff": 4.0,
    "elements": {
        "O": [
            {"type": "G4", "neighbours": ["Si", "O"], "eta": 0.1, "zeta": 4, "sign": -1},
            {"type": "G2", "neighbour": "Si", "eta": 0.4, "shift": 1.0},
            {"type": "G2", "neighbour": "O", "eta": 0.4, "shift": 1.0, "cutoff": 3.6},
            {"type": "G2", "eta": 0.3},
            {"type": "G5", "neighbours": ["Si", "Si"], "eta": 0.1, "zeta": 1, "sign": 1},
            {"type": "G4", "eta": 0.05, "zeta": 2.5, "sign": 1, "cutoff": 3.7},
        ],
        "Si": [
            {"type": "G2", "neighbour": "O", "eta": 0.2},
            {"type": "G2", "neighbour": "Si", "eta": 0.2},
            {"type": "G4", "neighbours": ["Si", "Si"], "eta": 0.1, "zeta": 2, "sign": 1},
        ],
    },
}
NEEDED: dict[str, dict[str, Any]] = {"symmetry_functions_by_element": BY_ELEMENT}
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: NEEDED.get(name, {"name": name}) for name in DESCRIPTORS},
    "soap of polynomials": {"name": "soap", "radial_basis": "polynomial", "n_max": 4, "l_max": 9},
    "soap compressed": {"name": "soap", "compression": "mu1nu1", "normalise": True, "cutoff": 4.0},
    "soap of few functions": {"name": "soap", "n_max": 2, "l_max": 1, "cutoff_function": "tanh3"},
    "soap of two channels": {"name": "soap", "compression": "alchemical", "channels": 2},
    "soap of many functions": {"name": "soap", "n_max": 11, "l_max": 12, "cutoff": 4.0},
    "symmetry functions by list": {
        "name": "symmetry_functions",
        "cutoff_function": "tanh3",
        "cutoff": 4.0,
        "radial": [{"eta": 0.5, "shift": 1.0}, {"eta": 0.1}],
        "angular": ANGULAR,
    },
    "symmetry functions of several cutoffs": {
        "name": "symmetry_functions",
        "cutoff_function": "polynomial3",
        "cutoff_start": 0.3,
        "radial": [{"eta": 0.5, "cutoff": 4.2}, {"eta": 0.5}],
        "angular": [{**ANGULAR[1], "cutoff": 3.5}, {**ANGULAR[0], "cutoff": 5.0}, ANGULAR[1]],
    },
    "weighted symmetry functions by list": {
        "name": "weighted_symmetry_functions",
        "angular": ANGULAR,
        "cutoff": 4.0,
    },
    "chebyshev of two radii": {"name": "chebyshev", "angular_cutoff": 3.7, "angular_order": 12},
}


class TestDescriptors(DescriptorConformance):
    @pytest.fixture(scope="class", params=VARIANTS.values(), ids=VARIANTS.keys())
    @classmethod
    def descriptor(cls, request: pytest.FixtureRequest) -> Descriptor:
        return described(request.param, cls.species)


class SOAPInTorch(SOAP):
    """SOAP as it is without the compiled core."""

    def evaluate(
        self, vectors: Tensor, centres: Tensor, neighbours: Tensor, species_index: Tensor
    ) -> Tensor:
        return self.evaluate_in_torch(vectors, centres, neighbours, species_index)


class TestSOAPInTorch(DescriptorConformance):
    @pytest.fixture(scope="class", params=["soap", "soap of two channels"])
    @classmethod
    def descriptor(cls, request: pytest.FixtureRequest) -> Descriptor:
        config = parse_settings(SOAP.Config, VARIANTS[request.param])
        return SOAPInTorch(config, cls.species).requires_grad_(False)


def test_a_subclass_with_features_of_its_own_has_their_derivatives() -> None:
    """Not the shorter ways of the features it inherits."""

    class Halved(SOAP):
        def evaluate(self, vectors: Tensor, *edges: Tensor) -> Tensor:
            return super().evaluate(vectors, *edges) / 2

    soap, halved = (kind(SOAP.Config(), (8, 14)) for kind in (SOAP, Halved))
    graph = connected(soap, molecule((8, 14)))
    edges = (graph.edge_vectors(), graph.centres, graph.neighbours, soap.index_of(graph.numbers))
    (whole, pull_whole), (half, pull_half) = (
        d.features_and_pull_back(*edges) for d in (soap, halved)
    )
    ones = torch.ones_like(whole)
    assert torch.equal(half, whole / 2)
    torch.testing.assert_close(pull_half(ones), pull_whole(ones) / 2, rtol=1e-13, atol=1e-13)
    (_, slopes), (_, half_slopes) = (d.features_and_jacobian(*edges) for d in (soap, halved))
    torch.testing.assert_close(half_slopes, slopes / 2, rtol=1e-11, atol=1e-11)


class TestThreeSpecies(DescriptorConformance):
    """Those that tell species and pairs of species apart, with given species not in order."""

    species = (14, 1, 8)

    @pytest.fixture(
        scope="class",
        params=["soap", "soap compressed", "soap of two channels", "symmetry_functions"],
    )
    @classmethod
    def descriptor(cls, request: pytest.FixtureRequest) -> Descriptor:
        return described(VARIANTS[request.param], cls.species)


def described(settings: dict[str, Any], species: tuple[int, ...]) -> Descriptor:
    config: Settings = TypeAdapter(DescriptorConfig).validate_python(settings)
    return build_descriptor(config, species).requires_grad_(False)
