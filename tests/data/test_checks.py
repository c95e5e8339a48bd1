"""The data doctor: healthy data pass in silence, and each disease is named."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr, GPa, Hartree
from copper import healthy_frames

from mlip.data import Frame, check_frames, read_frames


@pytest.fixture(scope="module")
def healthy() -> list[Frame]:
    return healthy_frames()


@pytest.fixture
def frames(healthy) -> list[Frame]:
    """A set that a test may spoil."""
    return [Frame(f.atoms.copy(), dict(f.labels), f.config_type, f.source) for f in healthy]


def change(frames, name, function: Callable, only=None):
    for i, frame in enumerate(frames):
        if name in frame.labels and (only is None or i in only):
            frame.labels[name] = np.array(function(frame.labels[name]))


def findings(frames, check, severity=None):
    return [
        f
        for f in check_frames(frames).findings
        if f.check == check and severity in (None, f.severity)
    ]


def only_finding(frames, check, severity):
    (finding,) = findings(frames, check, severity)
    assert finding.advice
    return finding


# ------------------------------------------------------------------------------------ healthy data


def test_healthy_data_pass(healthy):
    report = check_frames(healthy)
    assert [f.severity for f in report.findings] == ["info"], report.findings
    assert not report.has_errors
    assert report.consistency["forces"].slope == pytest.approx(1.0, abs=0.1)
    assert report.consistency["stress"].slope == pytest.approx(1.0, abs=0.02)
    assert report.consistency["stress"].correlation > 0.99


def test_the_numbers_of_the_report(healthy):
    report = check_frames(healthy)
    assert (report.n_structures, report.n_atoms) == (37, 9 * 4 + 12 * 4 + 16 * 8)
    assert (report.sizes.low, report.sizes.high) == (4, 8)
    assert report.pbc == {"TTT": 37}
    assert report.labels == {"energy": 37, "forces": 37, "stress": 37}
    (copper,) = report.elements
    assert (copper.symbol, copper.n_atoms, copper.n_structures) == ("Cu", 212, 37)
    forces = np.concatenate([f.labels["forces"] for f in healthy])
    assert copper.force_rms == pytest.approx(np.sqrt(np.mean(forces**2)))
    assert copper.force_max == pytest.approx(np.linalg.norm(forces, axis=1).max())
    nearest = min(f.atoms.get_all_distances(mic=True)[~np.eye(len(f), dtype=bool)].min()
                  for f in healthy)  # fmt: skip
    assert copper.nearest == pytest.approx(nearest)
    assert copper.reference_energy == pytest.approx(report.references.values[29])
    groups = {group.config_type: group for group in report.groups}
    assert [group.config_type for group in report.groups] == ["rattled", "sheared", "strained"]
    strained = [f for f in healthy if f.config_type == "strained"]
    energies = [float(f.labels["energy"]) / 4 for f in strained]
    assert groups["strained"].energy.low == pytest.approx(min(energies))
    assert groups["strained"].energy.high == pytest.approx(max(energies))
    pressures = [-np.trace(f.labels["stress"]) / 3 for f in strained]
    assert groups["strained"].pressure.high == pytest.approx(max(pressures))
    assert groups["strained"].pressure.high > 0 > groups["strained"].pressure.low


def test_the_report_is_json(healthy):
    content = json.loads(json.dumps(check_frames(healthy).to_dict(), allow_nan=False))
    assert content["references"]["values"].keys() == {"Cu"}
    assert content["groups"][0]["labels"]["stress"] == 16
    assert content["findings"][0]["severity"] == "info"


def test_progress_is_told(healthy):
    seen = []
    check_frames(healthy[:3], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_nothing_to_check():
    with pytest.raises(ValueError, match="no structures"):
        check_frames([])


# ------------------------------------------------------------------------- units, signs, and orders


@pytest.mark.parametrize(
    ("name", "function", "reason"),
    [
        ("forces", lambda f: -f, "wrong sign: they are gradients"),
        ("forces", lambda f: f * Bohr / Hartree, "forces are in Hartree/Bohr"),
        ("forces", lambda f: f * 23.06, "forces are in kcal/mol/Å"),
        ("forces", lambda f: f * 1000, "forces are in meV/Å"),
        ("forces", lambda f: f * 7.77, "do not fit together"),
        ("energy", lambda e: e / Hartree, "energies are in Hartree"),
        ("energy", lambda e: e * 96.485, "energies are in kJ/mol"),
        ("stress", lambda s: -s, "stress has the wrong sign"),
        ("stress", lambda s: s / GPa, "stress is in GPa"),
        ("stress", lambda s: -s / GPa * 10, "kbar with the wrong sign, as VASP"),
        ("stress", lambda s: s * Bohr**3 / Hartree, "stress is in Hartree/Bohr^3"),
        ("stress", lambda s: -s * Bohr**3 / Hartree, "Hartree/Bohr^3, and the stress has the wron"),
        ("stress", lambda s: 2 * s * Bohr**3 / Hartree, "stress is in Ry/Bohr^3"),
        ("stress", lambda s: s * Bohr**3, "stress is in eV/Bohr^3, or energies and stresses"),
        ("stress", lambda s: s * 23.06, "stress is in kcal/mol/Å^3"),
    ],
)
def test_units_and_signs_betray_themselves(frames, name, function, reason):
    change(frames, name, function)
    found = findings(frames, "consistency", "error")
    assert any(reason in finding.advice for finding in found), found


def test_a_virial_read_as_stress(frames):
    same_volume = [f for f in frames if f.config_type != "rattled"]
    for frame in same_volume:
        frame.labels["stress"] = -frame.labels["stress"] * frame.atoms.get_volume()
    found = only_finding(same_volume, "consistency", "error")
    assert "is a virial, declare it so" in found.advice


@pytest.mark.parametrize("order", [(5, 3, 4), (4, 3, 5), (3, 5, 4), (5, 4, 3), (4, 5, 3)])
def test_shear_components_in_another_order(frames, order):
    rows, columns = (0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1)

    def shuffled(stress):
        voigt = stress[rows, columns][[0, 1, 2, *order]]
        return voigt[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]

    change(frames, "stress", shuffled)
    found = only_finding(frames, "consistency", "error")
    names = dict(zip((3, 4, 5), ("yz", "xz", "xy")))
    assert f"are taken as {' '.join(names[i] for i in order)}" in found.what


def test_labels_that_have_little_to_do_with_each_other(frames):
    random = np.random.default_rng(0)
    change(frames, "energy", lambda e: e + random.normal(0, 2.0))
    assert any("only roughly" in f.what for f in findings(frames, "consistency", "warning"))


def test_the_sign_of_stress_by_volumes_alone(frames):
    strained = [f for f in frames if f.config_type == "strained"][::2]
    for frame in strained:
        del frame.labels["forces"]
    assert not findings(strained, "stress")
    change(strained, "stress", lambda s: -s)
    assert "pressure of Cu rises with volume" in only_finding(strained, "stress", "error").what


def test_stresses_too_large_to_be_true(frames):
    change(frames, "stress", lambda s: 1602 * s + 5.0 * np.eye(3))
    assert any("hardly in eV/Å^3" in f.what for f in findings(frames, "stress", "error"))


def water_frames(count=40):
    random = np.random.default_rng(1)
    frames = []
    for n in range(count):
        atoms = molecule("H2O")
        atoms.positions += random.normal(0, 0.03, (3, 3))
        forces = np.zeros((3, 3))
        energy = -14.0
        for hydrogen in (1, 2):  # springs between oxygen and hydrogen
            bond = atoms.positions[hydrogen] - atoms.positions[0]
            length = np.linalg.norm(bond)
            pull = -45.0 * (length - 0.97) * bond / length
            forces[hydrogen] += pull
            forces[0] -= pull
            energy += 22.5 * (length - 0.97) ** 2
        frames.append(Frame(atoms, {"energy": np.array(energy), "forces": forces}, source=f"w#{n}"))
    return frames


def test_bonds_of_a_healthy_molecule():
    assert not findings(water_frames(), "bonds")


def test_bonds_tell_the_sign_of_forces():
    frames = water_frames()
    change(frames, "forces", lambda f: -f)
    assert "short H-O bonds pull" in only_finding(frames, "bonds", "error").what


@pytest.mark.parametrize("factor", [Bohr / Hartree, 23.06])
def test_bonds_tell_the_unit_of_forces(factor):
    frames = water_frames()
    change(frames, "forces", lambda f: f * factor)
    assert "H-O bonds have a stiffness of" in only_finding(frames, "bonds", "error").what


# ------------------------------------------------------------------------- energies and references


def test_no_energies(frames):
    for frame in frames:
        del frame.labels["energy"]
    assert only_finding(frames, "energies", "error").what == "no structure has an energy"
    assert check_frames(frames).references is None


def test_some_energies_are_missing(frames):
    del frames[3].labels["energy"]
    found = only_finding(frames, "energies", "warning")
    assert found.where == (frames[3].source,)


@pytest.mark.parametrize("place", [30, 36])
def test_an_energy_far_out(frames, place):
    change(frames, "energy", lambda e: e + 8 * 0.5, only=[place])
    found = only_finding(frames, "energies", "warning")
    assert found.where == (frames[place].source,)


def test_placeholders_for_energies(frames):
    change(frames, "energy", np.zeros_like, only=[1, 2])
    found = only_finding(frames, "energies", "error")
    assert found.where == (frames[1].source, frames[2].source)


def test_one_energy_for_many_structures(frames):
    change(frames, "energy", lambda e: e * 0 - 1.25, only=range(10))
    assert "the same energy, -1.250000 eV" in findings(frames, "energies", "warning")[0].what


def isolated(energy, symbol="Cu"):
    return Frame(Atoms(symbol), {"energy": np.array(energy)}, "isolated", f"{symbol}#0")


def test_isolated_atoms_are_recognised(frames):
    report = check_frames([*frames, isolated(3.5)])
    assert report.references.source == "isolated atoms"
    assert not report.findings


def test_isolated_atoms_of_another_level_of_theory(frames):
    found = only_finding([*frames, isolated(-50.0)], "reference energies", "error")
    assert "less stable than their isolated atoms" in found.what
    found = only_finding([*frames, isolated(50.0)], "reference energies", "warning")
    assert "more than any solid has" in found.what


def test_isolated_atoms_that_contradict_each_other(frames):
    report = check_frames([*frames, isolated(3.5), isolated(3.0)])
    assert report.references.source == "least squares"
    assert "have energies 3.5000 and 3.0000 eV" in report.findings[0].what


def test_energies_of_two_codes_in_one_set(frames):
    change(frames, "energy", lambda e: e - 4000.0, only=range(0, 37, 2))
    found = findings(frames, "reference energies", "warning")
    assert "scatter by" in found[0].what


# ------------------------------------------------------------------------------------------ forces


def test_no_forces(frames):
    for frame in frames:
        del frame.labels["forces"]
    assert findings(frames, "forces", "info")


def test_a_net_force(frames):
    change(frames, "forces", lambda f: f + 0.1, only=[25])
    assert only_finding(frames, "net forces", "warning").where == (frames[25].source,)


def test_forces_of_fixed_atoms_were_zeroed(frames):
    rattled = range(21, 37)
    change(frames, "forces", lambda f: f * (np.arange(len(f)) > 1)[:, None], only=[*rattled][:6])
    found = findings(frames, "net forces", "warning")
    assert "constraints had been applied" in found[0].advice


def test_columns_that_are_no_forces(frames):
    for frame in frames:
        frame.labels["forces"] = frame.atoms.positions.copy() + 1.0
    assert "do not sum to zero at all" in only_finding(frames, "net forces", "error").what


def test_placeholders_for_forces(frames):
    change(frames, "forces", np.zeros_like, only=[25, 26])
    found = only_finding(frames, "forces", "error")
    assert found.where == (frames[25].source, frames[26].source)


def test_forces_that_symmetry_demands_to_be_zero(frames):
    strained = [f for f in frames if f.config_type == "strained"]
    change(strained, "forces", np.zeros_like)
    assert not findings(strained, "forces")


def test_forces_out_of_proportion(frames):
    def exploded(forces):
        kick = np.zeros_like(forces)
        kick[0, 0], kick[1, 0] = 90.0, -90.0
        return forces + kick

    change(frames, "forces", exploded, only=[25])
    found = only_finding(frames, "forces", "warning")
    assert found.where == (frames[25].source,)


def test_placeholders_for_stresses(frames):
    change(frames, "stress", np.zeros_like, only=[0, 5])
    assert only_finding(frames, "stress", "error").where == (frames[0].source, frames[5].source)


# ----------------------------------------------------------------------------------------- contacts


@pytest.mark.parametrize(
    ("distance", "severity"), [(0.15, "error"), (0.35, "warning"), (0.74, None), (2.0, None)]
)
def test_atoms_that_are_too_near(distance, severity):
    frames = [
        Frame(Atoms("H2", [[0, 0, 0], [0, 0, d]]), {"energy": np.array(-30.0 - d)}, source=f"h#{n}")
        for n, d in enumerate((distance, 0.74, 0.8))
    ]
    found = findings(frames, "contacts")
    assert [f.severity for f in found] == ([severity] if severity else [])
    if severity:
        assert found[0].where == ("h#0",)
        assert f"H-H at {distance:.2f} Å" in found[0].what


def test_atoms_through_the_boundary_are_near():
    atoms = Atoms("H2", [[0, 0, 0.1], [0, 0, 9.9]], cell=[10, 10, 10], pbc=True)
    frames = [Frame(atoms, {"energy": np.array(-30.0)}, source="h#0")]
    assert "H-H at 0.20 Å" in only_finding(frames, "contacts", "error").what


def test_an_atom_without_neighbours():
    atoms = molecule("H2O")
    atoms += Atoms("He", [[30, 0, 0]])
    frames = [Frame(atoms, {"energy": np.array(-30.0)}, source="h#0")]
    assert "without any neighbour within 5 Å" in only_finding(frames, "contacts", "warning").what


def test_positions_in_bohr(frames):
    for frame in frames:
        frame.atoms.set_cell(frame.atoms.cell / Bohr, scale_atoms=True)
    assert "check the unit of length" in findings(frames, "contacts", "warning")[0].advice


# ----------------------------------------------------------------------------------- published sets


@pytest.mark.parametrize("name", ["mlearn_Si", "mlearn_Mo", "water_n2p2", "cu2s_n2p2"])
def test_published_sets_have_no_errors(shared_data, name):
    frames = read_frames(sorted((shared_data / name).glob("*.extxyz")), require=["forces"])
    assert not check_frames(frames).has_errors


def test_atoms_in_the_same_place_hide_no_other_finding():
    atoms = Atoms("H2O", [[0, 0, 0], [0, 0, 0], [0, 0, 1]])
    frame = Frame(atoms, {"energy": np.array(-10.0), "forces": np.zeros((3, 3))})
    assert "atoms overlap" in only_finding([frame], "contacts", "error").what
    assert "exactly zero" in only_finding([frame], "forces", "error").what
