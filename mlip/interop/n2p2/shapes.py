"""The shape of each element's network, from the global and the element's own keywords.

The two programs read ``element_nodes_short`` in different ways: n2p2 expects one line with the
nodes of all hidden layers (and, in versions so far, keeps the global number for the last of them),
RuNNer one line a layer, with its number and its nodes. All readings are kept; the number of weights
in the element's file decides.
"""

from dataclasses import dataclass

from ase.data import chemical_symbols

from mlip.interop.n2p2.lines import Keywords, Line, N2P2Error

#: Letters of input.nn and the names of the functions here.
ACTIVATION_LETTERS = {
    "l": "linear",
    "t": "tanh",
    "s": "logistic",
    "S": "reversed_logistic",
    "p": "softplus",
    "r": "relu",
    "g": "gaussian",
    "c": "cosine",
    "e": "exponential",
    "h": "square",
}


@dataclass(frozen=True)
class Shape:
    """Widths of the hidden layers, and activations of hidden layers and output."""

    hidden: tuple[int, ...]
    activations: tuple[str, ...]


def possible_shapes(keywords: Keywords, element: int) -> list[Shape]:
    """Every reading of the keywords for an element, n2p2's intended one first."""
    symbol = chemical_symbols[element]
    layers = _hidden_layers(keywords, element)
    nodes = _possible_nodes(keywords, element, layers)
    activations = _activations(keywords, element, layers)
    if not nodes or activations is None:
        what = "activation functions" if nodes else "nodes"
        raise N2P2Error(
            f"{keywords.path}: no {what} are given for the {layers} hidden layers of {symbol}"
        )
    return [Shape(hidden, activations) for hidden in dict.fromkeys(nodes)]


def _own_lines(keywords: Keywords, keyword: str, element: int) -> list[Line]:
    return [line for line in keywords.every(keyword) if line.words and line.element(0) == element]


def _hidden_layers(keywords: Keywords, element: int) -> int:
    own = _own_lines(keywords, "element_hidden_layers_short", element)
    common = keywords.one("global_hidden_layers_short")
    if len(own) > 1:
        raise own[1].error(f"it was given before, in {own[0].place}")
    if not own and common is None:
        raise N2P2Error(f"{keywords.path}: the keyword 'global_hidden_layers_short' is missing")
    line, place = (own[0], 1) if own else (common, 0)
    assert line is not None
    line.need(place + 1)
    if line.integer(place) < 0:
        raise line.error(f"{line.words[place]} is no number of layers")
    return line.integer(place)


def _common(keywords: Keywords, keyword: str, layers: int, beyond: int) -> Line | None:
    """The line of a global keyword, if it is for networks of so many hidden layers."""
    line = keywords.one(keyword)
    common_layers = keywords.number("global_hidden_layers_short", -1.0)
    if line is None:
        return None
    if len(line.words) != common_layers + beyond:
        raise line.error(
            f"{len(line.words)} values for {common_layers:g} hidden layers; "
            f"expected {common_layers + beyond:g}"
        )
    return line if common_layers == layers else None


def _possible_nodes(keywords: Keywords, element: int, layers: int) -> list[tuple[int, ...]]:
    line = _common(keywords, "global_nodes_short", layers, 0)
    common = None if line is None else tuple(_nodes(line, i) for i in range(layers))
    own = _own_lines(keywords, "element_nodes_short", element)
    if not own:
        return [()] if layers == 0 else [] if common is None else [common]
    found = []
    if len(own) == 1 and len(own[0].words) == layers + 1:
        written = tuple(_nodes(own[0], i) for i in range(1, layers + 1))
        found.append(written)
        if common is not None:
            found.append((*written[:-1], common[-1]))
    by_layer = _nodes_by_layer(own, layers, common)
    if by_layer is not None:
        found.append(by_layer)
    if not found:
        raise own[0].error(f"neither the nodes of {layers} hidden layers nor a layer and its nodes")
    return found


def _nodes_by_layer(
    own: list[Line], layers: int, common: tuple[int, ...] | None
) -> tuple[int, ...] | None:
    """RuNNer's reading, if the lines can be read so and leave no layer open."""
    nodes: list[int | None] = [None] * layers if common is None else list(common)
    for line in own:
        if len(line.words) != 3 or not 1 <= line.integer(1) <= layers:
            return None
        nodes[line.integer(1) - 1] = _nodes(line, 2)
    return tuple(n for n in nodes if n is not None) if None not in nodes else None


def _nodes(line: Line, place: int) -> int:
    nodes = line.integer(place)
    if nodes < 1:
        raise line.error(f"{nodes} is no number of nodes")
    return nodes


def _activations(keywords: Keywords, element: int, layers: int) -> tuple[str, ...] | None:
    line = _common(keywords, "global_activation_short", layers, 1)
    common = None if line is None else tuple(_activation(line, i) for i in range(layers + 1))
    own = _own_lines(keywords, "element_activation_short", element)
    if not own:
        return common
    if len(own) > 1 or (own[0].words[1:2] and own[0].words[1].isdecimal()):
        raise own[-1].error("activation functions of single layers or nodes are not supported")
    own[0].need(layers + 2)
    found = tuple(_activation(own[0], i) for i in range(1, layers + 2))
    if common is not None and found[-1] != common[-1]:
        raise own[0].error(
            f"the output has {found[-1]} here and {common[-1]} in {line.place}: "  # type: ignore[union-attr]
            "n2p2 uses the latter, others the former; make them equal"
        )
    return found


def _activation(line: Line, place: int) -> str:
    letter = line.words[place]
    if letter not in ACTIVATION_LETTERS:
        raise line.error(
            f"{letter!r} is no activation function; known are {', '.join(ACTIVATION_LETTERS)}"
        )
    return ACTIVATION_LETTERS[letter]
