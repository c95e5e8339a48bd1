"""Behler-Parrinello networks: the suite for potentials with each descriptor, and what is their
own."""

import copy
import itertools

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.potential import PotentialConformance
from conformance.predictions import compute, graph_of
from conformance.structures import crystal, molecule, small_cell
from torch import nn

from mlip.descriptors import DESCRIPTORS
from mlip.graph import AtomicGraph
from mlip.models import BehlerParrinello, Committee, predict
from mlip.models.activations import ACTIVATIONS
from mlip.models.atomic_network import AtomicNetwork
from mlip.settings import SettingsError, parse_settings

SPECIES = (8, 14)
#: Each descriptor small enough for many tests.
LISTED = [
    {"type": "G2", "neighbour": "Si", "eta": 0.3, "shift": 1.5},
    {"type": "G2", "eta": 0.1},
    {"type": "G4", "neighbours": ["Si", "O"], "eta": 0.05, "zeta": 2, "sign": -1},
]
SMALL = {
    "soap": {"n_max": 3, "l_max": 2},
    "symmetry_functions_by_element": {"elements": {"O": LISTED, "Si": LISTED[:2]}},
}


def build(
    species: tuple[int, ...] = SPECIES, descriptor: str = "soap", seed: int = 0, **config: object
) -> BehlerParrinello:
    """An untrained model with references, standardised on a few structures."""
    torch.manual_seed(seed)
    content = {
        "descriptor": {"name": descriptor, "cutoff": 4.5} | SMALL.get(descriptor, {}),
        "hidden": [8, 8],
    }
    config = parse_settings(BehlerParrinello.Config, content | config)
    model = BehlerParrinello(config, species)
    model.adapt([graph_of(model, shape(species)) for shape in (molecule, crystal, small_cell)])
    model.composition.set({z: -271.8281828 * z for z in species}, 0.7)
    return model


class TestEachDescriptor(PotentialConformance):
    @pytest.fixture(scope="class", params=DESCRIPTORS)
    @classmethod
    def model(cls, request: pytest.FixtureRequest) -> BehlerParrinello:
        return build(cls.species, request.param)


class TestRepulsionAndTanh(PotentialConformance):
    species = (14,)

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> BehlerParrinello:
        return build(cls.species, activation="tanh", repulsion={"inner": 0.6, "outer": 1.2})


class TestCommittee(PotentialConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Committee:
        return Committee([build(cls.species, seed=seed) for seed in (0, 1)])


# ----------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS.keys() - {"exponential", "square"}))
def test_new_networks_keep_the_size_of_their_input(activation: str) -> None:
    """Energies of order one, also of deep networks: the second moment survives every layer. (Not
    with functions that grow faster than their argument.)"""
    torch.manual_seed(0)
    x = torch.randn(300, 100, dtype=torch.float64)
    networks = [AtomicNetwork(100, [64] * 6, activation) for _ in range(20)]
    moment = torch.stack([(network(x) ** 2).mean() for network in networks]).mean()
    assert 0.5 < float(moment.detach()) < 2.0


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gains(activation: str) -> None:
    """Second moment of the activation for normal input, by quadrature."""
    kind, gain = ACTIVATIONS[activation]
    x = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    density = torch.exp(-0.5 * x**2) / np.sqrt(2 * np.pi)
    moment = torch.trapezoid(kind()(x) ** 2 * density, x)
    assert gain**2 * float(moment) == pytest.approx(1.0, abs=1e-3)


def test_elements_can_have_networks_of_their_own() -> None:
    own = {"hidden": [3, 5], "activation": ["cosine", "softplus"], "output": "tanh"}
    model = build(descriptor="symmetry_functions_by_element", networks={"O": own})
    oxygen, silicon = model.networks.values()
    assert oxygen.activations == ("cosine", "softplus", "tanh")
    assert [layer.out_features for layer in oxygen.linears] == [3, 5, 1]
    assert silicon.activations == ("silu", "silu", "linear")
    assert (oxygen.n_features, silicon.n_features) == (len(LISTED), 2)
    x = torch.randn(7, len(LISTED), dtype=torch.float64)
    standard = (x - oxygen.mean) / oxygen.scale
    one, two, three = oxygen.linears
    expected = torch.tanh(three(nn.functional.softplus(two(torch.cos(one(standard))))))
    torch.testing.assert_close(oxygen(x), expected[:, 0], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        ({"O": {"hidden": [3, 5], "activation": ["tanh"]}}, "2 hidden layers, but 1 activations"),
        ({"O": {"hidden": [3], "activation": ["swish"]}}, "networks.O.activation"),
        ({"H": {"hidden": [3], "activation": ["tanh"]}}, "given for H"),
    ],
)
def test_networks_that_cannot_be(networks: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build(networks=networks)


def test_the_seed_decides_the_weights() -> None:
    one, same, other = build(seed=1), build(seed=1), build(seed=2)
    name = "networks.Si.layers.0.weight"
    assert torch.equal(one.state_dict()[name], same.state_dict()[name])
    assert not torch.equal(one.state_dict()[name], other.state_dict()[name])


def test_each_element_has_its_network() -> None:
    """Changing that of silicon changes the energies of silicon atoms only."""
    model = build()
    before = compute(model, crystal(SPECIES), ("energies",))["energies"]
    with torch.no_grad():
        model.networks["Si"].layers[-1].bias += 1.0
    after = compute(model, crystal(SPECIES), ("energies",))["energies"]
    silicon = crystal(SPECIES).numbers == 14
    np.testing.assert_allclose((after - before)[silicon], 0.7, rtol=1e-9)
    np.testing.assert_array_equal(after[~silicon], before[~silicon])


def test_elements_in_any_order() -> None:
    """Against the sum written out atom by atom."""
    model = build((1, 8, 14))
    atoms = crystal((14, 1, 8))
    graph = graph_of(model, atoms)
    features = model.features(graph)
    index = model.index_of(graph.numbers)
    names = [{1: "H", 8: "O", 14: "Si"}[z] for z in atoms.numbers]
    expected = torch.cat([model.networks[n](f[None]) for n, f in zip(names, features)])
    torch.testing.assert_close(model.interaction(graph, index), expected, rtol=1e-12, atol=1e-12)


def test_an_element_that_is_absent_here() -> None:
    found = compute(build(), crystal((14,)))
    assert np.isfinite(found["energies"]).all()


# ---------------------------------------------------------------------------------- standardisation


@pytest.mark.parametrize("one_graph_at_a_time", [True, False])
def test_features_are_standardised_element_by_element(one_graph_at_a_time: bool) -> None:
    model = build()
    graphs = [graph_of(model, shape(SPECIES)) for shape in (molecule, crystal, small_cell)]
    model.adapt(graphs if one_graph_at_a_time else [AtomicGraph.batch(graphs)])
    joined = AtomicGraph.batch(graphs)
    features, index = model.features(joined), model.index_of(joined.numbers)
    for s, network in enumerate(model.networks.values()):
        own = features[index == s]
        deviation = own.std(0, correction=0)
        scale = torch.clamp(deviation, min=deviation.square().mean().sqrt())
        torch.testing.assert_close(network.mean, own.mean(0), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(network.scale, scale, rtol=1e-10, atol=0)


def test_many_structures_in_portions() -> None:
    """More atoms than are treated at once give the moments of all together."""
    model = build((14,))
    rng = np.random.default_rng(0)
    structures = [crystal((14,)) for _ in range(80)]
    for atoms in structures:
        atoms.positions += rng.normal(scale=0.1, size=atoms.positions.shape)
    graphs = [graph_of(model, atoms) for atoms in structures]
    model.adapt(graphs)
    features = torch.cat([model.features(graph) for graph in graphs])
    network = model.networks["Si"]
    torch.testing.assert_close(network.mean, features.mean(0), rtol=1e-10, atol=1e-12)


def test_constant_features_neither_explode_nor_vanish() -> None:
    network = AtomicNetwork(4, [4], "silu")
    network.standardise(torch.ones(4), torch.tensor([2.0, 0.0, 1e-9, 2.0]))
    typical = np.sqrt(8 / 4)
    assert network.scale.tolist() == pytest.approx([2.0, typical, typical, 2.0])


def test_a_single_environment_can_be_standardised() -> None:
    """All atoms of a perfect crystal are alike: no feature has a deviation."""
    model = build((14,))
    perfect = Atoms("Si", cell=np.eye(3) * 2.5, pbc=True)
    model.adapt([graph_of(model, perfect)])
    network = model.networks["Si"]
    assert (network.scale > 1e-3 * network.mean.abs().max()).all()
    assert torch.isfinite(network.scale).all()
    assert np.isfinite(compute(model, crystal((14,)))["forces"]).all()


def test_no_surroundings_at_all_can_be_standardised() -> None:
    network = AtomicNetwork(3, [4], "silu")
    network.standardise(torch.zeros(3), torch.zeros(3))
    assert (network.scale > 0).all()


def test_every_element_must_occur() -> None:
    model = build((1, 8, 14))
    with pytest.raises(ValueError, match="the training data have no atoms of H, O"):
        model.adapt([graph_of(model, crystal((14,)))])


# ----------------------------------------------------------------------------- config and committee


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hiden": [8]}, "did you mean 'hidden'"),
        ({"hidden": []}, "list of 1 or more"),
        ({"hidden": [8, 0]}, "greater than 0"),
        ({"activation": "selu"}, "did you mean 'silu'"),
        ({"repulsion": {"outer": 0.1}}, "must be below"),
    ],
)
def test_settings_that_make_no_sense(change: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build(**change)


def test_a_descriptor_that_does_not_exist() -> None:
    with pytest.raises(SettingsError, match="did you mean 'soap'"):
        build(descriptor="soup")


def test_members_with_equal_descriptors_share_one_evaluation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    members = [build(seed=seed) for seed in (0, 1, 2)]
    committee, calls = Committee(members), []
    for member, name in itertools.product(members, ("evaluate", "features_and_pull_back")):
        function = getattr(member.descriptor, name)
        monkeypatch.setattr(
            member.descriptor, name, lambda *given, f=function: calls.append(1) or f(*given)
        )
    shared = compute(committee, crystal(SPECIES))
    assert len(calls) == 1
    monkeypatch.setattr(committee, "_share_features", False)
    apart = compute(committee, crystal(SPECIES))
    assert len(calls) == 4
    for name, value in shared.items():
        np.testing.assert_allclose(value, apart[name], rtol=0, atol=1e-12)


def test_members_with_other_descriptors_have_their_own() -> None:
    wider = build()
    config = wider.config.descriptor.model_copy(update={"cutoff": 4.0})
    narrow = BehlerParrinello(wider.config.model_copy(update={"descriptor": config}), SPECIES)
    mixed = Committee([wider, narrow])
    assert not mixed._share_features
    graph = graph_of(wider, crystal(SPECIES))
    both = torch.cat([m.features(graph) for m in (wider, narrow)], dim=1)
    assert torch.equal(mixed.features(graph), both)
    assert torch.equal(Committee([wider, wider]).features(graph), wider.features(graph))
    mean = np.mean([compute(m, crystal(SPECIES))["forces"] for m in (wider, narrow)], axis=0)
    np.testing.assert_allclose(compute(mixed, crystal(SPECIES))["forces"], mean, atol=1e-10)


def test_prepared_graphs_give_the_same() -> None:
    model = build()
    for shape in (molecule, crystal):
        graph = graph_of(model, shape(SPECIES))
        prepared = predict(model, model.prepare(graph), ("energy", "forces", "virial"))
        for name, value in predict(model, graph, ("energy", "forces", "virial")).items():
            torch.testing.assert_close(prepared[name], value, rtol=1e-9, atol=1e-9)


def test_casting_there_and_back_keeps_the_descriptor_exact() -> None:
    model = build()
    cast = copy.deepcopy(model).to(torch.float32).to(torch.float64)
    graph = graph_of(model, crystal(SPECIES))
    torch.testing.assert_close(cast.features(graph), model.features(graph), rtol=0, atol=0)


def test_training_starts_from_mean_energies() -> None:
    model = build()
    graph = graph_of(model, molecule(SPECIES))
    before = model(graph)
    model.start_from({z: -0.1 * z for z in model.species})
    change = model(graph) - before
    torch.testing.assert_close(change, -0.1 * graph.numbers.double(), rtol=0, atol=1e-9)
