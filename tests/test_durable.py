"""A file is the old one or the new one, whatever happens while it is written."""

from pathlib import Path

import pytest

from mlip.durable import drafted, room_in, write_whole


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_others_write_by_name_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    with drafted(path) as draft:
        assert draft.name == path.name
        draft.write_text("old")
        assert not path.exists()
    assert path.read_text() == "old"

    with pytest.raises(OSError, match=r"No space left on device: '.*file\.txt'"), drafted(path):
        raise OSError(28, "No space left on device")
    with pytest.raises(ZeroDivisionError), drafted(path) as draft:
        draft.write_text(f"half of it {1 / 0}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_the_target_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "below"
    with pytest.raises(NotADirectoryError) as told:
        write_whole(target, b"new")
    assert told.value.filename == str(target)
    with pytest.raises(NotADirectoryError) as told, drafted(target):
        pass
    assert told.value.filename == str(target)


def test_a_full_disk_is_told_with_a_place() -> None:
    with pytest.raises(OSError, match=r"No space left on device: '.*here'"), room_in(Path("here")):
        raise OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left on device: 'there'"), room_in(Path("here")):
        raise OSError(28, "No space left on device", "there")
    with pytest.raises(FileNotFoundError) as told, room_in(Path("here")):
        raise FileNotFoundError(2, "No such file or directory")
    assert told.value.filename is None
