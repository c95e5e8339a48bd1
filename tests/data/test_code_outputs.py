"""Outputs of DFT codes: units, signs, constraints, and calculations that did not end well."""

import numpy as np
import pytest
from ase.units import Bohr, GPa, Hartree, Rydberg

from mlip.data import LabelKeys, read_frames

# ------------------------------------------------------------------------------------------- VASP

VASP_STEP = """ <calculation>
  <scstep><energy><i name="e_fr_energy">{free}</i><i name="e_wo_entrp">0.0</i>
   <i name="e_0_energy">{zero}</i></energy></scstep>
  <structure><crystal><varray name="basis">
    <v>4.0 0.0 0.0</v><v>0.0 5.0 0.0</v><v>0.0 0.5 6.0</v></varray></crystal>
   <varray name="positions"><v>0.0 0.0 0.0</v><v>0.5 0.5 0.5</v></varray></structure>
  <varray name="forces"><v>0.1 0.2 0.3</v><v>-0.1 -0.2 -0.3</v></varray>
  <varray name="stress"><v>10.0 4.0 6.0</v><v>4.0 20.0 5.0</v><v>6.0 5.0 30.0</v></varray>
  <energy><i name="e_fr_energy">{free}</i></energy>
 </calculation>
"""
VASP_START = """<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
 <kpoints><varray name="kpointlist"><v>0.0 0.0 0.0</v></varray>
  <varray name="weights"><v>1.0</v></varray></kpoints>
 <parameters><i name="PSTRESS">0.0</i></parameters>
 <atominfo><array name="atoms"><set><rc><c>Li</c><c>1</c></rc><rc><c>F</c><c>2</c></rc></set>
 </array></atominfo>
 <structure name="initialpos"><crystal><varray name="basis">
    <v>4.0 0.0 0.0</v><v>0.0 5.0 0.0</v><v>0.0 0.5 6.0</v></varray></crystal>
  <varray name="positions"><v>0.0 0.0 0.0</v><v>0.5 0.5 0.5</v></varray>
  <varray name="selective"><v>F F F</v><v>T T T</v></varray></structure>
"""


def vasprun(tmp_path, steps, end="</modeling>\n"):
    path = tmp_path / "vasprun.xml"
    body = "".join(VASP_STEP.format(free=-9.0 - n, zero=-8.5 - n) for n in range(steps))
    path.write_text(VASP_START + body + end)
    return path


def test_vasp_energies_forces_and_the_sign_of_stress(tmp_path):
    frames = read_frames(vasprun(tmp_path, 2), require=["energy", "forces", "stress"])
    assert [float(frame.labels["energy"]) for frame in frames] == [-9.0, -10.0], "free energies"
    np.testing.assert_array_equal(frames[0].labels["forces"][0], [0.1, 0.2, 0.3])
    kbar = np.array([[10, 4, 6], [4, 20, 5], [6, 5, 30]])
    np.testing.assert_allclose(frames[0].labels["stress"], -kbar * 0.1 * GPa, rtol=1e-12)
    by_key = read_frames(vasprun(tmp_path, 1), LabelKeys(energy="energy"))
    assert by_key[0].labels["energy"] == -8.5


def test_vasp_that_was_killed(tmp_path):
    path = vasprun(tmp_path, 2, end=VASP_STEP.format(free=-1, zero=-1)[:200])
    frames = read_frames(path)
    assert len(frames) == 2
    assert "vasprun.xml ends early; its whole steps are used" in str(frames.labels_found)


def test_vasp_without_any_step(tmp_path):
    with pytest.raises(ValueError, match=r"vasprun.xml"):
        read_frames(vasprun(tmp_path, 0), require=["energy"])


# --------------------------------------------------------------------------------- Quantum ESPRESSO

QE = """
     Program PWSCF v.6.7 starts on 1Jan2020 at 0: 0: 0

     bravais-lattice index     =            0
     lattice parameter (alat)  =       8.0000  a.u.
     unit-cell volume          =     512.0000 (a.u.)^3
     number of atoms/cell      =            2
     number of atomic types    =            1

     celldm(1)=   8.000000  celldm(2)=   0.000000  celldm(3)=   0.000000
     celldm(4)=   0.000000  celldm(5)=   0.000000  celldm(6)=   0.000000

     crystal axes: (cart. coord. in units of alat)
               a(1) = (   1.000000   0.000000   0.000000 )
               a(2) = (   0.000000   1.000000   0.000000 )
               a(3) = (   0.000000   0.000000   1.000000 )

     reciprocal axes: (cart. coord. in units 2 pi/alat)
               b(1) = (  1.000000  0.000000  0.000000 )
               b(2) = (  0.000000  1.000000  0.000000 )
               b(3) = (  0.000000  0.000000  1.000000 )

     atomic species   valence    mass     pseudopotential
        Si             4.00    28.08550     Si( 1.00)

   Cartesian axes

     site n.     atom                  positions (alat units)
         1           Si  tau(   1) = (   0.0000000   0.0000000   0.0000000  )
         2           Si  tau(   2) = (   0.2500000   0.2500000   0.2500000  )

!    total energy              =     -15.75000000 Ry

     convergence has been achieved in   7 iterations

     Forces acting on atoms (cartesian axes, Ry/au):

     atom    1 type  1   force =     0.01000000    0.02000000   -0.03000000
     atom    2 type  1   force =    -0.01000000   -0.02000000    0.03000000

     Computing stress (Cartesian axis) and pressure

          total   stress  (Ry/bohr**3)                   (kbar)     P=       20.00
   0.00010000   0.00000000   0.00000000           14.71        0.00        0.00
   0.00000000   0.00020000   0.00001000            0.00       29.42        1.47
   0.00000000   0.00001000   0.00030000            0.00        1.47       44.13
"""


def espresso(tmp_path, text):
    path = tmp_path / "si.pwo"
    path.write_text(text)
    return path


def test_espresso_units_and_the_sign_of_stress(tmp_path):
    (frame,) = read_frames(espresso(tmp_path, QE), require=["energy", "forces", "stress"])
    assert frame.labels["energy"] == pytest.approx(-15.75 * Rydberg, rel=1e-6)
    expected = np.array([0.01, 0.02, -0.03]) * Rydberg / Bohr
    np.testing.assert_allclose(frame.labels["forces"][0], expected, rtol=1e-6)
    pressures = np.array([[1, 0, 0], [0, 2, 0.1], [0, 0.1, 3]]) * 1e-4 * Rydberg / Bohr**3
    np.testing.assert_allclose(frame.labels["stress"], -pressures, rtol=1e-6, atol=1e-12)


def test_espresso_that_did_not_converge(tmp_path):
    text = QE.replace("convergence has been achieved in", "convergence NOT achieved after")
    frames = read_frames(espresso(tmp_path, text))
    assert "1 self-consistent cycles did not converge" in str(frames.labels_found)


# -------------------------------------------------------------------------------------------- CP2K

CP2K = """ CP2K| version string:                                       CP2K version 2023.1
 CELL_TOP| Vector a [angstrom     5.000     0.000     0.000   |a| =     5.000000
 CELL| Volume [angstrom^3]:                                           143.000000
 CELL| Vector a [angstrom]:       5.000     0.000     0.000   |a| =     5.000000
 CELL| Vector b [angstrom]:       0.500     5.200     0.000   |b| =     5.223983
 CELL| Vector c [angstrom]:       0.000     0.300     5.500   |c| =     5.508176
 CELL| Periodicity                                                           XYZ

 MODULE QUICKSTEP: ATOMIC COORDINATES IN ANGSTROM

   Atom Kind Element         X             Y             Z       Z(eff)     Mass
      1    1 O     8      0.000000      0.000000      0.065500   6.0000  15.9994
      2    2 H     1      0.000000      0.757000     -0.520000   1.0000   1.0079



 ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:              -17.250000000000000

 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X              Y              Z
      1      1      O          -0.01000000     0.02000000     0.03000000
      2      2      H           0.01000000    -0.02000000    -0.03000000
 SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000

 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x        1.00000000000E-01   4.00000000000E-01  -2.00000000000E-01
 STRESS|      y        4.00000000000E-01   6.00000000000E+00   3.00000000000E-01
 STRESS|      z       -2.00000000000E-01   3.00000000000E-01   3.00000000000E+00
 STRESS| 1/3 Trace                                             3.03333333333E+00
"""
CP2K_NEWER_FORCES = """ FORCES| Atomic forces [hartree/bohr]
 FORCES|   Atom     x               y               z               |f|
 FORCES|      1 -1.00000000E-02  2.00000000E-02  3.00000000E-02  3.74165739E-02
 FORCES|      2  1.00000000E-02 -2.00000000E-02 -3.00000000E-02  3.74165739E-02
 FORCES| Sum     0.00000000E+00  0.00000000E+00  0.00000000E+00  0.00000000E+00
"""


def cp2k(tmp_path, text):
    path = tmp_path / "water.out"
    path.write_text(text)
    return path


def newer(text):
    start, stop = text.index(" ATOMIC FORCES"), text.index(" STRESS|")
    return text[:start].replace("[a.u.]:", "[hartree]") + CP2K_NEWER_FORCES + "\n" + text[stop:]


@pytest.mark.parametrize("version", [str, newer])
def test_cp2k_units_and_the_sign_of_stress(tmp_path, version):
    (frame,) = read_frames(cp2k(tmp_path, version(CP2K)), require=["energy", "forces", "stress"])
    assert frame.atoms.get_chemical_symbols() == ["O", "H"]
    assert frame.atoms.cell[2].tolist() == [0.0, 0.3, 5.5]
    assert frame.atoms.pbc.all()
    assert frame.labels["energy"] == pytest.approx(-17.25 * Hartree, rel=1e-15)
    expected = np.array([-0.01, 0.02, 0.03]) * Hartree / Bohr
    np.testing.assert_allclose(frame.labels["forces"][0], expected, rtol=1e-14)
    printed = np.array([[0.1, 0.4, -0.2], [0.4, 6.0, 0.3], [-0.2, 0.3, 3.0]])
    np.testing.assert_allclose(frame.labels["stress"], -printed * GPa, rtol=1e-14)


def test_cp2k_that_is_not_periodic(tmp_path):
    text = CP2K.replace("XYZ", "NONE")
    (frame,) = read_frames(cp2k(tmp_path, text))
    assert not frame.atoms.pbc.any()
    assert "stress" not in frame.labels


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" ENERGY|", " *** WARNING *** SCF run NOT converged ***\n ENERGY|", "did not converge"),
        (" ENERGY| Total", " nothing", "holds 0 energies, not one"),
        (" CELL| Periodicity", " nothing", "periodicity or coordinates are not printed"),
        (
            "\n\n ENERGY|",
            "\n\n ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]: -1.0\n ENERGY|",
            "2 e",
        ),
    ],
)
def test_cp2k_outputs_that_cannot_be_used(tmp_path, old, new, message):
    assert old in CP2K
    with pytest.raises(ValueError, match=message):
        read_frames(cp2k(tmp_path, CP2K.replace(old, new, 1)))


def cp2k_step(step, columns):
    lines = [f" i = {step:8d}, time = {0.5 * step:12.3f}, E = {-17.0 - step:20.10f}"]
    lines += [f"  {symbol} {' '.join(f'{x:20.10f}' for x in row)}" for symbol, row in columns]
    return "\n".join([f"{len(columns):8d}", *lines, ""])


def cp2k_trajectory(tmp_path, cells=(0, 1), forces=(0, 1)):
    rows = [("O", (0.0, 0.0, 0.1)), ("H", (0.0, 0.8, -0.5))]
    steps = "".join(cp2k_step(step, rows) for step in (0, 1))
    (tmp_path / "md-pos-1.xyz").write_text(steps)
    if forces:
        (tmp_path / "md-frc-1.xyz").write_text("".join(cp2k_step(s, rows) for s in forces))
    if cells:
        table = "".join(f" {s} {s / 2} 5 0 0 0.5 {5 + s} 0 0 0 6 150\n" for s in cells)
        (tmp_path / "md-1.cell").write_text("#   Step   Time [fs]  Ax [Angstrom]\n" + table)
    return tmp_path / "md-pos-1.xyz"


def test_cp2k_trajectory(tmp_path):
    frames = read_frames(cp2k_trajectory(tmp_path), require=["energy", "forces"])
    assert [float(f.labels["energy"]) for f in frames] == [-17 * Hartree, -18 * Hartree]
    expected = np.array([[0, 0, 0.1], [0, 0.8, -0.5]])
    np.testing.assert_array_equal(frames[0].atoms.positions, expected)
    np.testing.assert_allclose(frames[0].labels["forces"], expected * Hartree / Bohr, rtol=1e-14)
    assert frames[1].atoms.cell[1].tolist() == [0.5, 6.0, 0.0]
    assert frames[1].atoms.pbc.all()


def test_cp2k_trajectory_without_forces_or_with_some(tmp_path):
    frames = read_frames(cp2k_trajectory(tmp_path, forces=(1,)))
    assert ["forces" in frame.labels for frame in frames] == [False, True]
    (tmp_path / "md-frc-1.xyz").unlink()
    assert read_frames(tmp_path / "md-pos-1.xyz").labels_found.count("forces") == 0


@pytest.mark.parametrize(
    ("cells", "message"), [((), r"md-1.cell is needed too"), ((0,), r"step 1 has no cell in")]
)
def test_cp2k_trajectory_without_cells(tmp_path, cells, message):
    with pytest.raises(ValueError, match=message):
        read_frames(cp2k_trajectory(tmp_path, cells=cells))


def test_cp2k_trajectory_that_is_torn(tmp_path):
    path = cp2k_trajectory(tmp_path)
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(ValueError, match=r"md-pos-1.xyz: frame 1 \(line 5\) is torn"):
        read_frames(path)


@pytest.mark.parametrize("name", ["water", "water-frc-1"])
def test_cp2k_positions_are_not_taken_for_forces_nor_forces_for_positions(tmp_path, name):
    path = cp2k_trajectory(tmp_path).rename(tmp_path / f"{name}.xyz")
    (tmp_path / "md-1.cell").rename(tmp_path / f"{name}.cell")
    with pytest.raises(ValueError, match=rf"{name}\.xyz is .* not called PROJECT-pos-1\.xyz"):
        read_frames(path)


def test_a_cp2k_project_may_have_any_name(tmp_path):
    for path in (cp2k_trajectory(tmp_path), tmp_path / "md-frc-1.xyz", tmp_path / "md-1.cell"):
        path.rename(tmp_path / path.name.replace("md", "bulk-pos-md"))
    found = read_frames(tmp_path / "bulk-pos-md-pos-1.xyz").labels_found
    assert found.count("forces") == 2


def test_cp2k_forces_on_other_atoms(tmp_path):
    path = cp2k_trajectory(tmp_path)
    forces = tmp_path / "md-frc-1.xyz"
    forces.write_text("O".join(forces.read_text().rsplit("H", 1)))
    with pytest.raises(ValueError, match=r"step 1 has other atoms than in .*md-frc-1\.xyz"):
        read_frames(path)
