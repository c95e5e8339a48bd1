"""From a model to a folder of n2p2 or RuNNer."""

from collections.abc import Iterator
from pathlib import Path

import torch
from ase.data import chemical_symbols
from torch import Tensor

from mlip.descriptors.behler_descriptor import BehlerDescriptor
from mlip.interop.n2p2.input_nn import CUTOFF_TYPES
from mlip.interop.n2p2.lines import N2P2Error
from mlip.interop.n2p2.scaling import UNBOUNDED, Range, ranges_text
from mlip.interop.n2p2.shapes import ACTIVATION_LETTERS
from mlip.interop.n2p2.symmetry_functions import SymmetryFunction
from mlip.interop.n2p2.weights import weights_path, weights_text
from mlip.models import BehlerParrinello, Potential
from mlip.models.atomic_network import AtomicNetwork
from mlip.units import factor

_HARTREE = factor("Hartree")
_LETTERS = {name: letter for letter, name in ACTIVATION_LETTERS.items()}


def write_potential(folder: str | Path, model: Potential) -> tuple[str, ...]:
    """Write a model as input.nn, scaling.data and weights.ZZZ.data; returns notes for the user.

    Raises
    ------
    N2P2Error
        If n2p2 has no such model (only Behler-Parrinello networks on Behler's symmetry functions,
        without repulsion or silu, exist there), or the folder holds a potential already.
    """
    folder = Path(folder)
    networks = _exportable(model)
    if (folder / "input.nn").exists():
        raise N2P2Error(f"{folder} holds a potential already: choose another folder")
    assert isinstance(model, BehlerParrinello)
    assert isinstance(model.descriptor, BehlerDescriptor)
    ordered = [_in_order(model.descriptor, s) for s in range(len(model.species))]
    folder.mkdir(parents=True, exist_ok=True)
    ranges = []
    for s, (z, network) in enumerate(zip(model.species, networks)):
        columns = torch.tensor([column for _, column in ordered[s]])
        layers = _layers(network, columns, _unit(model, networks))
        weights_path(folder, z).write_text(weights_text(layers), encoding="utf-8")
        ranges.append(_ranges(model, s, network, columns))
    (folder / "scaling.data").write_text(ranges_text(ranges), encoding="utf-8")
    functions = [[function for function, _ in pairs] for pairs in ordered]
    text = _input_text(model, model.descriptor, networks, functions)
    (folder / "input.nn").write_text(text, encoding="utf-8")
    return tuple(_notes(model))


def _notes(model: Potential) -> Iterator[str]:
    """What the folder does not tell."""
    if not model.knows_its_range:
        yield "the model does not know the range of its features: n2p2 will warn of none outside it"
    told = ("dataset", "errors", "licence", "citation")
    lost = [name for name in told if getattr(model.card, name, None)]
    if lost:
        yield f"left out, since n2p2 has no place for it: {', '.join(lost)} of the model's card"


def _exportable(model: Potential) -> list[AtomicNetwork]:
    """The networks by element, if n2p2 has all that the model consists of."""
    if not isinstance(model, BehlerParrinello):
        advice = "; write each member alone" if model.n_members > 1 else ""
        raise N2P2Error(
            f"models of the kind {type(model).__name__} cannot be written for n2p2: it has only "
            f"behler_parrinello models{advice}"
        )
    name = model.config.descriptor.name
    if not isinstance(model.descriptor, BehlerDescriptor):
        raise N2P2Error(f"n2p2 has only Behler's symmetry functions, not {name}")
    if model.repulsion is not None:
        raise N2P2Error("n2p2 has no repulsion of nuclei: train without `repulsion`")
    networks = list(model.networks.values())
    for symbol, network in model.networks.items():
        unknown = sorted(set(network.activations) - _LETTERS.keys())  # type: ignore[arg-type]
        if unknown:
            raise N2P2Error(
                f"the network of {symbol} has the activation {unknown[0]}, which n2p2 does not "
                f"have; it knows {', '.join(_LETTERS)}"
            )
    return networks  # type: ignore[return-value]


def _in_order(descriptor: BehlerDescriptor, s: int) -> list[tuple[SymmetryFunction, int]]:
    """The functions of a species in n2p2's order, each with its column among our features."""
    terms = descriptor.lists[s if len(descriptor.lists) > 1 else 0]
    functions = [SymmetryFunction.of_term(term, descriptor.species) for term in terms]
    if not functions:
        symbol = chemical_symbols[descriptor.species[s]]
        raise N2P2Error(f"{symbol} has no symmetry functions: n2p2 needs at least one")
    return sorted(zip(functions, range(len(functions))))


def _linear(networks: list[AtomicNetwork]) -> bool:
    return all(network.activations[-1] == "linear" for network in networks)


def _unit(model: BehlerParrinello, networks: list[AtomicNetwork]) -> float:
    """Hartree for one unit of the networks, if their last layers can take it up; else one."""
    return float(model.composition.scale) / _HARTREE if _linear(networks) else 1.0


def _layers(network: AtomicNetwork, columns: Tensor, unit: float) -> list[tuple[Tensor, Tensor]]:
    layers = [(x.weight.detach().double(), x.bias.detach().double()) for x in network.linears]
    weight, bias = layers[0]
    layers[0] = weight[:, columns], bias
    weight, bias = layers[-1]
    layers[-1] = weight * unit, bias * unit
    return layers


def _ranges(
    model: BehlerParrinello, s: int, network: AtomicNetwork, columns: Tensor
) -> list[Range]:
    """Rows of scaling.data: as mean and sigma what the network subtracts and divides by."""
    count = len(columns)
    lower = torch.full((count,), -UNBOUNDED, dtype=torch.float64)
    upper = -lower
    if model.knows_its_range:
        lower, upper = model.feature_range.lower[s][columns], model.feature_range.upper[s][columns]
    rows = (lower, upper, network.mean.double()[columns], network.scale.double()[columns])
    return [Range(*values) for values in zip(*(row.tolist() for row in rows))]


def _input_text(
    model: BehlerParrinello,
    descriptor: BehlerDescriptor,
    networks: list[AtomicNetwork],
    functions: list[list[SymmetryFunction]],
) -> str:
    symbols = [chemical_symbols[z] for z in model.species]
    energies = (model.composition.reference_energies / _HARTREE).tolist()
    cutoff = CUTOFF_TYPES.index(descriptor.config.cutoff_function)
    lines = [
        "# lengths in Bohr, energies in Hartree",
        f"number_of_elements {len(symbols)}",
        f"elements {' '.join(symbols)}",
        *(f"atom_energy {symbol} {energy:.17g}" for symbol, energy in zip(symbols, energies)),
        "remove_atom_energies",
        *_normalisation(model, networks),
        f"cutoff_type {cutoff} {descriptor.config.cutoff_start:.17g}",
        "# scaling.data has as mean and sigma what the networks subtract and divide by",
        "scale_symmetry_functions_sigma",
        *_shape_lines(symbols, networks),
        *(f.line(z) for z, own in zip(model.species, functions) for f in own),
    ]
    return "\n".join(lines) + "\n"


def _normalisation(model: BehlerParrinello, networks: list[AtomicNetwork]) -> list[str]:
    """The unit of the networks, where their last layers could not take it up."""
    if _linear(networks):
        return []
    factor_of_energy = _HARTREE / float(model.composition.scale)
    return ["mean_energy 0", f"conv_energy {factor_of_energy:.17g}", "conv_length 1"]


def _shape_lines(symbols: list[str], networks: list[AtomicNetwork]) -> list[str]:
    """Global keywords if the networks are alike, else those of the elements."""
    hidden = [[layer.out_features for layer in network.linears[:-1]] for network in networks]
    letters = [[_LETTERS[name] for name in network.activations] for network in networks]
    if all(h == hidden[0] and a == letters[0] for h, a in zip(hidden, letters)):
        return [
            f"global_hidden_layers_short {len(hidden[0])}",
            f"global_nodes_short {' '.join(map(str, hidden[0]))}",
            f"global_activation_short {' '.join(letters[0])}",
        ]
    lines = []
    for symbol, nodes, functions in zip(symbols, hidden, letters):
        lines += [
            f"element_hidden_layers_short {symbol} {len(nodes)}",
            f"element_nodes_short {symbol} {' '.join(map(str, nodes))}",
            f"element_activation_short {symbol} {' '.join(functions)}",
        ]
    return lines
