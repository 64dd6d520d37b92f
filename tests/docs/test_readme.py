import re

import pytest
import typer

import run
from reference_services.faults.catalog import FAULTS
from tests.docs.documents import table_rows, text_of

README = "README.md"


@pytest.mark.parametrize("document", [README, "CHANGELOG.md"])
def test_the_number_of_faults_is_that_of_the_catalog(document: str) -> None:
    numbers = re.findall(r"(\d+)\s+(?:seeded\s+)?faults", text_of(document))
    assert numbers == [str(len(FAULTS))]


def test_every_command_is_in_the_table_and_no_other() -> None:
    group = typer.main.get_group(run.app)
    named = {
        word.strip("`,").split()[0]
        for cell, _ in table_rows(README, "Commands")
        for word in cell.split("`, `")
    }
    assert named == set(group.commands)


def test_the_readme_stays_short() -> None:
    assert len(text_of(README).splitlines()) < 170
