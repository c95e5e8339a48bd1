"""Several models as one: their mean is the prediction, their spread the uncertainty."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import torch
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from mlip.graph import AtomicGraph
from mlip.models.base import Potential
from mlip.models.descriptor_potential import DescriptorPotential
from mlip.models.registry import ModelConfig, build_model
from mlip.settings import Settings


class Committee(Potential):
    """The mean of several models trained apart, as one model.

    Forces and stress are derivatives of the mean energy, hence the mean of the members' own.
    Members that share an equal descriptor share its evaluation. The reference energies and scales
    are the members'; the committee's own layer stays the identity. A committee of one predicts like
    its member, but asking it for an uncertainty is an error: zero would be read as certainty.

    Parameters
    ----------
    members : models of the same species and precision

    Raises
    ------
    ValueError
        If there are no members, or they differ in species or precision, or are not single models.
    """

    class Config(Settings):
        """Several models as one."""

        name: Literal["committee"] = "committee"
        members: tuple[ModelConfig, ...] = Field(min_length=1)

    config: Config

    def __init__(self, members: Sequence[Potential]) -> None:
        _check_members(members)
        super().__init__(members[0].species, max(member.cutoff for member in members))
        # not validated again: members may be of kinds that are in no registry
        self.config = self.Config.model_construct(members=tuple(m.config for m in members))
        self.members = nn.ModuleList(members)
        self._share_features = _equal_descriptors(members)

    @classmethod
    def build(cls, config: "Committee.Config", species: Sequence[int]) -> "Committee":  # type: ignore[override]
        return cls([build_model(member, species) for member in config.members])

    @property
    def n_members(self) -> int:
        return len(self.members)

    @property
    def knows_its_uncertainty(self) -> bool:
        return self.n_members > 1

    def votes(
        self, graph: AtomicGraph
    ) -> tuple[Float[Tensor, " atoms"], Float[Tensor, "votes atoms"]]:
        if not self.knows_its_uncertainty:
            raise ValueError("a Committee of two or more models has a spread, not one of one")
        members = self.member_energies(graph)
        return members.mean(0), members

    def interaction(
        self,
        graph: AtomicGraph,
        species_index: Int[Tensor, " atoms"],  # noqa: ARG002 - each member looks up its own
    ) -> Float[Tensor, " atoms"]:
        return self.member_energies(graph).mean(0)

    def member_energies(self, graph: AtomicGraph) -> Float[Tensor, "members atoms"]:
        """Energies of atoms in eV, float64, by each member; their mean is `forward`."""
        if not self._share_features:
            return torch.stack([member(graph) for member in self.potentials])
        graph = graph.within(self.cutoff)
        members = cast(list[DescriptorPotential], self.potentials)
        features, index = members[0].features(graph), members[0].species_index(graph)
        return torch.stack([m.in_ev(m.regress(features, index), graph, index) for m in members])

    def features(self, graph: AtomicGraph) -> Float[Tensor, "atoms features"]:
        """The members' features side by side; once, if they share them."""
        members = self.potentials[:1] if self._share_features else self.potentials
        return torch.cat([member.features(graph) for member in members], dim=1)

    @property
    def knows_its_range(self) -> bool:
        return all(member.knows_its_range for member in self.potentials)

    def with_features(self, graph: AtomicGraph) -> AtomicGraph:
        return self.potentials[0].with_features(graph) if self._share_features else graph

    def extrapolations(self, graph: AtomicGraph) -> Int[Tensor, " atoms"]:
        """The largest count among the members, which may be trained on different data."""
        if not self.knows_its_range:
            return super().extrapolations(graph)
        if self._share_features:
            members = cast(list[DescriptorPotential], self.potentials)
            features, index = members[0].features(graph), members[0].species_index(graph)
            counts = [member.feature_range.outside(features, index) for member in members]
        else:
            counts = [member.extrapolations(graph) for member in self.potentials]
        return torch.stack(counts).amax(0)

    @property
    def potentials(self) -> list[Potential]:
        return cast(list[Potential], list(self.members))

    def resolved_config(self) -> dict[str, Any]:
        members = [member.resolved_config() for member in self.potentials]
        return {"name": "committee", "members": members}


def _check_members(members: Sequence[Potential]) -> None:
    if not members:
        raise ValueError("a committee needs at least one member")
    first = members[0]
    for i, member in enumerate(members):
        if member.potentials != [member]:
            raise ValueError(
                f"member {i} is a {type(member).__name__}; a committee joins single models, as "
                "they were trained"
            )
        if member.species != first.species:
            symbols = [[chemical_symbols[z] for z in m.species] for m in (first, member)]
            raise ValueError(f"members 0 and {i} know different species: {symbols}")
        if member.dtype != first.dtype:
            raise ValueError(
                f"members 0 and {i} differ in precision: {first.dtype}, {member.dtype}"
            )


def _equal_descriptors(members: Sequence[Potential]) -> bool:
    """Whether all members have the same features: descriptors of equal configs without a state of
    their own that could differ."""
    first = members[0]
    if not isinstance(first, DescriptorPotential):
        return False
    return all(
        isinstance(member, DescriptorPotential)
        and member.descriptor.config == first.descriptor.config
        and not member.descriptor.state_dict()
        for member in members
    )
