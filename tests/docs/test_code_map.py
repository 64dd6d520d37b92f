import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.documents import code_spans, table_rows, text_of
from tests.paths import ROOT

DOCUMENTS = sorted(
    str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
)
CODE_MAP = "docs/code-map.md"
# The scope of Card Center v1 names routes and files that do not exist yet.
HELD = [document for document in DOCUMENTS if document != "docs/card-center-v1.md"]

_PATH = re.compile(r"[\w.][\w./<>…-]*(?:\.py|\.ya?ml|\.md|/)")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")

# What a run and a build leave, what a user writes, and the names that every package has.
_OF_A_RUN = ("runs/", "evidence/", "deploy/state", "dist/")
_NO_PATHS = {"summary.md", "mine.yaml", "staging.yaml", "collector.py", "reading.py",
             "meter.py", "laptop.yaml", "uses.yaml", "trial-balance.yaml"}  # fmt: skip


def named_paths(text: str) -> Iterator[str]:
    """Yield each path in backticks: a whole span, or a word with a slash in a command."""
    for span in code_spans(text):
        for word in span.split():
            is_path = _PATH.fullmatch(word) and (word == span or "/" in word)
            if is_path and word not in _NO_PATHS and not word.startswith(_OF_A_RUN):
                yield word


def existing_part(path: str) -> Path:
    """Return what must exist of a path: without a name in < >, the folder that it goes into."""
    return ROOT / path.partition("<")[0]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("see `checks/suite.py` and `checks/`", ["checks/suite.py", "checks/"]),
        ("call `python scripts/setup.py --all`", ["scripts/setup.py"]),
        ("add `witnesses/<name>/reading.py`", ["witnesses/<name>/reading.py"]),
        ("`result.json`, `a/b`, `/ready`, `runs/latest/`, `Kind`", []),
        ("```sh\n./gone.py\n```", []),
    ],
)
def test_paths_are_found_in_backticks(text: str, paths: list[str]) -> None:
    assert list(named_paths(text)) == paths


@pytest.mark.parametrize("document", HELD)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    missing = [path for path in named_paths(text_of(document)) if not existing_part(path).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file(document: str) -> None:
    folder = (ROOT / document).parent
    links = _LINK.findall(text_of(document))
    assert [link for link in links if not (folder / link).exists()] == []


@pytest.mark.parametrize(
    "package", ["config", "scenarios", "witnesses", "checks", "reports", "commands"]
)
def test_every_module_of_the_harness_is_on_the_map(package: str) -> None:
    """A row of a subpackage stands for its modules; a command, a judge and a rendering has one."""
    text = text_of(CODE_MAP)
    modules = [path.relative_to(ROOT) for path in (ROOT / package).rglob("[!_]*.py")]
    assert modules
    assert [str(module) for module in modules if not _is_on_the_map(text, module)] == []


def _is_on_the_map(text: str, module: Path) -> bool:
    subpackages = [folder for folder in module.parents if len(folder.parts) > 1]
    return f"`{module}`" in text or any(f"`{folder}/` |" in text for folder in subpackages)


def test_every_command_is_on_the_map() -> None:
    names = {path.name for path in (ROOT / "commands").glob("*.py")} - {"__init__.py"}
    text = text_of(CODE_MAP)
    assert sorted(name for name in names if f"`commands/{name}`" not in text) == []


def test_every_judge_of_the_suite_is_on_the_map() -> None:
    suite = (ROOT / "checks" / "suite.py").read_text(encoding="utf-8")
    modules = re.findall(r"from (checks\.[\w.]+) import judge_", suite)
    text = text_of(CODE_MAP)
    assert {"checks.latency", "checks.balance.usage"} <= set(modules)
    paths = [module.replace(".", "/") for module in modules]
    missing = [path for path in paths if f"`{path}.py`" not in text and _parent(path) not in text]
    assert missing == []


def _parent(path: str) -> str:
    return f"`{path.rpartition('/')[0]}/`" if path.count("/") > 1 else path


def test_every_row_of_what_to_add_names_a_file() -> None:
    rows = table_rows(CODE_MAP, "Where do I add …?")
    assert len(rows) > 10
    for name, new, existing in rows:
        assert list(named_paths(f"{new} {existing}")), name
