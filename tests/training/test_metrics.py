"""Errors agree with what one computes by hand, in the units that are printed."""

import json

import numpy as np
import pytest
from silicon import crystals, molecules

from mlip.data import Frame
from mlip.training.metrics import errors

RANDOM = np.random.default_rng(3)


def predicted(frame: Frame, **offsets: float) -> dict[str, np.ndarray]:
    """Labels moved by known amounts; a stress for every frame, labelled or not."""
    found = {n: np.asarray(v + offsets.get(n, 0.0)) for n, v in frame.labels.items()}
    return {"stress": np.zeros((3, 3)), **found}


def test_units() -> None:
    frames = crystals(3)
    found = errors([predicted(f, energy=0.016, forces=0.02, stress=0.003) for f in frames], frames)
    per_atom = [16.0 / len(f) for f in frames]
    assert found.overall["energy"].mae == pytest.approx(np.mean(per_atom), rel=1e-9)
    assert found.overall["energy"].unit == "meV/atom"
    assert found.overall["forces"].mae == pytest.approx(20.0, rel=1e-9)
    assert found.overall["forces"].rmse == pytest.approx(20.0, rel=1e-9)
    assert found.overall["forces"].unit == "meV/Å"
    assert found.overall["stress"].mae == pytest.approx(3.0, rel=1e-9)
    assert found.overall["stress"].unit == "meV/Å^3"
    assert found.overall["stress"].count == 18
    assert found.n_atoms == sum(map(len, frames))


def test_mae_rmse_and_largest_by_hand() -> None:
    frame = crystals(1)[0]
    noise = RANDOM.normal(size=(len(frame), 3))
    found = errors([{"forces": frame.labels["forces"] + noise}], [frame]).overall
    assert set(found) == {"forces"}
    assert found["forces"].mae == pytest.approx(1000 * np.abs(noise).mean(), rel=1e-9)
    assert found["forces"].rmse == pytest.approx(1000 * np.sqrt((noise**2).mean()), rel=1e-9)
    assert found["forces"].largest == pytest.approx(1000 * np.abs(noise).max(), rel=1e-9)


def test_groups() -> None:
    frames = [*crystals(2), *molecules(2)]
    predictions = [predicted(f, forces=0.01 * (1 + (f.config_type == "molecule"))) for f in frames]
    found = errors(predictions, frames)
    assert found.by_config_type["crystal"]["forces"].mae == pytest.approx(10.0, rel=1e-9)
    assert found.by_config_type["molecule"]["forces"].mae == pytest.approx(20.0, rel=1e-9)
    assert "stress" not in found.by_config_type["molecule"]
    assert found.by_element["H"]["forces"].mae == pytest.approx(20.0, rel=1e-9)
    assert found.by_element["H"]["forces"].count == 2 * 6 * 3
    assert set(found.by_element["Si"]) == {"forces"}


def test_the_worst_frames_come_first() -> None:
    frames = crystals(5)
    predictions = [predicted(f, forces=0.1 * i) for i, f in enumerate(frames)]
    worst = errors(predictions, frames).worst("forces", 2)
    assert [frame.source for frame in worst] == ["crystal.xyz#4", "crystal.xyz#3"]
    assert worst[0].rmse("forces") == pytest.approx(400.0, rel=1e-9)
    np.testing.assert_allclose(
        worst[0].predictions("forces"), predictions[4]["forces"].ravel(), rtol=1e-12
    )


def test_json_has_the_agreed_keys() -> None:
    frames = molecules(2)
    plain = json.loads(json.dumps(errors([predicted(f) for f in frames], frames).to_json()))
    assert set(plain) == {
        "energy", "forces", "n_structures", "n_atoms", "by_config_type", "by_element"
    }  # fmt: skip
    assert plain["energy"] == {"mae": 0.0, "rmse": 0.0, "unit": "meV/atom"}
    assert (plain["n_structures"], plain["n_atoms"]) == (2, 16)


def test_numbers_that_do_not_fit_are_errors() -> None:
    frames = crystals(2)
    with pytest.raises(ValueError, match="1 predictions for 2 frames"):
        errors([predicted(frames[0])], frames)
    with pytest.raises(ValueError, match=r"energy of crystal\.xyz#1 is not finite"):
        errors([predicted(frames[0]), predicted(frames[1], energy=np.nan)], frames)
