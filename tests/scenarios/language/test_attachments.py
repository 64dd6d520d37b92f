import os
from pathlib import Path

import pytest

from config.errors import ConfigError
from scenarios.language.attachments import (
    MAX_ATTACHMENT_BYTES,
    read_attachments,
    select_attachments,
)
from scenarios.language.reader import read_scenario
from tests.scenarios.shop_scenario import changed


def scenario_with(folder: Path, *lines: str) -> Path:
    place = "    counts: {calls: 1}"
    return changed(folder, place, "".join(f"    {line}\n" for line in lines) + place)


def problems_of(path: Path) -> str:
    scenario = read_scenario(path)
    with pytest.raises(ConfigError) as error:
        read_attachments(scenario, path)
    return str(error.value).replace(f"{path}", "s.yaml")


def test_every_file_of_a_scenario_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.bin").write_bytes(b"\0a")
    (tmp_path / "b.csv").write_bytes(b"b")
    (tmp_path / "link.csv").symlink_to("b.csv")
    parts = "multipart: {x: {file: more/a.bin}, y: [one, {file: b.csv}, {file: link.csv}]}"
    path = scenario_with(tmp_path, parts)
    assert read_attachments(read_scenario(path), path) == {
        "more/a.bin": b"\0a", "b.csv": b"b", "link.csv": b"b",
    }  # fmt: skip


def test_every_file_that_cannot_be_read_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = scenario_with(tmp_path, "multipart:", "  a: {file: no.bin}", "  b: {file: folder}")
    assert problems_of(path).splitlines() == [
        "s.yaml:20: the file 'no.bin' does not exist; a path is relative to the scenario's folder",
        "s.yaml:21: the file 'folder' is not a regular file; name one",
    ]


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    (tmp_path / "secret").write_text("s3cret")
    (folder / "a.bin").symlink_to("../secret")
    (folder / "more").symlink_to(tmp_path)
    path = scenario_with(folder, "multipart: {a: {file: a.bin}, b: {file: more/secret}}")
    assert problems_of(path).splitlines() == [
        "s.yaml:19: the file 'a.bin' leads out of the scenario's folder; copy it there",
        "s.yaml:19: the file 'more/secret' leads out of the scenario's folder; copy it there",
    ]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.bin")
    path = scenario_with(tmp_path, "file: a.bin")
    assert problems_of(path) == "s.yaml:19: the file 'a.bin' is not a regular file; name one"


def test_a_file_and_all_files_together_have_a_limit(tmp_path: Path) -> None:
    for name, size in (("a.bin", MAX_ATTACHMENT_BYTES), ("b.bin", 1), ("c.bin", 10**9)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(size)
    one = scenario_with(tmp_path, "file: c.bin")
    assert problems_of(one) == (
        "s.yaml:19: the file 'c.bin' is over 16,000,000 bytes; name a smaller one"
    )
    both = scenario_with(tmp_path, "multipart: {a: {file: a.bin}, b: {file: b.bin}}")
    assert problems_of(both) == (
        "s.yaml:19: with 'b.bin', the files are over 16,000,000 bytes; send less"
    )


def test_of_files_from_elsewhere_only_those_of_the_scenario_are_taken(tmp_path: Path) -> None:
    path = scenario_with(tmp_path, "multipart: {a: {file: a.bin}, b: {file: b.bin}}")
    scenario = read_scenario(path)
    files = {"a.bin": b"a", "b.bin": b"b", "../c": b"c"}
    assert select_attachments(scenario, path, files) == {"a.bin": b"a", "b.bin": b"b"}
    with pytest.raises(ConfigError, match=r"s\.yaml:19: 'b\.bin' did not come along"):
        select_attachments(scenario, path, {"a.bin": b"a"})


def test_a_schema_that_a_file_lacks_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_text("components: {schemas: {Order: {type: strin}, Cart: {}}}")
    for part, problem in (
        (
            "components/schemas/Ordr",
            "api.yaml#/components/schemas has no 'Ordr'; did you mean Order?",
        ),
        (
            "components/schemas/Order",
            "the schema cannot be used: at components.schemas.Order.type, 'strin' is no type; "
            "did you mean string?",
        ),
    ):
        path = scenario_with(tmp_path, f"expect: {{schema: 'api.yaml#/{part}'}}")
        assert problems_of(path) == f"s.yaml:19: {problem}"
    path = scenario_with(tmp_path, "expect: {schema: 'api.yaml#/components/schemas/Cart'}")
    assert list(read_attachments(read_scenario(path), path)) == ["api.yaml"]
