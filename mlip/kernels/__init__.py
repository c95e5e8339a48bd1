"""The compiled core: its front, and what happens without it.

The core is a library of torch operators that lies beside this file when the package was installed
with a C++ compiler and torch at hand. It is loaded at first use, never on import. Without it
everything works in plain torch, and the log of `mlip` says once what is slower and what to do.
"""

import ctypes
import logging
import threading
from pathlib import Path

import torch

from mlip.kernels.cuda import CudaCore
from mlip.kernels.shapes import SHAPES, register_shapes

__all__ = ["available", "cuda_available", "runs_on", "status"]

_LIBRARY = Path(__file__).parent / "mlip_torch.so"
_CUDA_LIBRARY = Path(__file__).parent / "mlip_torch_cuda.so"
_KERNELS = (
    "neighbour list",
    "edge vectors",
    "SOAP",
    "symmetry functions",
    "Chebyshev descriptors",
    "equivariant messages",
)
_HOW_TO_GET_IT = (
    "neighbour lists, descriptors and equivariant messages are made in plain torch, up to hundreds "
    "of times slower; with a C++ compiler, `pip install --no-build-isolation nearsight` in an "
    "environment that has scikit-build-core and torch >= 2.10 builds the core"
)


class _Core:
    """The library, loaded at most once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._tried = False
        self._lock = threading.Lock()

    def load(self) -> bool:
        if not self._tried:  # looked at without the lock, through which torch.compile cannot see
            self._load_once()
        return self.problem is None

    def _load_once(self) -> None:
        with self._lock:
            if self._tried:
                return
            self.problem = self._try_to_load()
            self._tried = True
            if self.problem:
                logging.getLogger("mlip").warning("%s; %s", self.problem, _HOW_TO_GET_IT)

    def _try_to_load(self) -> str | None:
        if not self.path.exists():
            return "mlip is installed without its compiled core"
        try:
            torch.ops.load_library(str(self.path))
        except OSError as error:
            return f"the compiled core of mlip could not be loaded ({error})"
        lacking = [name for name in SHAPES if not hasattr(torch.ops.mlip, name)]
        if lacking:
            return (
                "the compiled core of mlip was built from an older version: it has no "
                f"{', '.join(lacking)}"
            )
        register_shapes()
        return None

    def instruction_set(self) -> str:
        function = ctypes.CDLL(str(self.path)).mlip_instruction_set
        function.restype = ctypes.c_char_p
        return function().decode()


_CORE = _Core(_LIBRARY)
_CUDA_CORE = CudaCore(_CUDA_LIBRARY)


def available() -> bool:
    """Whether the compiled core can be used here; loads it, and logs once if it cannot."""
    return _CORE.load()


def cuda_available(device: int | None = None) -> bool:
    """Whether the compiled core runs on GPU number `device`, the current one by default."""
    return available() and _CUDA_CORE.problem(device) is None


def runs_on(device: torch.device) -> bool:
    """Whether the compiled core treats tensors that are on this device."""
    if device.type == "cuda":
        return cuda_available(device.index)
    return device.type == "cpu" and available()


def status() -> dict[str, str]:
    """What runs compiled, and why the rest does not: one line for each kernel, for people."""
    if not available():
        how = on_gpu = in_torch = f"plain torch: {_CORE.problem}; {_HOW_TO_GET_IT}"
    else:
        how = f"compiled, {_CORE.instruction_set()} instructions"
        problem = _CUDA_CORE.problem()
        on_gpu = in_torch = "compiled"
        if problem:
            on_gpu, in_torch = f"made on the CPU: {problem}", f"plain torch: {problem}"
    there = dict.fromkeys(_KERNELS, in_torch) | {"neighbour list": on_gpu}
    lines = {f"{name} (CPU)": how for name in _KERNELS}
    return lines | {f"{name} (CUDA)": line for name, line in there.items()}
