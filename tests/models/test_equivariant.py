"""The equivariant model: the suite for potentials, its hidden features, and what is its own."""

import copy

import numpy as np
import pytest
import torch
from ase import Atoms
from conformance.potential import PotentialConformance
from conformance.predictions import EVERYTHING, compute, graph_of
from conformance.structures import crystal, molecule, rotation, small_cell, turned
from silicon import crystals
from turning import turned_features

from mlip import kernels
from mlip.data import GraphDataset
from mlip.graph import AtomicGraph
from mlip.models import Committee, Equivariant, equivariant, predict
from mlip.models.surroundings import Surroundings
from mlip.neighbours import with_neighbours
from mlip.settings import SettingsError, parse_settings
from mlip.training.config import FitConfig
from mlip.training.loop import Trainer
from mlip.validation.doctor import examine

SPECIES = (8, 14)
SHAPES = (molecule, crystal, small_cell)
#: What neighbours send, and where it is coupled.
SENDING = [
    *({"senders": senders} for senders in ("scalar", "vector", "tensor", "octupole")),
    *({"senders": senders, "coupling": "edges"} for senders in ("vector", "tensor")),
]
#: Small enough for many tests.
SMALL = {"cutoff": 4.5, "channels": 4, "radial_hidden": [8, 8], "readout_hidden": 4}


def build(species: tuple[int, ...] = SPECIES, seed: int = 0, **config: object) -> Equivariant:
    """An untrained model with references, adapted to a few structures."""
    torch.manual_seed(seed)
    model = Equivariant(parse_settings(Equivariant.Config, SMALL | config), species)
    model.adapt([graph_of(model, shape(species)) for shape in SHAPES])
    model.composition.set({z: -271.8281828 * z for z in species}, 0.7)
    return model


class TestVectors(PotentialConformance):
    single_precision = 2e-5  # measured 5e-6

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Equivariant:
        return build(cls.species, preset="medium")


class TestCoupledOnEdges(PotentialConformance):
    single_precision = 2e-5

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Equivariant:
        return build(cls.species, preset="medium", coupling="edges")


class TestWithIsolatedLimit(PotentialConformance):
    single_precision = 2e-5

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Equivariant:
        model = build(cls.species, preset="medium", layers=3, isolated_limit=True)
        model.start_from(dict.fromkeys(cls.species, -6.0))
        return model


class TestOneLayerWithRepulsion(PotentialConformance):
    species = (14,)

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Equivariant:
        repulsion = {"inner": 0.6, "outer": 1.2}
        return build(cls.species, preset="local", l_max=2, repulsion=repulsion)


class TestCommittee(PotentialConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Committee:
        return Committee([build(cls.species, seed, channels=2) for seed in (0, 1)])


# --------------------------------------------------------------------------------- hidden features


@pytest.mark.parametrize("coupling", ["atoms", "edges"])
@pytest.mark.parametrize("reflect", [False, True], ids=["rotation", "reflection"])
@pytest.mark.parametrize("shape", SHAPES)
def test_hidden_features_turn_with_the_structure(shape, reflect: bool, coupling: str) -> None:
    """Every degree, before the last layer and after it; features keep natural parity."""
    model, matrix = build(layers=3, preset="medium", coupling=coupling), rotation(4, reflect)
    graphs = [graph_of(model, atoms) for atoms in (shape(SPECIES), turned(shape(SPECIES), matrix))]
    before, after = (model.states(graph, model.index_of(graph.numbers)) for graph in graphs)
    assert [len(state) for state in before] == [9, 9, 1]
    for one, other in zip(before, after):
        one, other = one.detach(), other.detach()
        scale = float(one.abs().max())
        assert (one.abs().amax((1, 2)) > 1e-6 * scale).all()
        expected = turned_features(one, matrix)
        torch.testing.assert_close(other, expected, rtol=0, atol=1e-12 * scale)


def test_features_are_the_invariants_of_all_layers() -> None:
    model = build(preset="medium")
    graph = graph_of(model, molecule(SPECIES))
    states = model.states(graph, model.index_of(graph.numbers))
    features = model.features(with_neighbours(graph, model.cutoff + 1.0))
    assert features.shape == (5, 8)
    torch.testing.assert_close(features, torch.cat([s[0] for s in states], 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sending", SENDING)
def test_two_layers_reach_two_cutoffs_and_one_reaches_one(sending: dict[str, str]) -> None:
    chain = Atoms("Si3", positions=[[0, 0, 0], [3, 0, 0], [6, 0, 0]])
    longer = chain + Atoms("Si", positions=[[7, 2.5, 0]])
    for layers, reach in ((1, {2}), (2, {1, 2}), (3, {0, 1, 2})):
        model = build((14,), layers=layers, **sending)
        energies = [compute(model, atoms, ("energies",))["energies"] for atoms in (chain, longer)]
        changed = np.flatnonzero(np.abs(energies[1][:3] - energies[0]) > 1e-11)
        assert set(changed.tolist()) == reach


@pytest.mark.parametrize(("coupling", "differ"), [("atoms", False), ("edges", True)])
def test_on_edges_a_tensor_meets_the_direction_it_comes_from(coupling: str, differ: bool) -> None:
    """Two neighbours at one distance swap their tensors: the sums of what is sent stay the same."""
    layer = build(preset="medium", coupling=coupling).layers[1]
    sent = torch.randn(9, 3, 4, generator=torch.Generator().manual_seed(3)).double()
    sent[0] = 1.0
    vectors = torch.tensor([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]], dtype=torch.float64)
    part = Surroundings(slice(0, 1), torch.tensor([0, 0]), torch.tensor([1, 2]), vectors)
    near = equivariant.Near(part, equivariant.Expansion(vectors, layer.config))
    one, other = (
        layer._neighbours(layer._sums(x, near, None), torch.tensor([0])).detach()
        for x in (sent, sent[:, [0, 2, 1]])
    )
    assert bool(((one - other).abs().amax(0) > 1e-3).all()) == differ
    assert differ or float((one - other).abs().max()) < 1e-13


# ------------------------------------------------------------------------------- parts and memory


@pytest.mark.parametrize("sending", SENDING)
def test_a_few_atoms_at_a_time_give_the_same(
    sending: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predictions, and derivatives of forces by the parameters."""
    model = build(**sending)
    graphs = [graph_of(model, shape(SPECIES)) for shape in (molecule, crystal)]
    graph = AtomicGraph.batch([*graphs, graph_of(model, Atoms([8]))])
    weights = torch.randn(graph.n_atoms, 3, generator=torch.Generator().manual_seed(1)).double()

    def everything() -> list[torch.Tensor]:
        found = predict(model, graph, EVERYTHING, training=True)
        loss = (found["forces"] * weights).sum() + found["energy"].sum()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        return [*(found[name].detach() for name in EVERYTHING), *gradients]

    at_once = everything()
    calls, checkpoint = [], equivariant.checkpoint
    monkeypatch.setattr(equivariant, "_LARGEST_ARRAY", 1.0)  # one atom at a time
    monkeypatch.setattr(
        equivariant, "checkpoint", lambda *a, **k: calls.append(1) or checkpoint(*a, **k)
    )
    for found, expected in zip(everything(), at_once):
        scale = max(1.0, float(expected.abs().max()))
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-11 * scale)
    assert len(calls) >= 2 * graph.n_atoms


def test_crowded_and_lonely_atoms_together_are_not_computed_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build()
    monkeypatch.setattr(equivariant, "checkpoint", None)
    graph = AtomicGraph.batch([graph_of(model, a) for a in (crystal(SPECIES), Atoms([8]))])
    assert torch.isfinite(model(graph)).all()


# ------------------------------------------------------------------------------- the compiled core


@pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-11), (torch.float32, 2e-5)])
@pytest.mark.parametrize(
    "config",
    [
        *({"senders": s, "l_max": l} for s in ("scalar", "vector") for l in (1, 3, 4)),
        {"senders": "tensor"},
        {"senders": "octupole"},
        *({"senders": "vector", "coupling": "edges", "l_max": l} for l in (1, 4)),
        {"senders": "octupole", "coupling": "edges"},
    ],
)
def test_the_core_does_what_torch_does(
    config: dict, dtype: torch.dtype, tolerance: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Predictions, once with radial functions from a table, and what a training step asks for."""
    model = build(**config).to(dtype)
    shapes = [graph_of(model, shape(SPECIES)) for shape in (molecule, crystal)]
    graph = AtomicGraph.batch([*shapes, graph_of(model, Atoms([8]))])

    def everything() -> list[torch.Tensor]:
        found = predict(model, graph, EVERYTHING, training=True)
        loss = found["forces"].square().sum() + found["energies"].square().mean()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        return [*(found[name].detach() for name in EVERYTHING), *gradients]

    by_core = everything()
    frozen = copy.deepcopy(model).requires_grad_(False)
    assert all(layer.tables() is not None for layer in frozen.layers)
    by_table = predict(frozen, graph, EVERYTHING)
    monkeypatch.setattr(kernels, "available", lambda: False)
    by_torch = everything()
    found = [*by_core, *(by_table[name] for name in EVERYTHING)]
    for one, other in zip(found, by_torch + by_torch[: len(EVERYTHING)], strict=True):
        scale = max(1e-3, float(other.abs().max()))
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * scale)


def test_a_table_is_only_used_while_nothing_is_learned() -> None:
    model = build()
    assert model.layers[0].tables() is None
    model.requires_grad_(False)
    assert (model.layers[0].tables() is not None) == kernels.available()


@pytest.mark.parametrize("core", [True, False])
def test_atoms_in_the_same_place_are_an_error(core: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not core:
        monkeypatch.setattr(kernels, "available", lambda: False)
    model = build()
    atoms = Atoms("SiO2", positions=[[0, 0, 0], [1.6, 0, 0], [1.6, 0, 0]])
    graph = graph_of(model, atoms)
    for freeze in (False, True):
        model.requires_grad_(not freeze)
        for function in (model, model.features):
            with pytest.raises(
                ValueError, match=r"atoms 1 \(O\) and 2 \(O\) are in the same place"
            ):
                function(graph)


# ----------------------------------------------------------------------------- before the training


def test_sums_are_divided_by_the_mean_number_of_neighbours() -> None:
    model = build()
    graphs = [graph_of(model, shape(SPECIES)) for shape in SHAPES]
    expected = sum(g.n_edges for g in graphs) / sum(g.n_atoms for g in graphs)
    assert float(model.mean_neighbours) == pytest.approx(expected, rel=1e-12)
    wider = [with_neighbours(g, model.cutoff + 1.0) for g in graphs]
    model.adapt(wider)
    assert float(model.mean_neighbours) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "size",
    [{"preset": "local"}, {"preset": "medium"}, {"preset": "medium", "layers": 4}],
    ids=["local", "medium", "deep"],
)
def test_with_its_limit_an_atom_alone_has_its_reference_energy(size: dict) -> None:
    def energy(model: Equivariant, atoms: Atoms) -> float:
        return compute(model, atoms, ["energy"])["energy"].item()

    model, free = build(**size, isolated_limit=True), build(**size)
    before = {shape: energy(model, shape(SPECIES)) for shape in SHAPES}
    for each in (model, free):
        each.start_from(dict.fromkeys(SPECIES, -6.0))
    for z in SPECIES:
        assert energy(model, Atoms([z])) == -271.8281828 * z
        assert energy(free, Atoms([z])) < -271.8281828 * z - 3.0
    for shape, unbound in before.items():
        atoms = shape(SPECIES)
        bound = (energy(model, atoms) - unbound) / len(atoms)
        assert -6.0 < bound < -3.0, shape


def test_a_new_model_has_no_energy_on_average() -> None:
    """So that training begins at the reference energies, and with the mean energies it is given."""
    model = build()
    graph = AtomicGraph.batch([graph_of(model, shape(SPECIES)) for shape in SHAPES])
    index = model.index_of(graph.numbers)
    energies = model.interaction(graph, index)
    for s in range(2):
        assert abs(float(energies[index == s].mean().detach())) < 1e-12
    model.start_from({8: -1.4, 14: 0.7})
    change = model.interaction(graph, index) - energies
    expected = torch.tensor([-2.0, 1.0]).double()[index]
    torch.testing.assert_close(change, expected, rtol=0, atol=1e-12)


def test_a_rare_element_has_no_energy_on_average_either() -> None:
    torch.manual_seed(0)
    model = Equivariant(parse_settings(Equivariant.Config, SMALL), SPECIES)
    many, one = (graph_of(model, crystal(species)) for species in ((14,), SPECIES))
    model.adapt([*[many] * 999, one])
    index = model.index_of(one.numbers)
    energies = model.interaction(one, index)
    assert abs(float(energies[index == 0].mean().detach())) < 1e-12


def test_features_of_a_new_model_are_of_order_one() -> None:
    model = build(channels=64, radial_hidden=[64, 64, 64], preset="medium")
    graph = graph_of(model, crystal(SPECIES))
    for state in model.states(graph, model.index_of(graph.numbers)):
        assert 0.3 < float(state[0].detach().square().mean().sqrt()) < 3.0


def test_every_element_must_occur() -> None:
    model = build((8, 14))
    with pytest.raises(ValueError, match="the training data have no atoms of O"):
        model.adapt([graph_of(model, crystal((14,)))])


def test_parameters_grow_linearly_with_the_number_of_elements() -> None:
    counts = [
        sum(p.numel() for p in build(tuple(range(1, n + 1))).parameters()) for n in (1, 2, 3, 4)
    ]
    assert len(set(np.diff(counts))) == 1
    elements = np.diff(counts)[0]
    assert elements < 0.5 * counts[0]


def test_what_decays() -> None:
    model = build(preset="medium")
    names = {id(p): name for name, p in model.named_parameters()}
    decaying = {names[id(p)].removeprefix("layers.1.") for p in model.decaying_parameters()}
    assert {"square_weights", "cube_weights", "node_weights", "gather.weights"} < decaying
    assert not [name for name in decaying if "radial" in name or "send" in name]
    assert not {"shifts", "embedding", "readouts.0.weights.0", "heads"} & decaying


def test_the_seed_decides_the_weights() -> None:
    one, same, other = build(seed=1), build(seed=1), build(seed=2)
    assert torch.equal(one.embedding, same.embedding)
    assert not torch.equal(one.embedding, other.embedding)


# ----------------------------------------------------------------------------------------- settings


def test_presets_are_below_what_is_written_down() -> None:
    def size(**content: object) -> tuple:
        config = parse_settings(Equivariant.Config, content)
        return config.channels, config.layers, config.senders

    assert size() == size(preset="small") == (64, 2, "scalar")
    assert size(preset="medium") == (64, 2, "tensor")
    assert size(preset="large") == (128, 2, "tensor")
    assert size(preset="local") == (64, 1, "scalar")
    assert size(preset="large", channels=96) == (96, 2, "tensor")


def test_a_resolved_config_says_everything() -> None:
    resolved = build(preset="large", channels=8).resolved_config()
    assert resolved["channels"] == 8
    assert resolved["senders"] == "tensor"
    again = parse_settings(Equivariant.Config, resolved)
    assert again.model_dump() == parse_settings(Equivariant.Config, again.model_dump()).model_dump()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"preset": "tiny"}, "'small', 'medium', 'large' or 'local'"),
        ({"chanels": 8}, "did you mean 'channels'"),
        ({"layers": 0}, "must be at least 1"),
        ({"l_max": 0}, "must be at least 1"),
        ({"cutoff": -1.0}, "greater than 0"),
        ({"senders": "tensor", "l_max": 1}, "senders: tensor needs l_max of at least 2"),
        ({"senders": "octupole", "l_max": 2}, "senders: octupole needs l_max of at least 3"),
        ({"senders": "matrix"}, "'scalar', 'vector', 'tensor' or 'octupole'"),
        ({"coupling": "edges"}, "coupling: edges needs senders of more than scalars"),
    ],
)
def test_settings_that_make_no_sense(change: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        build(**change)


def test_casting_there_and_back_keeps_the_couplings_exact() -> None:
    model = build()
    rounded = copy.deepcopy(model)
    for parameter in rounded.parameters():
        parameter.data = parameter.data.float().double()
    rounded.mean_neighbours.copy_(model.mean_neighbours.float())
    back = copy.deepcopy(model).to(torch.float32).to(torch.float64)
    one, other = (compute(m, crystal(SPECIES)) for m in (rounded, back))
    assert all((one[name] == other[name]).all() for name in one)


# ------------------------------------------------------------------------- with the whole package


def test_it_learns() -> None:
    """From energies and forces of a toy potential, by the recipe of MACE."""
    recipe = {
        "optimiser": {"name": "amsgrad", "learning_rate": 0.01, "weight_decay": 5e-7},
        "loss": {"energy": {"weight": 0.01}, "forces": {"weight": 1}, "stress": None},
        "gradient_clip": 10,
        "batch_atoms": 16,
        "epochs": 8,
    }
    frames = crystals(16)
    train = GraphDataset(frames, 4.0)
    torch.manual_seed(0)
    small = SMALL | {"cutoff": 4.0, "channels": 8}
    model = Equivariant(parse_settings(Equivariant.Config, small), (14,))
    model.adapt(train)
    model.composition.set({14: -140.0}, 1.0)
    trainer = Trainer(
        model.to(torch.float32), train, GraphDataset(crystals(4, seed=9), 4.0),
        parse_settings(FitConfig, recipe), sources=[frame.source for frame in frames],
    )  # fmt: skip
    trainer.run()
    first, last = trainer.progress.history[0], trainer.progress.history[-1]
    assert last["valid_forces_rmse"] < 0.5 * first["valid_forces_rmse"]


def test_the_doctor_finds_nothing_wrong() -> None:
    checks = list(examine(build((14,), preset="medium", repulsion={}), [crystal((14,))]))
    assert [check.name for check in checks if check.verdict in ("warn", "fail")] == []
    assert sum(check.verdict == "pass" for check in checks) > 15
