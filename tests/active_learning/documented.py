"""The examples of the page on active learning, as they are printed there."""

import re
from pathlib import Path

import yaml

PAGE = Path(__file__).parents[2] / "docs" / "active_learning.md"


def examples(key: str, section: str = "") -> list[dict]:
    """What stands under a key in the YAML of a section, or of the whole page."""
    text = PAGE.read_text(encoding="utf-8")
    if section:
        text = text.partition(f"\n### {section}\n")[2].partition("\n#")[0]
    blocks = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    return [block[key] for block in blocks if key in block]
