"""The compiled core for GPUs: a second library, loaded when a structure is first on a GPU."""

import ctypes
import logging
import threading
from pathlib import Path

import torch

_HOW_TO_GET_IT = (
    "the library for GPUs is built with the core where nvcc (CUDA 12 or later) and a torch for "
    "CUDA are: `pip install --no-build-isolation nearsight`"
)
_MEANWHILE = (
    "for structures on a GPU, neighbour lists are made on the CPU, and edge vectors, descriptors "
    "and equivariant messages in plain torch: slower"
)
#: What it must have been built with.
OPERATORS = (
    "neighbour_list",
    "neighbour_list_with_vectors",
    "edge_vectors",
    "edge_sums",
    "soap",
    "soap_gradients",
    "symmetry_functions",
    "symmetry_functions_backward",
    "chebyshev",
    "chebyshev_gradients",
    "node_product",
    "node_product_gradients",
    "node_product_second",
    "neighbour_sums",
    "neighbour_sum_gradients",
    "neighbour_sum_second",
    "radial_sums",
    "radial_sum_gradients",
)


class CudaCore:
    """The library for GPUs, loaded at most once; the core itself must be loaded before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._library: ctypes.CDLL | None = None
        self._load_problem: str | None = None
        self._of_devices: dict[int, str | None] = {}
        self._lock = threading.Lock()

    def problem(self, device: int | None = None) -> str | None:
        """Why GPU number `device` (the current one by default) cannot be used; None if it can.

        Logs each reason once, unless there is no GPU at all.
        """
        if not torch.cuda.is_available():
            return _no_gpu()
        number = torch.cuda.current_device() if device is None else device
        if (
            number not in self._of_devices
        ):  # without the lock, through which torch.compile cannot see
            self._look_once(number)
        return self._of_devices[number]

    def _look_once(self, device: int) -> None:
        with self._lock:
            if device in self._of_devices:
                return
            problem = self._find_problem(device)
            self._of_devices[device] = problem
            if problem:
                logging.getLogger("mlip").warning("%s; %s", problem, _MEANWHILE)

    def _find_problem(self, device: int) -> str | None:
        if self._library is None and self._load_problem is None:
            self._load()
        if self._library is None:
            return self._load_problem
        problem = self._library.mlip_cuda_problem(device)
        if problem is None:
            return None
        name = torch.cuda.get_device_name(device)
        return f"the library for GPUs cannot run on {name} ({problem.decode()})"

    def _load(self) -> None:
        if not self.path.exists():
            self._load_problem = f"mlip is installed without its library for GPUs; {_HOW_TO_GET_IT}"
            return
        try:
            torch.ops.load_library(str(self.path))
            library = ctypes.CDLL(str(self.path))
        except OSError as error:
            self._load_problem = f"the library for GPUs could not be loaded ({error})"
            return
        lacking = [name for name in OPERATORS if not _runs_on_gpus(name)]
        if lacking:
            self._load_problem = (
                "the library for GPUs was built from an older version: it has no "
                f"{', '.join(lacking)}"
            )
            return
        library.mlip_cuda_problem.restype = ctypes.c_char_p
        library.mlip_cuda_problem.argtypes = [ctypes.c_int]
        self._library = library


def _runs_on_gpus(operator: str) -> bool:
    return torch._C._dispatch_has_kernel_for_dispatch_key(f"mlip::{operator}", "CUDA")


def _no_gpu() -> str:
    if torch.version.cuda is None:
        return "this torch was built without CUDA; one from pytorch.org with CUDA is needed"
    return "torch finds no GPU here"
