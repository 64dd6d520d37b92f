from pathlib import Path

import pytest

from config.documents import Document, parse_document, read_document
from config.errors import ConfigError
from config.models import StrictModel, invalid_places, read_model, read_model_leniently


class Wheel(StrictModel):
    size: int
    spokes: list[str] = []


class Cart(StrictModel):
    name: str
    wheels: list[Wheel] = []
    owners: dict[str, Wheel] = {}
    load: int | dict[str, int] | None = None


def read(folder: Path, text: str) -> Document:
    path = folder / "cart.yaml"
    path.write_text(text)
    return parse_document(path)


def model_mistakes(folder: Path, text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigError) as error:
        read_model(read(folder, text), Cart)
    return [(problem.line, problem.message) for problem in error.value.problems]


def test_a_valid_file_becomes_its_model(tmp_path: Path) -> None:
    cart = read_model(read(tmp_path, "name: a\nwheels: [{size: 3, spokes: [x]}]\n"), Cart)
    assert cart == Cart(name="a", wheels=[Wheel(size=3, spokes=["x"])])


@pytest.mark.parametrize("text", ["[1, 2]\n", "text\n", "3\n"])
def test_a_file_that_is_not_a_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert model_mistakes(tmp_path, text) == [
        (1, "the file must be a mapping of keys to values, as in name: value")
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name: a\nwheals: []\n", 2, "unknown key 'wheals'; did you mean wheels?"),
        ("name: a\nq: 1\n", 2, "unknown key 'q'; known here: name, wheels, owners, load"),
        (
            "name: a\nwheels:\n  - size: 1\n    spoke: [x]\n",
            4,
            "unknown key 'spoke'; did you mean spokes?",
        ),
        (
            "name: a\nowners:\n  ann:\n    size: 1\n    siez: 2\n",
            5,
            "unknown key 'siez'; size is written already, so remove one of them",
        ),
        ("wheels: []\n", 1, "the key 'name' is missing"),
        ("name: a\nwheels:\n  - spokes: []\n", 3, "the key 'wheels.0.size' is missing"),
        ("name: 1\n", 1, "name: must be a text; quote it"),
        (
            "name: a\nwheels:\n  - {size: '3'}\n",
            3,
            "wheels.0.size: must be a whole number, such as 3",
        ),
        (
            "name: a\nwheels:\n  - {size: true}\n",
            3,
            "wheels.0.size: must be a whole number, such as 3",
        ),
    ],
)
def test_a_mistake_is_reported_with_line_field_and_remedy(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    assert model_mistakes(tmp_path, text) == [(line, message)]


def test_every_mistake_is_reported_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = "wheels:\n  - {size: x}\n  - {sise: 2}\nowner: {}\nload:\n  a: b\n"
    lines = [line for line, _ in model_mistakes(tmp_path, text)]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert {1, 2, 3, 4, 6} <= set(lines)


def lenient(folder: Path, text: str) -> Cart | None:
    return read_model_leniently(read(folder, text), Cart)


def test_a_lenient_reading_takes_a_misspelt_key_as_the_nearest_known_one(tmp_path: Path) -> None:
    cart = lenient(tmp_path, "name: a\nwheals: [{sise: 3}]\n")
    assert cart == Cart(name="a", wheels=[Wheel(size=3)])


def test_a_lenient_reading_drops_a_wrong_value_that_may_be_absent(tmp_path: Path) -> None:
    assert lenient(tmp_path, "name: a\nload: [1]\nwheels: 3\n") == Cart(name="a")


def test_a_lenient_reading_gives_up_on_a_missing_value_without_an_example(tmp_path: Path) -> None:
    assert lenient(tmp_path, "wheels: []\n") is None


def test_the_places_that_do_not_fit_a_model_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text("name: 5\nwheels: [{size: 1}, {size: big}]\nload: {a: x}\n")
    assert invalid_places(read_document(path), Cart) == {
        ("name",),
        ("wheels", 1, "size"),
        ("load",),
        ("load", "a"),
    }


def test_a_document_that_fits_its_model_has_no_invalid_place(tmp_path: Path) -> None:
    path = tmp_path / "cart.yaml"
    path.write_text("name: cart\n")
    assert invalid_places(read_document(path), Cart) == set()


def test_a_flaw_of_the_file_is_reported_with_the_mistakes_of_its_values(tmp_path: Path) -> None:
    assert model_mistakes(tmp_path, "name: a\nname: b\nwheals: []\nload: 2026-01-01\n") == [
        (2, "the key 'name' is defined twice, first in line 1; remove or rename one"),
        (3, "unknown key 'wheals'; did you mean wheels?"),
        (4, "2026-01-01 is read as a date; quote it: '2026-01-01'"),
    ]


def test_a_valid_model_with_a_flaw_is_refused(tmp_path: Path) -> None:
    assert [line for line, _ in model_mistakes(tmp_path, "name: a\nname: b\n")] == [2]
