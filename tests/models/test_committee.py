"""Several models as one."""

import copy

import numpy as np
import pytest
import torch
from conformance.potential import PotentialConformance
from conformance.predictions import compute, graph_of
from conformance.structures import crystal, molecule, small_cell
from toy import Toy, toy

from mlip.graph import AtomicGraph
from mlip.models import Committee, DatasetCard, ErrorCard, ModelCard, predict
from mlip.models.card import joint_card

SPECIES = (8, 14)
WANT = ("energy", "energies", "forces", "virial", "energy_uncertainty", "forces_uncertainty")


def members(n: int) -> list[Toy]:
    return [toy(SPECIES, depth=0.3 + 0.1 * m, cutoff=5.0 - 0.2 * m) for m in range(n)]


class TestCommitteeOfToys(PotentialConformance):
    @pytest.fixture(scope="class")
    @classmethod
    def model(cls) -> Committee:
        return Committee(members(3))

    @pytest.mark.skip(reason="the toy is in no table of models")
    def test_file_gives_back_the_same_bits(self) -> None: ...


@pytest.mark.parametrize("n", [1, 2, 5])
def test_the_mean_of_the_members(n: int) -> None:
    toys = members(n)
    for name in ("energy", "energies", "forces", "virial"):
        found = compute(Committee(toys), crystal(SPECIES), (name,))[name]
        mean = np.mean([compute(m, crystal(SPECIES), (name,))[name] for m in toys], axis=0)
        np.testing.assert_allclose(found, mean, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [2, 5])
def test_shapes(n: int) -> None:
    committee = Committee(members(n))
    structures = [molecule(SPECIES), crystal(SPECIES), small_cell(SPECIES)]
    batch = AtomicGraph.batch([graph_of(committee, atoms) for atoms in structures])
    found = predict(committee, batch, WANT)
    assert committee.n_members == n
    assert committee.member_energies(batch).shape == (n, 15)
    assert found["energy"].shape == found["energy_uncertainty"].shape == (3,)
    assert found["energies"].shape == found["forces_uncertainty"].shape == (15,)
    assert found["forces"].shape == (15, 3)


@pytest.mark.parametrize("n", [2, 5])
def test_the_spread_of_the_members(n: int) -> None:
    toys = members(n)
    found = compute(Committee(toys), crystal(SPECIES), WANT)
    alone = [compute(m, crystal(SPECIES)) for m in toys]
    energy = np.std([a["energy"] for a in alone], axis=0, ddof=1)
    forces = np.linalg.norm(np.std([a["forces"] for a in alone], axis=0, ddof=1), axis=1)
    np.testing.assert_allclose(found["energy_uncertainty"], energy, rtol=1e-10)
    np.testing.assert_allclose(found["forces_uncertainty"], forces, rtol=1e-10)


def test_uncertainty_changes_no_other_result() -> None:
    committee = Committee(members(3))
    alone, together = (compute(committee, crystal(SPECIES), want) for want in (WANT[:4], WANT))
    assert all((alone[name] == together[name]).all() for name in alone)


def test_only_the_uncertainty_of_forces() -> None:
    committee = Committee(members(2))
    found = compute(committee, crystal(SPECIES), ("forces_uncertainty",))
    assert set(found) == {"forces_uncertainty"}


def test_members_that_agree_are_certain() -> None:
    found = compute(Committee([toy(SPECIES), toy(SPECIES)]), crystal(SPECIES), WANT)
    assert not found["energy_uncertainty"].any()
    assert not found["forces_uncertainty"].any()


def test_one_member_predicts_but_is_not_certain() -> None:
    committee = Committee(members(1))
    assert compute(committee, crystal(SPECIES))["forces"].shape == (8, 3)
    with pytest.raises(ValueError, match="Committee of two or more"):
        compute(committee, crystal(SPECIES), ("energy_uncertainty",))


def test_no_members() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        Committee([])


def test_members_must_know_the_same_species() -> None:
    with pytest.raises(ValueError, match=r"members 0 and 1 know different species: .*'Si'"):
        Committee([toy((8,)), toy((14,))])


def test_members_must_have_one_precision() -> None:
    with pytest.raises(ValueError, match="differ in precision"):
        Committee([toy(), copy.deepcopy(toy()).to(torch.float32)])


def test_a_committee_joins_single_models() -> None:
    with pytest.raises(ValueError, match="member 1 is a Committee; a committee joins single"):
        Committee([toy(), Committee([toy(), toy()])])


def test_cutoff_and_config() -> None:
    committee = Committee(members(3))
    assert committee.cutoff == 5.0
    config = committee.resolved_config()
    assert config["name"] == "committee"
    assert [m["cutoff"] for m in config["members"]] == [5.0, 4.8, 4.6]


def test_the_card_of_a_committee_says_what_its_members_say_alike() -> None:
    cards = [
        ModelCard(
            dataset=DatasetCard(
                fingerprint=fingerprint, n_structures=n, n_atoms=8 * n, level_of_theory="PBE"
            ),
            errors={"test": {"energy": ErrorCard(mae=mae, rmse=2 * mae, unit="meV/atom")}},
            reference_energies_source="given",
            seed=n,
        )
        for fingerprint, n, mae in (("aa", 90, 1.0), ("bb", 80, 3.0))
    ]
    card = joint_card(cards)
    assert card.dataset == DatasetCard(
        fingerprint="aa, bb", n_structures=80, n_atoms=640, level_of_theory="PBE"
    )
    errors = card.errors["test, mean of 2 members"]["energy"]
    assert (errors.mae, errors.rmse) == (2.0, 4.0)
    assert (card.reference_energies_source, card.seed) == ("given", None)
    assert joint_card([]) == ModelCard()
