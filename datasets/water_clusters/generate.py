"""Make the water cluster data set from nothing: sample, label with PySCF, split, write.

    python generate.py sample     # structures.extxyz in the scratch folder (GFN2-xTB dynamics)
    python generate.py label      # appends to labels.jsonl, resumes when killed
    python generate.py check      # convergence and finite-difference tests
    python generate.py write      # extxyz files, SHA256SUMS, the card's tables

Needs ase, tblite, pyscf and pyscf-dispersion; run with OMP_NUM_THREADS=1, since the order of
floating-point sums, and so a trajectory, depends on the number of threads. A label is stored
under the hash of its structure and of the DFT settings: nothing is labelled twice, and labels of
other settings are never mixed in. Failed calculations are stored as failed and left out.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import Hookean
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from pyscf import dft, gto
from scipy.spatial.transform import Rotation
from tblite.ase import TBLite

HERE = Path(__file__).parent
SETTINGS: dict[str, Any] = {
    "code": "PySCF",
    "version": "2.14.0",
    "dispersion_code": "pyscf-dispersion",
    "dispersion_version": "1.7.0",
    "functional": "PBE",
    "dispersion": "d3bj",
    "basis": "def2-svp",
    "density_fitting_basis": "def2-universal-jkfit",
    "grid_level": 3,
    "grid_response_in_forces": True,
    "conv_tol_Ha": 1e-9,
    "spin": "restricted for molecules, unrestricted for isolated atoms",
}
FINGERPRINT = hashlib.sha256(
    json.dumps(SETTINGS, sort_keys=True, separators=(",", ":")).encode()
).hexdigest()

UNPAIRED = {"H": 1, "O": 2}
MAX_FORCE = 30.0  # eV/Angstrom: above this a frame is rejected
TIME_STEP = 0.7  # fs
EQUILIBRATION = 120  # steps before the first snapshot
SPACING = 100  # steps between snapshots
SNAPSHOTS = 4  # per trajectory; all of them go to the same part


# --- sampling -------------------------------------------------------------------------------


def bent_water(first: float, second: float, angle: float) -> Atoms:
    """One molecule with two O-H lengths (Angstrom) and an H-O-H angle (degrees)."""
    theta = np.radians(angle)
    return Atoms(
        "OH2",
        positions=[
            [0.0, 0.0, 0.0],
            [first, 0.0, 0.0],
            [second * np.cos(theta), second * np.sin(theta), 0.0],
        ],
    )


def turned(atoms: Atoms, rng: np.random.Generator) -> Atoms:
    """Copy in a random orientation about its first atom."""
    copy = atoms.copy()
    origin = copy.positions[0].copy()
    copy.positions = origin + Rotation.random(random_state=rng).apply(copy.positions - origin)
    return copy


def nearest_contact(one: Atoms, other: Atoms) -> float:
    """Least distance (Angstrom) between atoms of two molecules."""
    return float(np.linalg.norm(one.positions[:, None] - other.positions, axis=-1).min())


def tagged(atoms: Atoms, config_type: str, group: str) -> Atoms:
    """Name the kind of frame, and the group that the split keeps together."""
    atoms.info = {"config_type": config_type, "group": group}
    return atoms


def sample_monomers() -> Iterator[Atoms]:
    """Distorted molecules: 40 near equilibrium, 25 with one or two bonds up to 1.8 Angstrom."""
    rng = np.random.default_rng(1)
    for number in range(65):
        near = number < 40
        bonds = rng.normal(0.97, 0.06, 2) if near else rng.uniform([0.8, 0.85], [1.8, 1.3])
        atoms = turned(bent_water(*bonds, rng.uniform(80.0, 140.0)), rng)
        yield tagged(atoms, "monomer", f"monomer-{number}")


def facing_pair(rng: np.random.Generator) -> tuple[Atoms, Atoms, np.ndarray]:
    """Two slightly distorted molecules in orientations that allow an O-O distance of 2.3."""
    while True:
        pair = [turned(bent_water(*rng.normal(0.97, 0.02, 2), rng.normal(104, 4)), rng)
                for _ in range(2)]  # fmt: skip
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        near = pair[1].copy()
        near.positions += 2.3 * direction
        if nearest_contact(pair[0], near) > 1.35:
            return pair[0], pair[1], direction


def sample_dimer_scans() -> Iterator[Atoms]:
    """Ten random mutual orientations, each at eight O-O distances from 2.3 to 7 Angstrom."""
    rng = np.random.default_rng(2)
    for number in range(10):
        first, second, direction = facing_pair(rng)
        for distance in (2.3, 2.5, 2.75, 3.05, 3.5, 4.2, 5.3, 7.0):
            moved = second.copy()
            moved.positions += distance * direction
            yield tagged(first + moved, "dimer_scan", f"dimer_scan-{number}")


def random_cluster(count: int, rng: np.random.Generator) -> Atoms:
    """Molecules in random orientations, each 2.7 to 3.3 Angstrom (O-O) from an earlier one."""
    molecules = [turned(molecule("H2O"), rng)]
    while len(molecules) < count:
        direction = rng.normal(size=3)
        step = direction / np.linalg.norm(direction) * rng.uniform(2.7, 3.3)
        trial = turned(molecule("H2O"), rng)
        neighbour = molecules[rng.integers(len(molecules))]
        trial.positions += neighbour.positions[0] + step - trial.positions[0]
        if min(nearest_contact(trial, other) for other in molecules) > 1.65:
            molecules.append(trial)
    cluster = molecules[0]
    for other in molecules[1:]:
        cluster = cluster + other
    cluster.positions -= cluster.get_center_of_mass()
    return cluster


def snapshots(atoms: Atoms, temperature: float, rng: np.random.Generator) -> Iterator[Atoms]:
    """GFN2-xTB Langevin dynamics; a soft wall on the oxygens keeps the cluster together."""
    oxygens = [i for i, symbol in enumerate(atoms.symbols) if symbol == "O"]
    wall = 2.2 + 0.4 * len(oxygens)
    atoms.set_constraint([Hookean(i, (0.0, 0.0, 0.0), 2.0, rt=wall) for i in oxygens])
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    thermalize_momenta(atoms, temperature, rng=rng)
    dynamics = Langevin(
        atoms,
        TIME_STEP * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=rng,
    )
    dynamics.run(EQUILIBRATION)
    for _ in range(SNAPSHOTS):
        dynamics.run(SPACING)
        yield Atoms(atoms.symbols, atoms.get_positions())


def sample_dynamics() -> Iterator[Atoms]:
    """Trajectories of dimers, trimers and tetramers at 200, 300, 400 and 500 K."""
    rng = np.random.default_rng(3)
    for config_type, count, trajectories in (
        ("dimer", 2, 20),
        ("trimer", 3, 15),
        ("tetramer", 4, 12),
    ):
        for number in range(trajectories):
            temperature = 200.0 + 100.0 * (number % 4)
            for atoms in snapshots(random_cluster(count, rng), temperature, rng):
                yield tagged(atoms, config_type, f"{config_type}-{number}")


def sample_isolated_atoms() -> Iterator[Atoms]:
    """Hydrogen and oxygen alone."""
    for symbol in UNPAIRED:
        yield tagged(Atoms(symbol, positions=[(0.0, 0.0, 0.0)]), "isolated_atom", symbol)


def sample_all(path: Path) -> None:
    """Write all structures, in a fixed random order, to `path`.

    The order is mixed so that an interrupted labelling is a fair sample of every kind.
    """
    samplers = (sample_isolated_atoms, sample_monomers, sample_dimer_scans, sample_dynamics)
    frames = [atoms for sampler in samplers for atoms in sampler()]
    order = np.random.default_rng(0).permutation(len(frames))
    write(path, [frames[i] for i in order], format="extxyz")


def structure_key(atoms: Atoms) -> str:
    """Hash of elements and positions (rounded to 1e-6 Angstrom), with the settings."""
    geometry = np.round(atoms.positions, 6) + 0.0
    content = atoms.numbers.tobytes() + geometry.tobytes() + FINGERPRINT.encode()
    return hashlib.sha256(content).hexdigest()[:16]


# --- labelling ------------------------------------------------------------------------------


def make_mean_field(atoms: Atoms, settings: dict[str, Any]) -> dft.rks.RKS:
    """The Kohn-Sham object of the set."""
    mol = gto.M(
        atom=list(zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)),
        basis=settings["basis"],
        spin=UNPAIRED[atoms[0].symbol] if len(atoms) == 1 else 0,
        verbose=0,
    )
    mean_field = dft.UKS(mol, xc="PBE") if len(atoms) == 1 else dft.RKS(mol, xc="PBE")
    if settings["density_fitting_basis"]:
        mean_field = mean_field.density_fit(auxbasis=settings["density_fitting_basis"])
    mean_field.disp = settings["dispersion"]
    mean_field.grids.level = settings["grid_level"]
    mean_field.conv_tol = settings["conv_tol_Ha"]
    return mean_field


def compute(atoms: Atoms, **changes: Any) -> dict[str, Any]:
    """Energy (eV), forces (eV/Angstrom), CPU seconds; `changes` overrides SETTINGS in checks."""
    before = time.process_time()
    mean_field = make_mean_field(atoms, SETTINGS | changes)
    energy = mean_field.kernel()
    if not mean_field.converged:
        raise RuntimeError("SCF not converged")
    gradient = mean_field.nuc_grad_method()
    gradient.grid_response = True
    forces = -gradient.kernel() * (units.Hartree / units.Bohr)
    return {
        "energy": energy * units.Hartree,
        "forces": forces.tolist(),
        "cpu_s": time.process_time() - before,
    }


def require_code() -> None:
    """Refuse to label with other versions than SETTINGS names."""
    found = version("pyscf"), version("pyscf-dispersion")
    if found != (SETTINGS["version"], SETTINGS["dispersion_version"]):
        raise SystemExit(f"settings name other versions: found {found}")


def read_labels(path: Path) -> dict[str, dict[str, Any]]:
    """Labels by structure key; a last line cut off by a kill is ignored."""
    labels = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        labels[record["key"]] = record
    return labels


def label_all(frames: Sequence[Atoms], path: Path) -> None:
    """Label what is not labelled yet, one appended line per structure."""
    done = read_labels(path)
    for number, atoms in enumerate(frames):
        key = structure_key(atoms)
        if key in done:
            continue
        record: dict[str, Any] = {"key": key, "config_type": atoms.info["config_type"]}
        try:
            record |= compute(atoms)
        except (RuntimeError, np.linalg.LinAlgError) as error:
            record["failed"] = str(error)
        with path.open("a") as stream:
            stream.write("\n" + json.dumps(record))
        print(time.strftime("%X"), number, record["config_type"],
              record.get("failed", f"{record.get('cpu_s', 0):.1f} s"), flush=True)  # fmt: skip


# --- checks ---------------------------------------------------------------------------------


def check_convergence(frames: Sequence[Atoms]) -> None:
    """Set's settings against exact Coulomb integrals, and against a finer grid."""
    for kind in ("dimer", "trimer"):
        pair = [atoms for atoms in frames if atoms.info["config_type"] == kind][:2]
        results = [compute(atoms) for atoms in pair]
        for name, changes in (
            ("no density fitting", {"density_fitting_basis": None}),
            ("grid level 5", {"grid_level": 5}),
        ):
            references = [compute(atoms, **changes) for atoms in pair]
            shifts = [
                (result["energy"] - reference["energy"]) / len(pair[0]) * 1e3
                for result, reference in zip(results, references, strict=True)
            ]
            force = max(
                np.abs(np.subtract(result["forces"], reference["forces"])).max() * 1e3
                for result, reference in zip(results, references, strict=True)
            )
            print(f"{kind} vs {name}: energy {shifts[0]:+.3f} {shifts[1]:+.3f} meV/atom, "
                  f"force {force:.2f} meV/A", flush=True)  # fmt: skip


def check_derivatives(frames: Sequence[Atoms]) -> None:
    """One force component against a central difference of the energy."""
    atoms = next(atoms for atoms in frames if atoms.info["config_type"] == "dimer")
    step = 0.005
    energies = []
    for sign in (1, -1):
        shifted = atoms.copy()
        shifted.positions[1, 0] += sign * step
        energies.append(compute(shifted, conv_tol_Ha=1e-11)["energy"])
    analytic = compute(atoms, conv_tol_Ha=1e-11)["forces"][1][0]
    print("force", analytic, "FD", -(energies[0] - energies[1]) / (2 * step), flush=True)


# --- writing --------------------------------------------------------------------------------


def labelled(frames: Sequence[Atoms], labels: dict[str, dict[str, Any]]) -> list[Atoms]:
    """Frames with their labels attached; failed and unfinished ones are printed and left out."""
    result = []
    for atoms in frames:
        record = labels.get(structure_key(atoms), {"failed": "not labelled"})
        forces = np.array(record.get("forces", [[np.inf]]))
        if "failed" in record or np.abs(forces).max() > MAX_FORCE:
            print("left out:", atoms.info["group"], record.get("failed", "large force"))
            continue
        frame = Atoms(atoms.symbols, atoms.positions, info=dict(atoms.info))
        frame.info["label_fingerprint"] = FINGERPRINT
        frame.calc = SinglePointCalculator(frame, energy=round(record["energy"], 8), forces=forces)
        result.append(frame)
    return result


def split(frames: Sequence[Atoms]) -> dict[str, list[Atoms]]:
    """80/10/10 within every config_type, by whole groups (one scan, one trajectory)."""
    parts: dict[str, list[Atoms]] = {"train": [], "valid": [], "test": []}
    for config_type in ("monomer", "dimer_scan", "dimer", "trimer", "tetramer"):
        kind = [atoms for atoms in frames if atoms.info["config_type"] == config_type]
        groups = sorted({atoms.info["group"] for atoms in kind})
        order = np.random.default_rng(20).permutation(groups)
        held_out = max(1, round(0.1 * len(groups)))
        for part, names in (
            ("valid", order[:held_out]),
            ("test", order[held_out : 2 * held_out]),
            ("train", order[2 * held_out :]),
        ):
            parts[part] += [atoms for atoms in kind if atoms.info["group"] in set(names)]
    parts["isolated_atoms"] = [a for a in frames if a.info["config_type"] == "isolated_atom"]
    return parts


def print_tables(parts: dict[str, list[Atoms]]) -> None:
    """Counts and ranges for the card, as Markdown."""
    for part, frames in parts.items():
        counts = Counter(atoms.info["config_type"] for atoms in frames)
        energies = [atoms.get_potential_energy() / len(atoms) for atoms in frames]
        forces = [np.abs(atoms.get_forces()).max() for atoms in frames]
        print(f"| {part} | {len(frames)} | {min(energies):.4f} to {max(energies):.4f} "
              f"| {max(forces):.3f} | {dict(counts)} |")  # fmt: skip


def write_all(parts: dict[str, list[Atoms]], folder: Path) -> None:
    """One extxyz file per part, and their checksums."""
    sums = []
    for part, frames in parts.items():
        path = folder / f"{part}.extxyz"
        write(path, frames, format="extxyz")
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (folder / "SHA256SUMS").write_text("".join(sums))


def main() -> None:
    """Command line: sample, label, check or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["sample", "label", "check", "write"])
    parser.add_argument("--scratch", type=Path, default=HERE / "scratch")
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    structures = arguments.scratch / "structures.extxyz"
    if arguments.action == "sample":
        sample_all(structures)
        return
    frames = read(structures, ":")
    labels = arguments.scratch / "labels.jsonl"
    if arguments.action == "write":
        parts = split(labelled(frames, read_labels(labels)))
        write_all(parts, arguments.output)
        print_tables(parts)
        return
    require_code()
    if arguments.action == "label":
        label_all(frames, labels)
    else:
        check_derivatives(frames)
        check_convergence(frames)


if __name__ == "__main__":
    main()
