"""Every label says what it was made with, and two kinds of labels do not mix."""

from pathlib import Path

import pytest
from labels import label, request

from mlip.active_learning.labelling.config import CalculatorConfig, laid_over
from mlip.active_learning.labelling.fingerprint import (
    Fingerprint,
    MixedLabelsError,
    differing,
    plain_digest,
    require_one,
)
from mlip.settings import SettingsError, parse_settings


def fingerprint(**changes) -> Fingerprint:
    content = {"code": "VASP", "version": "6.4.2", "dft": True,
               "settings": {"kwargs": {"encut": 400, "kpts": [2, 2, 2]}},
               "files": {"Si.upf": "4567"}}  # fmt: skip
    return parse_settings(Fingerprint, content | changes)


def config(**content) -> CalculatorConfig:
    return parse_settings(CalculatorConfig, content)


def test_a_label_says_code_version_and_settings(tmp_path: Path) -> None:
    found = label(tmp_path, kwargs={"k": 2.0}).last.fingerprint
    assert found is not None
    assert found.code == "Springs"
    assert found.version.startswith("analytic.py ")
    assert found.settings["kwargs"] == {"k": 2.0}


def test_the_version_can_be_declared(tmp_path: Path) -> None:
    found = label(tmp_path, version="of my own").last.fingerprint
    assert found is not None
    assert found.version == "of my own"


def test_what_does_not_change_the_numbers_does_not_change_the_fingerprint(tmp_path: Path) -> None:
    changes = {"threads": 2, "time_limit": 1.0, "keep_output": True, "properties": ["energy"]}
    one, other = label(tmp_path / "a"), label(tmp_path / "b", **changes)
    assert one.last.fingerprint == other.last.fingerprint


def test_equal_fingerprints_are_one() -> None:
    assert require_one([fingerprint()] * 3) == fingerprint()
    assert fingerprint().digest == fingerprint().digest
    assert plain_digest({"a": 1, "b": 2}) == plain_digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": "6.5.0"}, "version: '6.4.2' / '6.5.0'"),
        ({"code": "CP2K"}, "code: 'VASP' / 'CP2K'"),
        (
            {"settings": {"kwargs": {"encut": 500, "kpts": [2, 2, 2]}}},
            "settings.kwargs.encut: 400 / 500",
        ),
        ({"files": {"Si.upf": "0123"}}, "files.Si.upf: '4567' / '0123'"),
    ],
)
def test_different_fingerprints_are_an_error_that_says_where(changes: dict, told: str) -> None:
    assert fingerprint(**changes).digest != fingerprint().digest
    with pytest.raises(MixedLabelsError) as refused:
        require_one([fingerprint(), fingerprint(), fingerprint(**changes)])
    text = str(refused.value)
    assert told in text
    assert "2 labels of VASP 6.4.2" in text


def test_of_lists_of_settings_only_what_differs_is_told() -> None:
    cold, hot = {"name": "md", "temperature": 300}, {"name": "md", "temperature": 600}
    script = {"name": "script"}
    assert differing([{"explore": [script, cold]}, {"explore": (script, hot)}]) == [
        "explore.1.temperature: 300 / 600"
    ]
    assert differing([{"explore": [cold]}, {"explore": [cold, script]}]) == [
        f"explore: {[cold]} / {[cold, script]}"
    ]


def test_no_labels_at_all_are_an_error_of_their_own() -> None:
    with pytest.raises(ValueError, match="a part of the data has no labels") as refused:
        require_one([])
    assert not isinstance(refused.value, MixedLabelsError)


def test_a_preset_is_its_factory_with_keywords_laid_over() -> None:
    preset = config(preset="espresso", command="mpirun -np 4 pw.x",
                    kwargs={"input_data": {"system": {"ecutwfc": 40}}})  # fmt: skip
    whole = preset.resolved()
    assert whole.factory == "ase.calculators.espresso:Espresso"
    assert whole.kwargs["input_data"]["system"]["ecutwfc"] == 40
    assert whole.kwargs["input_data"]["system"]["degauss"] == 0.02
    assert whole.command == "mpirun -np 4 pw.x"
    assert preset.settings() == whole.settings()


def test_laying_over_changes_neither() -> None:
    below = {"a": {"b": 1}, "c": 2}
    above = {"a": {"d": 3}, "c": {"e": 4}}
    assert laid_over(below, above) == {"a": {"b": 1, "d": 3}, "c": {"e": 4}}
    assert below == {"a": {"b": 1}, "c": 2}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "either a preset or a factory"),
        ({"preset": "pyscf", "factory": "a:B"}, "either a preset or a factory"),
        ({"factory": "ase.calculators.emt.EMT"}, "package.module:Name"),
        ({"factory": "a:B", "properties": ["forces"]}, "must contain energy"),
        ({"factory": "a:B", "properties": ["energy", "dipole"]}, "properties"),
        ({"factory": "a:B", "keywords": {}}, "did you mean 'kwargs'?"),
        ({"factory": "a:B", "retry": {"kwargs": {}}}, "retry.kwargs"),
        ({"preset": "vasp"}, "'pyscf', 'espresso', 'gpaw' or 'tblite'"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(content: dict, told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("?", r"\?")):
        config(**content)


def test_a_request_is_the_same_after_it_was_written() -> None:
    asked = request(kwargs={"a": [1.5, "b", None]}, retry={"kwargs": {"a": 2}})
    assert type(asked).model_validate_json(asked.model_dump_json()) == asked
