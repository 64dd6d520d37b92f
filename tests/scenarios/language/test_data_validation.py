"""Wrong data sources of a scenario: one sentence each, with line and remedy."""

from pathlib import Path

import pytest

from scenarios.language.reader import read_scenario
from tests.scenarios.language.wrong_scenarios import problems_in

TEXT = """\
scenario: s
data:
  customers:
    {keys}
flow:
  - step: ask
    request: GET shop /{{{{ customers.id }}}}
profiles:
  load: {{users: 4, iterations: 9}}
"""
ROWS = "rows: [{id: c1}, {id: c2}]"


def written(folder: Path, *keys: str, text: str = TEXT) -> Path:
    """Write a scenario with a data source, one key per line, from line 4 on."""
    path = folder / "s.yaml"
    path.write_text(text.format(keys="\n    ".join(keys)))
    return path


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (("order: random",),
         "s.yaml:3: write either file, as in file: customers.csv, or rows"),
        (("file: c.csv", ROWS),
         "s.yaml:3: write either file, as in file: customers.csv, or rows"),
        (("file: c.xlsx",),
         "s.yaml:4: data.customers.file: 'c.xlsx' is not a data file; name one that ends in .csv "
         "or .jsonl"),
        (("file: ../c.csv",),
         "s.yaml:4: data.customers.file: '../c.csv' is not a path below the scenario; copy the "
         "file there, and write for example customers.csv or data/customers.csv"),
        (("file: /etc/c.csv",),
         "s.yaml:4: data.customers.file: '/etc/c.csv' is not a path below the scenario; copy the "
         "file there, and write for example customers.csv or data/customers.csv"),
        ((ROWS, "order: shuffled"),
         "s.yaml:5: data.customers.order: must be 'cyclic', 'random' or 'unique'"),
        ((ROWS, "per: users"),
         "s.yaml:5: data.customers.per: must be 'iteration' or 'user'; did you mean user?"),
        ((ROWS, "order: unique", "at_end: abort"),
         "s.yaml:6: data.customers.at_end: must be 'stop' or 'wrap'"),
        ((ROWS, "at_end: wrap"),
         "s.yaml:3: the order cyclic has no end; remove at_end, or write order: "
         "unique"),
        ((ROWS, "seed: 7"),
         "s.yaml:3: the order cyclic has no seed; remove it, or write order: "
         "random"),
        ((ROWS, "order: random", "seed: -1"),
         "s.yaml:6: data.customers.seed: must be greater than or equal to 0"),
        ((ROWS, "contention: 0"),
         "s.yaml:5: data.customers.contention: must be greater than or equal to 1"),
        ((ROWS, "contention: 5"),
         "s.yaml:5: 5 users would share a row, and no profile has more "
         "than 4 at once; use fewer, or more users"),
        ((ROWS, "ordre: random"),
         "s.yaml:5: unknown key 'ordre'; did you mean order?"),
        (("rows: []",), "s.yaml:3: rows is empty; write at least one, as in rows: [{id: c1}]"),
        (("rows: [{}]",),
         "s.yaml:4: the row has no column; write for example {id: c1}"),
        (("rows:", "- {id: c1}", "- {idd: c2}"),
         "s.yaml:6: the first row has no 'idd'; did you mean id?"),
        (("rows:", "- {id: c1, plan: a}", "- {id: c2}"),
         "s.yaml:6: 'plan' is missing, which the first row has; add it"),
        (("rows: [c1, c2]",),
         "s.yaml:4: data.customers.rows.0: must be a mapping, as in {name: value}"),
    ],
    ids=lambda each: ", ".join(each) if isinstance(each, tuple) else "",
)  # fmt: skip
def test_a_wrong_data_source_is_reported_with_line_and_remedy(
    tmp_path: Path, keys: tuple[str, ...], problem: str
) -> None:
    assert problem in problems_in(written(tmp_path, *keys))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  customers:", "  tenant:",
         "s.yaml:3: 'tenant' is a variable of every iteration; choose another name"),
        ("  customers:", "  Customers:",
         "s.yaml:3: data.Customers: 'Customers' is not a name; use lower-case letters, digits and "
         "underscores, as in customers"),
        ("/{{{{ customers.id }}}}", "/",
         "s.yaml:3: no template reads 'customers'; write for example "
         "{{ customers.id }}, or remove it"),
        ("customers.id }}}}", "customers.id }}}}\n    save: {{customers: id}}",
         "s.yaml:3: the step 'ask' saves 'customers', too; choose another name"),
        ("customers.id", "customer.id",
         "s.yaml:7: the variable 'customer' is not defined here; did you mean "
         "customers?"),
    ],
    ids=["a built-in name", "no name", "unused", "saved too", "misspelt"],
)  # fmt: skip
def test_a_name_that_templates_cannot_use_is_reported(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert problem in problems_in(written(tmp_path, ROWS, text=TEXT.replace(old, new, 1)))


@pytest.mark.parametrize("keys", [
    (ROWS,), (ROWS, "order: random"), (ROWS, "order: random", "seed: 7"),
    (ROWS, "order: unique"), (ROWS, "order: unique", "at_end: wrap"), (ROWS, "per: user"),
    (ROWS, "contention: 4"), ("file: data/c.csv",), ("file: c.jsonl", "order: unique"),
], ids=", ".join)  # fmt: skip
def test_a_right_data_source_is_accepted_without_reading_its_file(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    assert list(read_scenario(written(tmp_path, *keys)).data) == ["customers"]


@pytest.mark.parametrize("use", [
    "    headers: {{X-Who: 'c {{{{ customers.id }}}}'}}",
    "    json: {{a: [{{b: '{{{{ customers.id | upper }}}}'}}]}}",
    "    json: {{'{{{{ customers.id }}}}': 1}}",
    "    expect: {{json: {{who: '{{{{ customers.id }}}}'}}}}",
])  # fmt: skip
def test_a_data_source_is_used_wherever_a_template_stands(tmp_path: Path, use: str) -> None:
    text = TEXT.replace("/{{{{ customers.id }}}}", f"/\n{use}")
    assert read_scenario(written(tmp_path, ROWS, text=text)).data
