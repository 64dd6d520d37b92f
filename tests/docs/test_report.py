"""Every picture of docs/report.md exists, and is made by the script."""

import re

from scripts.screenshots import NAMES, PICTURES
from tests.docs.documents import text_of


def test_each_picture_that_the_script_makes_is_there_and_shown() -> None:
    text = text_of("docs/report.md") + text_of("docs/load.md")
    shown = re.findall(r"\]\(pictures/([^)]+)\)", text)
    assert sorted(shown) == sorted(NAMES) == sorted(each.name for each in PICTURES.iterdir())
    for name in NAMES:
        content = (PICTURES / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 200_000
