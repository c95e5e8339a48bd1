"""From a folder of n2p2 or RuNNer to a model."""

from collections.abc import Iterable
from pathlib import Path

import torch
from ase.data import chemical_symbols
from torch import Tensor

from mlip.descriptors import SymmetryFunctionsByElementConfig
from mlip.interop.n2p2.input_nn import Setup, read_setup
from mlip.interop.n2p2.lines import Line, N2P2Error
from mlip.interop.n2p2.scaling import Range, read_ranges
from mlip.interop.n2p2.shapes import Shape
from mlip.interop.n2p2.weights import (
    count_weights,
    matrices,
    not_fitting,
    read_weights,
    weights_path,
)
from mlip.models import BehlerParrinello
from mlip.models.atomic_network import AtomicNetwork
from mlip.models.behler_parrinello import NetworkConfig
from mlip.units import factor

_HARTREE = factor("Hartree")
_NOT_COUNTED = "extrapolations will not be counted"


def read_potential(folder: str | Path) -> tuple[BehlerParrinello, tuple[str, ...]]:
    """The potential in a folder as a model in float64, and notes about what was read.

    Energies and forces are those of n2p2, also in cells smaller than the cutoff.

    Raises
    ------
    N2P2Error
        If a file is missing or torn, or the potential uses what is not supported; names file and
        line.
    """
    folder = Path(folder)
    setup = read_setup(folder / "input.nn")
    path = folder / "scaling.data"
    ranges, notes = _ranges(setup, path)
    files = {z: read_weights(weights_path(folder, z)) for z in setup.elements}
    shapes = {z: _shape(setup, z, files[z], weights_path(folder, z)) for z in setup.elements}
    model = _model(setup, shapes)
    for z, network in zip(model.species, model.networks.values()):
        assert isinstance(network, AtomicNetwork)
        _fill(network, setup, files[z], ranges.get(z), chemical_symbols[z])
    if ranges:
        notes += _set_bounds(model, list(ranges.values()), path)
    energies = {z: energy * _HARTREE for z, energy in setup.energies.items()}
    model.composition.set(energies, setup.unit * _HARTREE)
    return model, (*setup.notes, *notes)


def _ranges(setup: Setup, path: Path) -> tuple[dict[int, list[Range]], tuple[str, ...]]:
    """The rows of scaling.data; none if there is no such file and none is needed."""
    if not path.exists() and not setup.scaling.needs_ranges:
        return {}, (f"{path} is not there: {_NOT_COUNTED}",)
    return read_ranges(path, {z: len(setup.functions[z]) for z in setup.elements}), ()


def _set_bounds(model: BehlerParrinello, ranges: list[list[Range]], path: Path) -> tuple[str, ...]:
    """Tell the model the range of its features, by element; a note if the file does not know it."""
    if not all(known.is_bounded for own in ranges for known in own):
        return (f"{path} has no bounds of the symmetry functions: {_NOT_COUNTED}",)
    lower = [_vector(known.smallest for known in own) for own in ranges]
    upper = [_vector(known.largest for known in own) for own in ranges]
    model.feature_range.set(lower, upper)
    return ()


def _vector(values: Iterable[float]) -> Tensor:
    return torch.tensor(list(values), dtype=torch.float64)


def _widths(setup: Setup, element: int, shape: Shape) -> list[int]:
    return [len(setup.functions[element]), *shape.hidden, 1]


def _shape(setup: Setup, element: int, lines: list[Line], path: Path) -> Shape:
    """The possible shape that has as many weights as the file."""
    possible = setup.shapes[element]
    counts = [count_weights(_widths(setup, element, shape)) for shape in possible]
    fitting = [shape for shape, count in zip(possible, counts) if count == len(lines)]
    if not fitting:
        raise not_fitting(path, len(lines), counts)
    if len(fitting) > 1:
        raise N2P2Error(
            f"element_nodes_short of {chemical_symbols[element]} can be read as "
            f"{' or '.join(str(shape.hidden) for shape in fitting)} nodes, and {path} fits both"
        )
    return fitting[0]


def _model(setup: Setup, shapes: dict[int, Shape]) -> BehlerParrinello:
    lists = {
        chemical_symbols[z]: tuple(function.listed() for function in functions)
        for z, functions in setup.functions.items()
    }
    descriptor = SymmetryFunctionsByElementConfig(
        cutoff=max(f.cutoff or 0.0 for functions in lists.values() for f in functions),
        cutoff_function=setup.cutoff_function,
        cutoff_start=setup.cutoff_start,
        elements=lists,
    )
    networks = {
        chemical_symbols[z]: NetworkConfig.model_validate(
            {
                "hidden": shape.hidden,
                "activation": shape.activations[:-1],
                "output": shape.activations[-1],
            }
        )
        for z, shape in shapes.items()
    }
    config = BehlerParrinello.Config(descriptor=descriptor, networks=networks)
    with torch.random.fork_rng(devices=[]):  # weights are drawn only to be replaced
        return BehlerParrinello(config, setup.elements)


@torch.no_grad()
def _fill(
    network: AtomicNetwork,
    setup: Setup,
    lines: list[Line],
    ranges: list[Range] | None,
    symbol: str,
) -> None:
    """Put weights and scaling of features into a network."""
    widths = [network.n_features, *(layer.out_features for layer in network.linears)]
    for layer, (weight, bias) in zip(network.linears, matrices(lines, widths), strict=True):
        divisor = layer.in_features if setup.divided_by_width else 1
        layer.weight.copy_(weight / divisor)
        layer.bias.copy_(bias / divisor)
    if ranges is not None:
        shift, width = _shifts_and_widths(setup, ranges, symbol)
        network.mean.copy_(shift)
        network.scale.copy_(width)


def _shifts_and_widths(setup: Setup, ranges: list[Range], symbol: str) -> tuple[Tensor, Tensor]:
    found = []
    for i, known in enumerate(ranges, 1):
        try:
            found.append(setup.scaling.shift_and_width(known))
        except ValueError as problem:
            raise N2P2Error(f"scaling.data, symmetry function {i} of {symbol}: {problem}") from None
    shift, width = torch.tensor(found, dtype=torch.float64).unbind(1)
    return shift, width
