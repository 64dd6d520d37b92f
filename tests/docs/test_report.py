"""Is every picture of the report's document there, and made by the script?"""

import re

from scripts.screenshots import PICTURES, SHOTS
from tests.docs.documents import text_of


def test_each_picture_that_the_script_makes_is_there_and_shown() -> None:
    shown = re.findall(r"\]\(pictures/([^)]+)\)", text_of("docs/report.md"))
    assert sorted(shown) == sorted(each.name for each in SHOTS)
    for shot in SHOTS:
        content = (PICTURES / shot.name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 200_000
