"""Make the silicon data set from nothing: sample, label with Quantum ESPRESSO, split, write.

    python generate.py label --pseudo-dir DIR     # appends to labels.jsonl, resumes when killed
    python generate.py check --pseudo-dir DIR     # convergence and finite-difference tests
    python generate.py write                      # extxyz files, SHA256SUMS, the card's tables

Sampling uses one fixed seed per group, so a group does not change when another one does. A label
is stored under the hash of its structure and of the DFT settings: nothing is labelled twice, and
labels of other settings are never mixed in. Failed calculations are stored as failed and left out.
"""

import argparse
import functools
import hashlib
import json
import resource
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.espresso import Espresso, EspressoProfile
from ase.calculators.singlepoint import SinglePointCalculator
from ase.geometry import find_mic
from ase.io import write
from ase.neighborlist import neighbor_list
from ase.units import GPa

HERE = Path(__file__).parent
PSEUDOPOTENTIAL = "Si.pbe-nl-rrkjus_psl.1.0.0.UPF"
# A k-point spacing (1/Angstrom) instead of a grid: every cell is sampled alike. 0.36 gives the
# 6x6x6 grid for two-atom cells; the card has the errors that are left.
SETTINGS: dict[str, Any] = {
    "code": "Quantum ESPRESSO pw.x",
    "version": "6.7MaX",
    "functional": "PBE",
    "pseudopotential": PSEUDOPOTENTIAL,
    "pseudopotential_sha256": ("2bd1a6a56a5231397d3d090c5009683b9e2caeebd80ebaa8452b1cf228ed2d27"),
    "ecutwfc_Ry": 25.0,
    "ecutrho_Ry": 150.0,
    "smearing": "marzari-vanderbilt",
    "degauss_Ry": 0.02,
    "conv_thr_Ry": 1e-8,
    "kpoint_spacing_per_angstrom": 0.36,
    "kpoint_grid": "shifted by half a step",
    "scf_must_converge": True,
}
FINGERPRINT = hashlib.sha256(
    json.dumps(SETTINGS, sort_keys=True, separators=(",", ":")).encode()
).hexdigest()

LATTICE_CONSTANT = 5.47  # Angstrom, PBE diamond
DISPLACEMENT_300K = 0.076  # Angstrom, rms per component of silicon at 300 K; grows as sqrt(T)
LIQUID_VOLUME = 18.3  # cubic Angstrom per atom, about the density of the melt
CLOSEST = 1.8  # Angstrom, least distance in a rattled crystal
FRAMES = 230  # label this many of the sampled structures, in the order of `sample_all`
LATENESS = ((3, 1.0), (4, 1.0), (8, 1.3), (16, 10.0))  # up to so many atoms: later by this factor
MAX_FORCE = 30.0  # eV/Angstrom: above this a frame is rejected
ISOLATED_BOX = (10.0, 10.5, 11.0)  # Angstrom; unequal edges, so that no symmetry is imposed


# --- sampling -------------------------------------------------------------------------------


def diamond(repeat: tuple[int, int, int] = (1, 1, 1), volume: float = 1.0) -> Atoms:
    """Diamond crystal in repeated primitive cells; `volume` is relative to equilibrium."""
    return bulk("Si", "diamond", a=LATTICE_CONSTANT * volume ** (1 / 3)) * repeat


def rattled(atoms: Atoms, amplitude: float, rng: np.random.Generator) -> Atoms:
    """Copy with normal displacements of standard deviation `amplitude` (Angstrom).

    Drawn again while two atoms are nearer than CLOSEST: such a frame says little about silicon.
    """
    while True:
        moved = atoms.copy()
        moved.positions += rng.normal(0.0, amplitude, moved.positions.shape)
        if not len(neighbor_list("i", moved, CLOSEST)):
            return moved


def strained(atoms: Atoms, largest: float, rng: np.random.Generator) -> Atoms:
    """Copy under a random symmetric strain with components up to `largest`."""
    strain = rng.uniform(-largest, largest, (3, 3))
    deformed = atoms.copy()
    deformed.set_cell(atoms.cell.array @ (np.eye(3) + (strain + strain.T) / 2), scale_atoms=True)
    return deformed


def sample_eos() -> Iterator[Atoms]:
    """Equation of state of the primitive cell, -12 % to +12 % in volume."""
    for volume in np.linspace(0.88, 1.12, 13):
        yield diamond(volume=volume)


def sample_strain() -> Iterator[Atoms]:
    """Strained two- and four-atom cells; isotropic part up to 12 % so the EOS range is covered."""
    rng = np.random.default_rng(1)
    for repeat, count in (((1, 1, 1), 100), ((2, 1, 1), 22)):
        for _ in range(count):
            cell = diamond(repeat, volume=rng.uniform(0.88, 1.12))
            yield rattled(strained(cell, 0.06, rng), rng.uniform(0.01, 0.06), rng)


def sample_rattled() -> Iterator[Atoms]:
    """Rattled crystals: fixed amplitudes (0.02 to 0.25 Angstrom), then 300 to 1500 K."""
    rng = np.random.default_rng(2)
    for repeat, fixed, thermal in (((2, 1, 1), 18, 12), ((2, 2, 1), 18, 14), ((2, 2, 2), 4, 4)):
        amplitudes = [
            *np.linspace(0.02, 0.25, fixed),
            *(DISPLACEMENT_300K * np.sqrt(np.linspace(1.0, 5.0, thermal))),
        ]
        for amplitude in amplitudes:
            yield rattled(diamond(repeat, rng.uniform(0.92, 1.08)), amplitude, rng)


def sample_vacancy() -> Iterator[Atoms]:
    """Crystals with one atom removed, rattled: 7 atoms (8 minus 1) and 15 (16 minus 1)."""
    rng = np.random.default_rng(3)
    for repeat, count in (((2, 2, 1), 10), ((2, 2, 2), 4)):
        for _ in range(count):
            cell = diamond(repeat, rng.uniform(0.94, 1.06))
            del cell[0]
            yield rattled(cell, rng.uniform(0.03, 0.18), rng)


def other_phases() -> list[Atoms]:
    """Two-atom cells of beta-tin, simple cubic, bcc and fcc near their PBE volumes."""
    a, c = 4.81, 2.65
    beta_tin = Atoms(
        "Si2",
        cell=[[-a / 2, a / 2, c / 2], [a / 2, -a / 2, c / 2], [a / 2, a / 2, -c / 2]],
        scaled_positions=[[0.0, 0.0, 0.0], [0.75, 0.25, 0.5]],
        pbc=True,
    )
    simple_cubic = bulk("SiSi", "rocksalt", a=2 * 2.53)
    body_centred = bulk("Si", "bcc", a=3.09, cubic=True)
    face_centred = bulk("Si", "fcc", a=3.87, orthorhombic=True)
    return [beta_tin, simple_cubic, body_centred, face_centred]


def sample_phase() -> Iterator[Atoms]:
    """Each other phase at four volumes, slightly strained and rattled."""
    rng = np.random.default_rng(4)
    for phase in other_phases():
        for volume in (0.92, 0.98, 1.04, 1.10):
            cell = phase.copy()
            cell.set_cell(phase.cell.array * volume ** (1 / 3), scale_atoms=True)
            yield rattled(strained(cell, 0.02, rng), 0.04, rng)


def random_packing(cell: np.ndarray, count: int, closest: float, rng: np.random.Generator) -> Atoms:
    """Atoms put one after the other at random, no two nearer than `closest` (Angstrom)."""
    while True:
        positions: list[np.ndarray] = []
        for trial in rng.random((4000, 3)) @ cell:
            near = [find_mic(trial - other, cell)[1] for other in positions]
            if min(near, default=np.inf) > closest:
                positions.append(trial)
            if len(positions) == count:
                return Atoms(f"Si{count}", positions, cell=cell, pbc=True)


def sample_liquid() -> Iterator[Atoms]:
    """Disordered snapshots at about the density of the melt: 8 and 16 atoms."""
    rng = np.random.default_rng(5)
    for repeat, count in (((2, 2, 1), 12), ((2, 2, 2), 2)):
        crystal = diamond(repeat)
        for _ in range(count):
            volume = LIQUID_VOLUME * rng.uniform(0.95, 1.1) * len(crystal)
            cell = crystal.cell.array * (volume / crystal.get_volume()) ** (1 / 3)
            yield random_packing(cell, len(crystal), rng.uniform(2.1, 2.3), rng)


def sample_isolated_atom() -> Iterator[Atoms]:
    """One atom in a box, to be labelled spin-polarised (3s2 3p2, two unpaired electrons)."""
    yield Atoms("Si", positions=[np.array(ISOLATED_BOX) / 2], cell=ISOLATED_BOX, pbc=True)


SAMPLERS: dict[str, Callable[[], Iterator[Atoms]]] = {
    "eos": sample_eos,
    "strain": sample_strain,
    "rattled": sample_rattled,
    "vacancy": sample_vacancy,
    "phase": sample_phase,
    "liquid": sample_liquid,
    "isolated_atom": sample_isolated_atom,
}


def sample_all() -> list[Atoms]:
    """The structures with `config_type` set, in the order of labelling.

    Every kind and size advances evenly, larger cells later, since their cost grows with the cube
    of their size: an interrupted run is a usable mixture at every moment.
    """
    ranked = []
    for config_type, sampler in SAMPLERS.items():
        frames = list(sampler())
        seen: Counter[int] = Counter()
        for i in np.random.default_rng(0).permutation(len(frames)):
            size = len(frames[i])
            frames[i].info["config_type"] = config_type
            total = sum(len(atoms) == size for atoms in frames)
            lateness = next(factor for largest, factor in LATENESS if size <= largest)
            ranked.append((lateness * (seen[size] + 0.5) / total, len(ranked), frames[i]))
            seen[size] += 1
    ranked.sort(key=lambda entry: entry[:2])
    return [atoms for _, _, atoms in ranked[:FRAMES]]


def structure_key(atoms: Atoms) -> str:
    """Hash of elements, positions and cell (rounded to 1e-6 Angstrom), with the settings."""
    geometry = np.round(np.vstack([atoms.cell.array, atoms.positions]), 6) + 0.0
    content = atoms.numbers.tobytes() + geometry.tobytes() + FINGERPRINT.encode()
    return hashlib.sha256(content).hexdigest()[:16]


# --- labelling ------------------------------------------------------------------------------


def kpoint_grid(atoms: Atoms, spacing: float) -> tuple[int, int, int]:
    """Smallest grid with steps no longer than `spacing` (1/Angstrom, 2 pi included).

    Odd numbers are as welcome as even ones: a doubled cell with half the points along it then has
    the very k points of the small one, so energies of cells of different size can be compared.
    """
    lengths = 2 * np.pi * np.linalg.norm(atoms.cell.reciprocal(), axis=1)
    n1, n2, n3 = (int(np.ceil(length / spacing)) for length in lengths)
    return n1, n2, n3


def make_calculator(
    atoms: Atoms, pseudo_dir: Path, scratch: Path, changes: dict[str, Any]
) -> Espresso:
    """The one calculator of the set; `changes` overrides SETTINGS in convergence tests only."""
    settings = SETTINGS | changes
    isolated = len(atoms) == 1
    system = {
        "ecutwfc": settings["ecutwfc_Ry"],
        "ecutrho": settings["ecutrho_Ry"],
        "occupations": "smearing",
        "smearing": settings["smearing"],
        "degauss": settings["degauss_Ry"],
    }
    if isolated:
        system |= {"nspin": 2, "tot_magnetization": 2.0, "starting_magnetization(1)": 0.5}
    grid = settings.get("grid") or kpoint_grid(atoms, settings["kpoint_spacing_per_angstrom"])
    return Espresso(
        profile=EspressoProfile(command="pw.x", pseudo_dir=str(pseudo_dir)),
        directory=str(scratch / "pw"),
        pseudopotentials={"Si": PSEUDOPOTENTIAL},
        kpts=None if isolated else grid,
        koffset=(0, 0, 0) if isolated else (1, 1, 1),
        input_data={
            "control": {"tprnfor": True, "tstress": not isolated, "disk_io": "none"},
            "system": system,
            "electrons": {"conv_thr": settings["conv_thr_Ry"], "scf_must_converge": True},
        },
    )


def compute(
    atoms: Atoms, pseudo_dir: Path, scratch: Path, changes: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Energy (eV), forces (eV/Angstrom), stress (eV/Angstrom^3, Voigt) and CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    work = atoms.copy()
    work.calc = make_calculator(atoms, pseudo_dir, scratch, changes or {})
    result = {"energy": work.get_potential_energy(), "forces": work.get_forces().tolist()}
    if len(atoms) > 1:
        result["stress"] = work.get_stress().tolist()
    result["cpu_s"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return result


def require_code(pseudo_dir: Path) -> None:
    """Refuse to label with another code version or pseudopotential than SETTINGS names."""
    version = EspressoProfile(command="pw.x", pseudo_dir=str(pseudo_dir)).version()
    digest = hashlib.sha256((pseudo_dir / PSEUDOPOTENTIAL).read_bytes()).hexdigest()
    if f"{version}" != SETTINGS["version"] or digest != SETTINGS["pseudopotential_sha256"]:
        raise SystemExit(f"settings name another code or file: found {version}, {digest}")


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


def label_all(frames: Sequence[Atoms], pseudo_dir: Path, scratch: Path) -> None:
    """Label what is not labelled yet, one appended line per structure."""
    path = scratch / "labels.jsonl"
    done = read_labels(path)
    for number, atoms in enumerate(frames):
        key = structure_key(atoms)
        if key in done:
            continue
        record: dict[str, Any] = {"key": key, "config_type": atoms.info["config_type"]}
        try:
            record |= compute(atoms, pseudo_dir, scratch)
        except (subprocess.CalledProcessError, RuntimeError, OSError) as error:
            record["failed"] = str(error)
        with path.open("a") as stream:
            stream.write("\n" + json.dumps(record))
        print(time.strftime("%X"), number, record["config_type"], len(atoms),
              record.get("failed", f"{record.get('cpu_s', 0):.1f} s"), flush=True)  # fmt: skip


# --- checks ---------------------------------------------------------------------------------


def compare(name: str, result: dict[str, Any], reference: dict[str, Any], atoms: int) -> None:
    """Print the errors of `result` against `reference`."""
    energy = (result["energy"] - reference["energy"]) / atoms * 1e3
    force = np.abs(np.subtract(result["forces"], reference["forces"])).max() * 1e3
    stress = np.abs(np.subtract(result["stress"], reference["stress"])).max() / GPa
    print(f"{name}: energy {energy:+.2f} meV/atom, force {force:.1f} meV/A, "
          f"stress {stress:.3f} GPa, {result['cpu_s']:.0f} s", flush=True)  # fmt: skip


def check_cases() -> dict[str, Atoms]:
    """Frames of the set that the convergence tests use."""
    frames = sample_all()

    def first(config_type: str, size: int, count: int) -> list[Atoms]:
        group = [a for a in frames if (a.info["config_type"], len(a)) == (config_type, size)]
        return group[:count]

    chosen = first("strain", 2, 3) + first("phase", 2, 2) + first("strain", 4, 1)
    chosen += first("rattled", 4, 1)
    return {f"{i} {a.info['config_type']} {len(a)}": a for i, a in enumerate(chosen)}


def check_cutoff(evaluate: Callable[..., dict[str, Any]]) -> None:
    """Set's cut-off against a converged one, for the two-atom cases."""
    for name, atoms in check_cases().items():
        if len(atoms) == 2:
            higher = evaluate(atoms, changes={"ecutwfc_Ry": 45.0, "ecutrho_Ry": 300.0})
            compare(f"{name} cut-off 25 vs 45 Ry", evaluate(atoms), higher, len(atoms))


def check_kpoints(evaluate: Callable[..., dict[str, Any]]) -> None:
    """Set's k-point grid against one with twice the steps (at most 10)."""
    for name, atoms in check_cases().items():
        grid = kpoint_grid(atoms, SETTINGS["kpoint_spacing_per_angstrom"])
        denser = tuple(min(2 * n, 10) for n in grid)
        reference = evaluate(atoms, changes={"grid": denser})
        compare(f"{name} k {grid} vs {denser}", evaluate(atoms), reference, len(atoms))


def check_derivatives(evaluate: Callable[..., dict[str, Any]]) -> None:
    """One force and two stress components against central differences of the energy.

    The cell is sheared to begin with: on a symmetric lattice pw.x symmetrises the k points, so a
    small shear would change the set of k points, and the difference would not be a derivative.
    """
    rng = np.random.default_rng(11)
    atoms = rattled(strained(diamond(volume=0.95), 0.04, rng), 0.1, rng)
    tight = {"conv_thr_Ry": 1e-9, "grid": kpoint_grid(atoms, 0.58)}
    result = evaluate(atoms, changes=tight)
    step = 0.01
    moved = []
    for sign in (1, -1):
        shifted = atoms.copy()
        shifted.positions[1, 0] += sign * step
        moved.append(evaluate(shifted, changes=tight)["energy"])
    print("force", result["forces"][1][0], "FD", -(moved[0] - moved[1]) / (2 * step))
    for component, axes in ((0, (0, 0)), (5, (0, 1))):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[axes] += sign * 0.0025
            strain[axes[::-1]] += sign * 0.0025
            deformed = atoms.copy()
            deformed.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(evaluate(deformed, changes=tight)["energy"])
        numeric = (energies[0] - energies[1]) / 0.01 / atoms.get_volume()
        print("stress", component, result["stress"][component], "FD", numeric, flush=True)


# --- writing --------------------------------------------------------------------------------


def labelled(frames: Sequence[Atoms], labels: dict[str, dict[str, Any]]) -> list[Atoms]:
    """Frames with their labels attached; failed and unfinished ones are printed and left out."""
    result = []
    for atoms in frames:
        record = labels.get(structure_key(atoms), {"failed": "not labelled"})
        forces = np.array(record.get("forces", [[np.inf]]))
        if "failed" in record or np.abs(forces).max() > MAX_FORCE:
            print("left out:", atoms.info["config_type"], record.get("failed", "large force"))
            continue
        frame = atoms.copy()
        frame.info["label_fingerprint"] = FINGERPRINT
        values = {"energy": round(record["energy"], 8), "forces": forces}
        if "stress" in record:
            values["stress"] = np.round(record["stress"], 10)
        if len(frame) == 1:  # the box is an artefact of plane waves
            frame.set_cell(None)
            frame.pbc = False
        frame.calc = SinglePointCalculator(frame, **values)
        result.append(frame)
    return result


def split(frames: Sequence[Atoms]) -> dict[str, list[Atoms]]:
    """80/10/10 within every config_type. Frames are independent draws, so any may be apart."""
    parts: dict[str, list[Atoms]] = {"train": [], "valid": [], "test": []}
    for config_type in ("strain", "rattled", "vacancy", "phase", "liquid"):
        group = [atoms for atoms in frames if atoms.info["config_type"] == config_type]
        order = np.random.default_rng(20).permutation(len(group))
        held_out = max(1, round(0.1 * len(group)))
        parts["valid"] += [group[i] for i in order[:held_out]]
        parts["test"] += [group[i] for i in order[held_out : 2 * held_out]]
        parts["train"] += [group[i] for i in order[2 * held_out :]]
    eos = [atoms for atoms in frames if atoms.info["config_type"] == "eos"]
    parts["eos"] = sorted(eos, key=Atoms.get_volume)
    parts["isolated_atoms"] = [a for a in frames if a.info["config_type"] == "isolated_atom"]
    return parts


def print_tables(parts: dict[str, list[Atoms]]) -> None:
    """Counts and ranges for the card, as Markdown."""
    for part, frames in parts.items():
        counts = Counter(atoms.info["config_type"] for atoms in frames)
        energies = [atoms.get_potential_energy() / len(atoms) for atoms in frames]
        forces = [np.abs(atoms.get_forces()).max() for atoms in frames]
        volumes = [atoms.get_volume() / len(atoms) for atoms in frames if atoms.pbc.all()]
        span = f"{min(volumes):.2f} to {max(volumes):.2f}" if volumes else "-"
        print(f"| {part} | {len(frames)} | {min(energies):.4f} to {max(energies):.4f} "
              f"| {max(forces):.3f} | {span} | {dict(counts)} |")  # fmt: skip


def write_all(parts: dict[str, list[Atoms]], folder: Path) -> None:
    """One extxyz file per part, and their checksums."""
    sums = []
    for part, frames in parts.items():
        path = folder / f"{part}.extxyz"
        write(path, frames, format="extxyz")
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (folder / "SHA256SUMS").write_text("".join(sums))


def main() -> None:
    """Command line: label, check or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["label", "check", "write"])
    parser.add_argument("--pseudo-dir", type=Path, default=Path("/usr/share/espresso/pseudo"))
    parser.add_argument("--scratch", type=Path, default=HERE / "scratch")
    parser.add_argument("--output", type=Path, default=HERE)
    arguments = parser.parse_args()
    arguments.scratch.mkdir(parents=True, exist_ok=True)
    if arguments.action == "write":
        labels = read_labels(arguments.scratch / "labels.jsonl")
        parts = split(labelled(sample_all(), labels))
        write_all(parts, arguments.output)
        print_tables(parts)
        return
    if shutil.which("pw.x") is None:
        raise SystemExit("pw.x is not on the path")
    require_code(arguments.pseudo_dir)
    if arguments.action == "label":
        label_all(sample_all(), arguments.pseudo_dir, arguments.scratch)
    else:
        evaluate = functools.partial(
            compute, pseudo_dir=arguments.pseudo_dir, scratch=arguments.scratch
        )
        check_derivatives(evaluate)
        check_cutoff(evaluate)
        check_kpoints(evaluate)


if __name__ == "__main__":
    main()
