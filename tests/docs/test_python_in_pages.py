"""Python that is shown compiles, and imports what there is; links lead somewhere."""

import ast
import importlib
import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks, names, prose

SHOWN = blocks("python")


@pytest.mark.parametrize("block", SHOWN, ids=names(SHOWN))
def test_imports_exist(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_pages_show_python() -> None:
    assert len(SHOWN) >= 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"https?://|#", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_and_roles_exist(page: Path) -> None:
    for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", page.read_text(encoding="utf-8")):
        name = target.strip("/").removeprefix("../")
        if name.startswith("gallery/") and name != "gallery/index":
            assert (ROOT / "examples" / f"{Path(name).name}.py").exists(), target
        elif not name.startswith(("generated/", "gallery/")):
            assert (ROOT / "docs" / f"{name}.md").exists(), target
    for role, target in re.findall(r"\{py:(\w+)\}`(?:[^`<]*<)?([\w.]+)>?`", page.read_text()):
        module, _, name = target.rpartition(".")
        found = importlib.import_module(target if role == "mod" else module)
        assert role == "mod" or hasattr(found, name), target
