"""The config: short to write, strict to read, documented field by field."""

import json
from typing import Any

import pytest
import yaml

from mlip.settings import SettingsError, parse_settings
from mlip.training.config import EXAMPLE, TrainingConfig

MINIMAL: dict[str, Any] = {
    "data": {"train": ["train.extxyz"]},
    "model": {"name": "behler_parrinello", "descriptor": {"name": "soap", "cutoff": 4.0}},
}


def test_the_example_is_short_and_valid() -> None:
    assert len(EXAMPLE.splitlines()) < 40
    config = parse_settings(TrainingConfig, yaml.safe_load(EXAMPLE))
    assert config.model.name == "behler_parrinello"
    assert config.loss.required() == ("energy", "forces")


def test_little_is_needed() -> None:
    config = parse_settings(TrainingConfig, MINIMAL)
    assert set(config.loss.terms()) == {"energy", "forces", "stress"}
    assert config.loss.required() == ()


def test_data_and_model_come_first_when_written() -> None:
    config = parse_settings(TrainingConfig, MINIMAL)
    assert list(config.model_dump())[:3] == ["data", "model", "loss"]


def test_a_config_survives_writing_and_reading() -> None:
    config = parse_settings(TrainingConfig, yaml.safe_load(EXAMPLE))
    again = yaml.safe_load(yaml.safe_dump(config.model_dump(mode="json")))
    assert parse_settings(TrainingConfig, again) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "epochs"),
        ({"loss": {"energy": {"wieght": 1}}}, "did you mean 'weight'"),
        ({"loss": {"energy": {"weight": -1}}}, "weight"),
        ({"optimiser": {"name": "sgd"}}, "optimiser.name"),
        ({"optimiser": {"betas": [0.9, 1.0]}}, "optimiser.betas.1: must be less than 1"),
        ({"schedule": {"name": "plateau", "final": 1}}, "did you mean 'final_fraction'"),
        ({"dtype": "float16"}, "dtype"),
        ({"ema": 1.0}, "ema"),
        ({"data": {"train": []}}, "data.train"),
        ({"data": {"train": ["a"], "valid": 1.5}}, "data.valid"),
        ({"data": {"train": ["a"], "reference_energies": {"Xx": 1.0}}}, "Xx"),
        ({"data": {"train": ["a"], "reference_energies": "atomic"}}, "reference_energies"),
    ],
)
def test_mistakes_are_errors_that_say_where(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_settings(TrainingConfig, MINIMAL | change)


def test_every_field_is_described() -> None:
    schema = TrainingConfig.model_json_schema()
    own = {"FitConfig", "TrainingConfig", "DataConfig", "LossConfig", "LossTerm", "Stage",
           "OptimiserConfig", "Constant", "Cosine", "Plateau", "LoggersConfig"}  # fmt: skip
    parts = {"TrainingConfig": schema} | schema["$defs"]
    assert own - {"FitConfig"} <= set(parts)
    missing = [
        f"{name}.{field}"
        for name in own & set(parts)
        for field, content in parts[name]["properties"].items()
        if "description" not in content and field != "name"
    ]
    assert missing == []
    json.dumps(schema)


def test_what_may_change_in_a_run_that_is_continued() -> None:
    base = parse_settings(TrainingConfig, MINIMAL)
    free: list[dict[str, Any]] = [
        {"epochs": 7},
        {"device": "cuda"},
        {"checkpoint_minutes": 1.0},
        {"loggers": {"tensorboard": True}},
        {"data": {"train": ["moved.extxyz"]}},
    ]
    for change in free:
        assert parse_settings(TrainingConfig, MINIMAL | change).identity() == base.identity()
    for change in ({"seed": 1}, {"dtype": "float64"}, {"batch_atoms": 5}, {"ema": 0.0}):
        assert parse_settings(TrainingConfig, MINIMAL | change).identity() != base.identity()


@pytest.mark.parametrize(("atoms", "expected"), [(10, 8), (2000, 20), (1_000_000, 256)])
def test_batches_suit_the_data_unless_they_are_set(atoms: int, expected: int) -> None:
    base = parse_settings(TrainingConfig, MINIMAL)
    assert base.with_batches_for(atoms).batch_atoms == expected
    fixed = parse_settings(TrainingConfig, MINIMAL | {"batch_atoms": 33})
    assert fixed.with_batches_for(atoms).batch_atoms == 33


def test_paths_are_relative_to_the_config(tmp_path) -> None:
    config = parse_settings(TrainingConfig, MINIMAL | {"data": {"train": ["a.xyz", "/b.xyz"]}})
    moved = config.data.relative_to(tmp_path)
    assert moved.train == (str(tmp_path / "a.xyz"), "/b.xyz")
    assert moved.valid == 0.1


def test_a_stage_may_lower_the_rate() -> None:
    stages = [{"from_epoch": 3, "loss": {}, "rate": 0.1}, {"from_epoch": 5, "loss": {}}]
    config = parse_settings(TrainingConfig, MINIMAL | {"stages": stages})
    assert [config.rate_at(epoch) for epoch in (0, 2, 3, 4, 5)] == [1.0, 1.0, 0.1, 0.1, 1.0]
