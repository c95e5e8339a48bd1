"""The compiled core as torch sees it, and the package without it."""

import ctypes
import logging

import pytest
import torch
from torch import Tensor

from mlip import kernels
from mlip.kernels import _CUDA_LIBRARY, _Core
from mlip.kernels.cuda import OPERATORS, CudaCore
from mlip.neighbours import compiled, reference
from mlip.neighbours.graphs import _finder

needs_core = pytest.mark.skipif(not kernels.available(), reason="the core was not compiled here")


def box(n: int = 12, requires_grad: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Atoms anywhere in a sheared periodic cell."""
    cell = torch.tensor([[4.0, 0.3, 0.2], [1.0, 5.0, 0.0], [-1.0, 2.0, 6.0]], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    positions = torch.rand(n, 3, dtype=torch.float64, generator=generator) @ cell
    pbc = torch.ones(1, 3, dtype=torch.bool)
    return positions.requires_grad_(requires_grad), cell[None], pbc, torch.tensor([0, n])


def pair_energy(positions: Tensor, cell: Tensor, pbc: Tensor, first_atom: Tensor) -> Tensor:
    edges, shifts = torch.ops.mlip.neighbour_list(positions, cell, pbc, first_atom, 3.0)
    vectors = positions[edges[1]] - positions[edges[0]] + shifts.to(cell.dtype) @ cell[0]
    return torch.exp(-(vectors**2).sum(dim=1)).sum()


class TestWithCore:
    pytestmark = needs_core

    def test_says_what_runs(self) -> None:
        assert "compiled" in kernels.status()["neighbour list (CPU)"]

    @pytest.mark.parametrize("name", ["neighbour_list", "neighbour_list_with_vectors"])
    def test_keeps_the_rules_of_torch_operators(self, name: str) -> None:
        operator = getattr(torch.ops.mlip, name).default
        results = torch.library.opcheck(
            operator, (*box(), 3.0), test_utils=("test_schema", "test_faketensor")
        )
        assert set(results.values()) == {"SUCCESS"}

    def test_compiles_without_a_graph_break(self) -> None:
        whole = torch.compile(pair_energy, fullgraph=True, backend="aot_eager")
        assert torch.equal(whole(*box()), pair_energy(*box()))

    def test_exports(self) -> None:
        class Energy(torch.nn.Module):
            def forward(
                self, positions: Tensor, cell: Tensor, pbc: Tensor, first_atom: Tensor
            ) -> Tensor:
                return pair_energy(positions, cell, pbc, first_atom)

        exported = torch.export.export(Energy(), box())
        assert torch.equal(exported.module()(*box()), pair_energy(*box()))

    def test_second_derivatives_pass_through(self) -> None:
        positions, *rest = box(requires_grad=True)
        # The steps of the finite differences must not carry a pair across the cutoff; energies are
        # exp(-9) there, so that they would show.
        assert torch.autograd.gradgradcheck(lambda x: pair_energy(x, *rest), (positions,))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"positions": torch.zeros(3, 3)}, "positions"),
            ({"positions": torch.zeros(12, 2, dtype=torch.float64)}, "positions"),
            ({"cell": torch.zeros(2, 3, 3, dtype=torch.float64)}, "pbc"),
            ({"pbc": torch.zeros(1, 3)}, "pbc"),
            ({"first_atom": torch.tensor([0, 11])}, "first_atom"),
            ({"first_atom": torch.tensor([1, 12])}, "first_atom"),
            ({"first_atom": torch.tensor([0, 12], dtype=torch.int32)}, "first_atom"),
        ],
    )
    def test_tensors_that_do_not_fit_are_errors(
        self, change: dict[str, Tensor], words: str
    ) -> None:
        names = ("positions", "cell", "pbc", "first_atom")
        tensors = dict(zip(names, box())) | change
        with pytest.raises(ValueError, match=words):
            torch.ops.mlip.neighbour_list(*tensors.values(), 3.0)

    def test_borders_out_of_order_are_an_error(self) -> None:
        positions, cell, pbc, _ = box()
        borders = torch.tensor([0, 13, 12])
        with pytest.raises(ValueError, match="first_atom"):
            torch.ops.mlip.neighbour_list(
                positions, cell.expand(2, 3, 3), pbc.expand(2, 3), borders, 3.0
            )

    def test_tensors_need_not_be_contiguous(self) -> None:
        positions, cell, pbc, borders = box()
        strided = torch.stack([positions, positions], dim=2)[..., 0]
        assert not strided.is_contiguous()
        expected = torch.ops.mlip.neighbour_list(positions, cell, pbc, borders, 3.0)
        found = torch.ops.mlip.neighbour_list(strided, cell.mT.contiguous().mT, pbc, borders, 3.0)
        assert all(torch.equal(a, b) for a, b in zip(expected, found))

    def test_results_belong_to_the_caller(self) -> None:
        """Buffers are kept between calls; what an earlier call returned must not change."""
        first = compiled.find_edges(*box(), 3.0)
        copies = [t.clone() for t in first]
        compiled.find_edges(*box(40), 4.0)
        assert all(torch.equal(a, b) for a, b in zip(first, copies))


class TestWithoutCore:
    def test_says_so_once(self, tmp_path, caplog) -> None:
        core = _Core(tmp_path / "mlip_torch.so")
        with caplog.at_level(logging.WARNING, "mlip"):
            assert not core.load()
            assert not core.load()
        assert len(caplog.records) == 1
        assert "without its compiled core" in caplog.text
        assert "--no-build-isolation" in caplog.text

    def test_a_damaged_library_is_no_crash(self, tmp_path, caplog) -> None:
        path = tmp_path / "mlip_torch.so"
        path.write_bytes(b"not a library")
        core = _Core(path)
        assert not core.load()
        assert "could not be loaded" in caplog.text

    @needs_core
    def test_a_core_of_an_older_version_is_not_used(self, monkeypatch, caplog) -> None:
        monkeypatch.setitem(kernels.SHAPES, "an_operator_of_tomorrow", lambda: None)
        core = _Core(kernels._LIBRARY)
        assert not core.load()
        assert "older version: it has no an_operator_of_tomorrow" in caplog.text

    def test_status_says_why(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(kernels, "_CORE", _Core(tmp_path / "mlip_torch.so"))
        assert "without its compiled core" in kernels.status()["neighbour list (CPU)"]


class TestWithoutGpu:
    @pytest.fixture
    def gpu(self, monkeypatch) -> None:
        """As far as torch is asked, there is a GPU."""
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_status_says_why(self) -> None:
        of_gpus = {name: why for name, why in kernels.status().items() if "(CUDA)" in name}
        assert len(of_gpus) == len(kernels.status()) / 2
        for why in of_gpus.values():
            assert "without CUDA" in why or "no GPU" in why or "plain torch" in why
        assert not kernels.cuda_available()

    def test_without_the_library_it_says_so_once(self, gpu, tmp_path, caplog) -> None:
        core = CudaCore(tmp_path / "mlip_torch_cuda.so")
        for _ in range(2):
            assert "without its library for GPUs" in core.problem(0)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "made on the CPU" in caplog.text
        assert "nvcc" in caplog.text

    def test_a_damaged_library_is_no_crash(self, gpu, tmp_path) -> None:
        path = tmp_path / "mlip_torch_cuda.so"
        path.write_bytes(b"not a library")
        assert "could not be loaded" in CudaCore(path).problem()

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    @needs_core
    def test_lists_are_then_made_on_the_processor(self) -> None:
        assert _finder(torch.device("cuda")) == (compiled, torch.device("cpu"))

    def test_without_any_core_they_stay_where_they_are(self, monkeypatch) -> None:
        monkeypatch.setattr(compiled, "available", lambda _: False)
        assert _finder(torch.device("cuda")) == (reference, torch.device("cuda"))

    @pytest.mark.skipif(not _CUDA_LIBRARY.exists(), reason="the library for GPUs is not built here")
    @needs_core
    def test_the_library_loads_beside_any_torch(self) -> None:
        """Its symbols are all found, and its operators registered, whether or not it can run."""
        torch.ops.load_library(str(_CUDA_LIBRARY))
        for name in OPERATORS:
            assert torch._C._dispatch_has_kernel_for_dispatch_key(f"mlip::{name}", "CUDA")
        problem = ctypes.CDLL(str(_CUDA_LIBRARY)).mlip_cuda_problem
        problem.restype = ctypes.c_char_p
        assert (problem(0) is None) == torch.cuda.is_available()
