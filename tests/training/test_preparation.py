"""Training on prepared graphs is training on the graphs themselves, and memory is respected."""

import torch
from ase import Atoms
from ase.build import bulk

from mlip.graph import AtomicGraph
from mlip.models import build_model
from mlip.models.behler_parrinello import BehlerParrinello
from mlip.neighbours import with_neighbours
from mlip.training.config import FitConfig
from mlip.training.loop import Trainer
from mlip.training.observers import Observer
from mlip.training.preparation import prepared


class Listener(Observer):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.counts: list[tuple[int, int]] = []

    def message(self, text: str) -> None:
        self.said.append(text)

    def prepared(self, done: int, count: int) -> None:
        self.counts.append((done, count))


def labelled(seed: int) -> AtomicGraph:
    atoms: Atoms = bulk("Si", cubic=True)
    atoms.rattle(0.1, seed=seed)
    labels = {"energy": -40.0 - 0.1 * seed, "forces": atoms.positions - atoms.positions.mean(0)}
    return with_neighbours(AtomicGraph.from_atoms(atoms, labels), 4.0)


def fitted(limit_gib: float) -> tuple[dict[str, torch.Tensor], Listener]:
    graphs = [labelled(seed) for seed in range(4)]
    torch.manual_seed(0)
    config = BehlerParrinello.Config(
        descriptor={"name": "soap", "cutoff": 4.0, "n_max": 3, "l_max": 2}, hidden=(5,)
    )
    model = build_model(config, [14])
    model.adapt(graphs)
    listener = Listener()
    train = prepared(model, graphs, limit_gib, listener)
    fit = FitConfig(epochs=3, batch_atoms=16)
    Trainer(model, train, graphs[:1], fit, sources=["a", "b", "c", "d"]).run()
    return model.state_dict(), listener


def test_prepared_graphs_give_the_same_model() -> None:
    kept, heard = fitted(limit_gib=1.0)
    computed, heard_without = fitted(limit_gib=0.0)
    assert heard.counts[-1] == (4, 4)
    assert "kept" in heard.said[0]
    assert not heard_without.counts
    assert "every step" in heard_without.said[0]
    for name, value in kept.items():
        torch.testing.assert_close(value, computed[name], rtol=1e-9, atol=1e-9)
