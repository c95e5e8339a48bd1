"""Models in files: the same bits come back, and each thing that can be wrong is an error of its
own."""

import copy
import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from ase import Atoms
from conformance.predictions import compute
from conformance.structures import crystal

from mlip.models import (
    BehlerParrinello,
    Committee,
    DatasetCard,
    ErrorCard,
    ModelCard,
    ModelFileError,
    load_model,
    read_card,
    save_model,
)
from mlip.models import files as model_files
from mlip.models.upgrades import Upgrade

SPECIES = (8, 14)
FILES = Path(__file__).parents[1] / "files"


def small(seed: int = 0) -> BehlerParrinello:
    torch.manual_seed(seed)
    config = BehlerParrinello.Config.model_validate(
        {"descriptor": {"name": "soap", "cutoff": 4.0, "n_max": 2, "l_max": 1}, "hidden": [4]}
    )
    model = BehlerParrinello(config, SPECIES)
    model.composition.set({8: -2041.8396277138045, 14: -7875.123456789012}, 0.4)
    return model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(path, small())
    return path


def rewrite(
    path: Path,
    change_card: Callable[[dict], object] = dict,
    change_weights: Callable[[dict], object] = dict,
    **header: str,
) -> None:
    """The file with another card, weights or header, checksum made to fit."""
    with safetensors.safe_open(path, "pt") as file:
        own = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    card = json.loads(own["card"])
    change_card(card)
    change_weights(weights)
    own |= {"card": json.dumps(card)}
    data = safetensors.torch.save(weights)
    payload = data[8 + int.from_bytes(data[:8], "little") :]
    own |= {"sha256": hashlib.sha256(own["card"].encode() + payload).hexdigest()} | header
    path.write_bytes(safetensors.torch.save(weights, own))


# ----------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("make", [small, lambda: Committee([small(0), small(1)])])
def test_the_same_bits(tmp_path: Path, make: Callable, dtype: torch.dtype) -> None:
    model = make().to(dtype)
    save_model(tmp_path / "m.safetensors", model)
    loaded = load_model(tmp_path / "m.safetensors")
    assert type(loaded) is type(model)
    assert loaded.dtype == dtype
    assert loaded.species == SPECIES
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)
        assert loaded.state_dict()[name].dtype == weight.dtype
    before, after = compute(model, crystal(SPECIES)), compute(loaded, crystal(SPECIES))
    assert all((before[name] == after[name]).all() for name in before)


@pytest.mark.parametrize("asked", ["float32", torch.float32])
def test_precision_is_converted_when_asked(path: Path, asked: str | torch.dtype) -> None:
    loaded = load_model(path, dtype=asked)
    assert loaded.dtype == torch.float32
    exact = small().composition.reference_energies
    assert torch.equal(loaded.composition.reference_energies, exact)


def test_saved_again_it_is_the_same_file(path: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "again.safetensors", load_model(path))
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_loading_draws_no_random_numbers(path: Path) -> None:
    state = torch.get_rng_state()
    load_model(path)
    assert torch.equal(torch.get_rng_state(), state)


def test_saving_leaves_one_file_that_others_may_read(path: Path) -> None:
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    fresh = path.with_name("fresh")
    fresh.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(fresh.stat().st_mode)


def test_a_failed_save_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_model(path, small(1))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


# --------------------------------------------------------------------------------------------- card


def test_the_card_tells_what_the_model_is(path: Path) -> None:
    card = read_card(path)
    assert card == load_model(path).card
    assert card.model == "behler_parrinello"
    assert card.config == small().resolved_config()
    assert card.species == ("O", "Si")
    assert card.cutoff == 4.0
    assert card.dtype == "float64"
    assert card.scale == 0.4
    assert card.reference_energies == {"O": -2041.8396277138045, "Si": -7875.123456789012}
    assert card.units == {"length": "Å", "energy": "eV", "forces": "eV/Å", "stress": "eV/Å^3"}
    assert card.versions.keys() >= {"torch", "numpy", "ase", "python"}
    assert card.created is not None


def test_the_card_keeps_what_its_maker_tells(tmp_path: Path) -> None:
    card = ModelCard(
        dataset=DatasetCard(fingerprint="abc", n_structures=2, n_atoms=16, level_of_theory="PBE"),
        errors={"test": {"forces": ErrorCard(mae=80.0, rmse=100.0, unit="meV/Å")}},
        seed=7,
        reference_energies_source="isolated atoms",
        licence="CC0-1.0",
        citation="A. Nobody, J. Nothing 1, 1 (1901)",
        created="1901-01-01",
        versions={"torch": "0.1"},
        species=("Xe",),  # what the model knows better is corrected
    )
    save_model(tmp_path / "m", small(), card)
    found = read_card(tmp_path / "m")
    kept = ("dataset", "errors", "seed", "reference_energies_source", "licence", "citation",
            "created", "versions")  # fmt: skip
    assert all(getattr(found, name) == getattr(card, name) for name in kept)
    assert found.species == ("O", "Si")


def test_the_card_of_a_committee(tmp_path: Path) -> None:
    one, other = small(0), small(1)
    other.composition.set({8: -2041.0, 14: -7875.0}, 0.6)
    save_model(tmp_path / "m", Committee([one, other]))
    card = read_card(tmp_path / "m")
    assert card.model == "committee"
    assert card.scale == pytest.approx(0.5)
    assert card.reference_energies["O"] == pytest.approx((-2041.0 - 2041.8396277138045) / 2)
    assert card.config["members"][0] == one.resolved_config()


# -------------------------------------------------------------------------------------- wrong files


def check_refused(path: Path, message: str) -> None:
    for read in (read_card, load_model):
        with pytest.raises(ModelFileError, match=message) as caught:
            read(path)
        assert path.name in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    check_refused(tmp_path / "absent", "cannot read the model .*: No such file")
    check_refused(tmp_path, "cannot read the model .*: Is a directory")


@pytest.mark.parametrize("content", [b"", b"abc", b"\x80\x04\x95 a pickle, perhaps", b"x" * 500])
def test_no_safetensors_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "other").write_bytes(content)
    check_refused(tmp_path / "other", "is no model of this package: it does not begin as")


@pytest.mark.parametrize("header", [b"{nonsense", b"[1, 2]", b"\xff\xfe", b"[" * 200_000])
def test_a_header_that_is_none(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "other").write_bytes(len(header).to_bytes(8, "little") + header)
    check_refused(tmp_path / "other", "is no model of this package: its header is not")


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"card": "{}"}])
def test_safetensors_of_others(tmp_path: Path, metadata: dict | None) -> None:
    data = safetensors.torch.save({"w": torch.ones(2)}, metadata)
    (tmp_path / "other").write_bytes(data)
    check_refused(tmp_path / "other", "is a safetensors file, but not a model of this package")


@pytest.mark.parametrize("metadata", ["[1]", "null", '"x"', "3"])
def test_safetensors_with_a_header_of_another_kind(tmp_path: Path, metadata: str) -> None:
    header = f'{{"__metadata__": {metadata}}}'.encode()
    (tmp_path / "other").write_bytes(len(header).to_bytes(8, "little") + header)
    check_refused(tmp_path / "other", "is a safetensors file, but not a model of this package")


def test_cut_anywhere_it_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for end in (4, 100, start - 1, start, start + 1, (start + len(whole)) // 2, len(whole) - 1):
        path.write_bytes(whole[:end])
        check_refused(path, "cut short")
    path.write_bytes(whole + b"more")
    check_refused(path, "cut short or was added to")


def test_damaged_anywhere_it_is_refused(path: Path) -> None:
    """A flipped bit is never overlooked, wherever it is."""
    whole = path.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(whole), size=200):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            card = load_model(path).card
        except ModelFileError:
            continue
        # what no checksum covers: spaces that fill up the header, spelling of unread numbers
        path.write_bytes(whole)
        assert card == read_card(path)


@pytest.mark.parametrize(
    "card",
    [
        "",
        "{}",
        "[]",
        '{"format_version": "1"}',
        '{"format_version": true}',
        "{nonsense",
        "[" * 50_000,
    ],
)
def test_a_card_that_is_none(path: Path, card: str) -> None:
    rewrite(path, card=card)
    check_refused(path, "its card cannot be read")


def test_weights_that_were_changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    check_refused(path, "is damaged: card and weights do not match their checksum")


def test_a_newer_format(path: Path) -> None:
    rewrite(path, lambda card: card.update(format_version=99, news="unheard of"))
    check_refused(path, "format version 99, newer than the .* known here; update")


def test_a_format_that_never_was(path: Path) -> None:
    rewrite(path, lambda card: card.update(format_version=0))
    check_refused(path, "format version 0, which never existed")


def test_a_card_with_strange_fields(path: Path) -> None:
    rewrite(path, lambda card: card.update(speceis=["H"]))
    check_refused(path, "did you mean 'species'")


def test_an_unknown_model(path: Path) -> None:
    rewrite(path, lambda card: card.update(model="crystal_ball"))
    with pytest.raises(ModelFileError, match="kind 'crystal_ball', but known here are behler_parr"):
        load_model(path)


def test_a_config_that_does_not_fit(path: Path) -> None:
    rewrite(path, lambda card: card["config"].update(hiden=[4]))
    with pytest.raises(ModelFileError, match=r"hiden: there is no such key; did you mean 'hidden'"):
        load_model(path)


@pytest.mark.parametrize("species", [["Si"], ["O", "Si", "H"], ["H", "Si"]])
def test_species_that_do_not_fit(path: Path, species: list[str]) -> None:
    rewrite(path, lambda card: card.update(species=species))
    with pytest.raises(ModelFileError, match="weights do not fit the model, species and precision"):
        load_model(path)


@pytest.mark.parametrize("species", [[], ["Si", "Xx"], ["X"]])
def test_species_that_are_none(path: Path, species: list[str]) -> None:
    rewrite(path, lambda card: card.update(species=species))
    with pytest.raises(ModelFileError, match="are not elements"):
        load_model(path)


def test_species_that_are_named_twice(path: Path) -> None:
    rewrite(path, lambda card: card.update(species=["O", "Si", "Si"]))
    with pytest.raises(ModelFileError, match="name an element twice"):
        load_model(path)


@pytest.mark.parametrize("cutoff", [99.0, None])
def test_a_cutoff_that_is_not_that_of_the_config(path: Path, cutoff: float | None) -> None:
    rewrite(path, lambda card: card.update(cutoff=cutoff))
    with pytest.raises(ModelFileError, match=r"the card's cutoff .* is not the 4\.0 Å"):
        load_model(path)


@pytest.mark.parametrize("dtype", ["float32", "float16", None])
def test_a_precision_that_does_not_fit(path: Path, dtype: str | None) -> None:
    rewrite(path, lambda card: card.update(dtype=dtype))
    with pytest.raises(ModelFileError, match=r"weights do not fit|is float32 or float64"):
        load_model(path)


def test_weights_that_are_missing_or_too_many(path: Path) -> None:
    rewrite(path, change_weights=lambda w: w.update(extra=torch.ones(1)))
    with pytest.raises(ModelFileError, match="extra is not part of it"):
        load_model(path)
    rewrite(path, change_weights=lambda w: [w.pop("extra"), w.pop("composition.scale")])
    with pytest.raises(ModelFileError, match=r"composition\.scale is missing"):
        load_model(path)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite(path: Path, bad: float) -> None:
    name = "networks.Si.layers.0.bias"
    rewrite(path, change_weights=lambda w: w[name].fill_(bad))
    with pytest.raises(ModelFileError, match=f"{path} has weights that are not finite: {name}"):
        load_model(path)
    model = small()
    model.state_dict()[name].fill_(bad)
    with pytest.raises(ModelFileError, match="the model has weights that are not finite"):
        save_model(path, model)


def test_a_model_of_no_table_is_not_saved(path: Path) -> None:
    from toy import toy

    with pytest.raises(ModelFileError, match="could not be read back"):
        save_model(path, toy())


# ---------------------------------------------------------------------------------------- old files


def test_older_formats_are_upgraded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if two versions had come since: each upgrade is applied, in order."""
    monkeypatch.setattr(model_files, "FORMAT_VERSION", 5)
    upgrades = {
        3: Upgrade(card=lambda card: card | {"licence": "from 3"}),
        4: Upgrade(card=lambda card: card | {"licence": card["licence"] + " by 4"}),
    }
    monkeypatch.setattr(model_files, "UPGRADES", upgrades)
    card = read_card(path)
    assert (card.format_version, card.licence) == (5, "from 3 by 4")
    before, after = compute(small(), crystal(SPECIES)), compute(load_model(path), crystal(SPECIES))
    assert all((before[name] == after[name]).all() for name in before)


@pytest.mark.parametrize("name", ["behler_parrinello_v1", "behler_parrinello_v2"])
def test_stored_files_still_load(name: str) -> None:
    """What this package once wrote gives the numbers it once gave."""
    model = load_model(FILES / f"{name}.safetensors")
    expected = json.loads((FILES / f"{name}.json").read_text())
    atoms = Atoms(**expected["atoms"], pbc=True)
    for key, value in compute(model, atoms, ("energies", "forces", "stress")).items():
        np.testing.assert_allclose(value, expected[key], rtol=1e-12, atol=1e-10, err_msg=key)


def test_copies_do_not_share_their_card(path: Path) -> None:
    loaded = load_model(path)
    assert copy.deepcopy(loaded).card == loaded.card
