"""What of the training data does not change during training, computed once before it."""

from collections.abc import Sequence

from mlip.graph import AtomicGraph
from mlip.models import Potential
from mlip.training.observers import Observer

_GIB = 2**30


def prepared(
    model: Potential, graphs: Sequence[AtomicGraph], limit_gib: float, observer: Observer
) -> Sequence[AtomicGraph]:
    """The graphs as the model wants them for training, if they fit in memory; else as they are.

    The choice depends on the data and the limit alone, so that a resumed run makes the same.

    Parameters
    ----------
    limit_gib : memory that may be used, GiB
    """
    needed = model.preparation_bytes(graphs) / _GIB
    if needed == 0.0:
        return graphs
    if needed > limit_gib:
        observer.message(
            f"features are computed in every step: kept with their derivatives they would take "
            f"{needed:.1f} GiB, and precompute_gib is {limit_gib:g}"
        )
        return graphs
    done = []
    for graph in graphs:
        done.append(model.prepare(graph.to(model.device)))
        observer.prepared(len(done), len(graphs))
    observer.message(f"features and their derivatives are kept in {1024 * needed:.0f} MiB")
    return done
