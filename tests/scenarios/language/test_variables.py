import json
import re
from pathlib import Path

import pytest

from config.environment import Environment
from config.errors import ConfigError
from config.services import Service
from scenarios.driver.flow import CompiledStep, Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.language.model import Scenario
from scenarios.language.reader import read_scenario
from scenarios.language.secrets import secrets_of
from scenarios.language.variables import find_unusable_variables, variables_of

ENVIRONMENT = Environment(environment="e", services={"shop": Service(url="http://shop.example")})
VARIABLES = {"KEY": "s3cret/{{ run }}&7", "TOKEN": "t0ken-of-mine", "WORD": "acme"}
HEAD = "scenario: shop\nflow:\n  - step: order\n"
TAIL = "profiles: {once: {users: 1, iterations: 1}}\n"


def written(folder: Path, step: str, more: str = "") -> Path:
    path = folder / "s.yaml"
    path.write_text(f"{HEAD}    {step}\n{more}{TAIL}")
    return path


def scenario_of(folder: Path, step: str) -> Scenario:
    return read_scenario(written(folder, step))


def flow_of(folder: Path, step: str) -> Flow:
    return compile_flow(
        scenario_of(folder, step), ENVIRONMENT, "run-1", "acme", variables=VARIABLES
    )


def step_of(folder: Path, step: str) -> CompiledStep:
    return flow_of(folder, step).steps[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${LLM ACCOUNT}", r"\$\{LLM ACCOUNT\} is no variable: .*; write \$\{LLM_ACCOUNT\}"),
        ("a ${LLM.ACCOUNT} b", r"\$\{LLM.ACCOUNT\} is no variable"),
        ("${LLM", r"\$\{ is not closed; write \$\{NAME\}"),
        ("${A:-${B}}", r"the default of \$\{A\} has a variable in it"),
        ("${}", r"\$\{\} names no variable"),
    ],
)
def test_what_begins_as_a_variable_and_is_none_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"s\.yaml:5: {message}.*a literal \$\{{ is written"):
        scenario_of(tmp_path, f"request: POST shop /\n    json: {{a: '{text}'}}")


def test_a_dollar_and_a_brace_are_sent_literally_as_the_message_says(tmp_path: Path) -> None:
    step = step_of(tmp_path, "request: POST shop /\n    text: \"{{ '$' }}{LLM ACCOUNT}\"")
    assert step.body
    assert step.body({}) == b"${LLM ACCOUNT}"


@pytest.mark.parametrize("key", ["json", "query", "form"])
def test_a_variable_in_a_key_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=r"s\.yaml:5: variables are not replaced in a key"):
        scenario_of(tmp_path, f"request: POST shop /\n    {key}: {{'${{KEY}}': x}}")


def test_a_value_in_a_path_or_a_query_is_encoded_for_its_place(tmp_path: Path) -> None:
    step = step_of(tmp_path, "request: GET shop /a/${KEY}/b?key=${KEY}&x=1")
    encoded = "s3cret%2F%7B%7B%20run%20%7D%7D%267"
    assert step.target({}) == f"/a/{encoded}/b?key={encoded}&x=1"


def test_a_value_in_a_header_is_rendered_once_and_verbatim(tmp_path: Path) -> None:
    step = step_of(tmp_path, "request: GET shop /\n    headers: {X-Key: 'k ${KEY}; {{ run }}'}")
    assert dict(step.request_template.headers)["X-Key"] == "k s3cret/{{ run }}&7; run-1"
    assert step.headers is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"${KEY}"', VARIABLES["KEY"]),
        ('["a ${WORD}", {b: "${NONE:-d}"}]', ["a acme", {"b": "d"}]),
        ('"{{ n | upper }} ${KEY}"', "X s3cret/{{ run }}&7"),
        ('"{{ [n, n] }}${WORD}"', '["x","x"]acme'),
        ('"{${WORD}}"', "{acme}"),
        ('"{{${WORD}}}"', None),
    ],
)
def test_a_value_in_json_is_no_template(tmp_path: Path, value: str, expected: object) -> None:
    text = f"request: POST shop /\n    json: {value}"
    if expected is None:
        with pytest.raises(ConfigError, match="a variable does not stand within"):
            scenario_of(tmp_path, text)
        return
    step = step_of(tmp_path, text.replace("n |", "run |").replace("[n, n]", "['x', 'x']"))
    assert step.body
    rendered = json.loads(step.body({"run": "x"}))
    assert rendered == expected


def test_a_form_a_text_and_a_multipart_have_their_values(tmp_path: Path) -> None:
    form = step_of(tmp_path, "request: POST shop /\n    form: {a: '${KEY}'}").body
    text = step_of(tmp_path, "request: POST shop /\n    text: 'a ${WORD}'").body
    parts = step_of(tmp_path, "request: POST shop /\n    multipart: {a: '${TOKEN}'}").body
    assert form
    assert form({}) == b"a=s3cret%2F%7B%7B+run+%7D%7D%267"
    assert text
    assert text({}) == b"a acme"
    assert parts
    assert b"\r\n\r\nt0ken-of-mine\r\n" in parts({})


def test_a_step_without_variables_is_compiled_as_it_is(tmp_path: Path) -> None:
    step = step_of(tmp_path, "request: POST shop /a\n    json: {price: '$5 {x}'}")
    assert step.body
    assert json.loads(step.body({})) == {"price": "$5 {x}"}


@pytest.mark.parametrize(
    "step",
    [
        "request: GET shop /x?token=${KEY}",
        "request: GET shop /x\n    headers: {Authorization: 'Bearer ${KEY}'}",
        "request: POST shop /x\n    json: {a: ['${KEY}']}",
        "request: POST shop /x\n    form: {a: 'x${KEY}'}",
        "request: POST shop /x\n    query: {a: '${KEY}'}",
    ],
)
def test_the_value_of_a_variable_is_a_secret_and_its_name_is_none(
    tmp_path: Path, step: str
) -> None:
    scenario = scenario_of(tmp_path, step)
    secrets = secrets_of(scenario, ENVIRONMENT, VARIABLES)
    assert VARIABLES["KEY"] in secrets
    assert not any("KEY" in secret for secret in secrets)
    assert VARIABLES["KEY"] in flow_of(tmp_path, step).secrets


@pytest.mark.parametrize("public", ["WORD", "X-Plan"])
def test_a_variable_can_be_declared_public(tmp_path: Path, public: str) -> None:
    step = "request: GET shop /x\n    headers: {X-Plan: '${WORD}'}"
    path = written(tmp_path, step, f"public: [{public}]\n")
    assert secrets_of(read_scenario(path), ENVIRONMENT, VARIABLES) == ()


def test_a_scenario_is_read_and_read_again_without_its_variables(tmp_path: Path) -> None:
    path = written(tmp_path, "request: GET shop /${NO_SUCH}")
    assert read_scenario(path, path.read_bytes()).steps[0].request == "GET shop /${NO_SUCH}"


def test_only_the_variables_that_a_scenario_names_are_taken(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, "request: GET shop /${WORD}/${NO_SUCH}/${OTHER:-x}")
    assert variables_of(scenario, {**VARIABLES, "HOME": "/root"}) == {"WORD": "acme"}


def test_a_flow_without_a_value_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="variable NO_SUCH is not set; export it first"):
        flow_of(tmp_path, "request: GET shop /${NO_SUCH}")


def test_a_value_with_a_line_break_gets_into_no_header(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, "request: GET shop /\n    headers: {X-A: 'a${LINES}'}")
    with pytest.raises(ConfigError, match="the value of LINES does not fit into a header"):
        compile_flow(scenario, ENVIRONMENT, "r", "t", variables={"LINES": "b\r\nX-Evil: 1"})


ONLY = ("variables are replaced only in what a step sends: request, query, headers, json, form, "
        "multipart, text; their values are secrets, which no report shows")  # fmt: skip
WRONG = {
    "request: GET shop /\n    expect: {json: {a: '${WORD}'}}": f"5: {ONLY}",
    "request: GET shop /\n    save: {a: '${WORD}'}": f"5: {ONLY}",
    "request: POST shop /\n    multipart: {a: {file: x.txt, filename: '${WORD}'}}": f"5: {ONLY}",
    "request: GET shop /{{ f('${WORD}') }}": "4: a variable does not stand within {{ … }} or "
        "{% … %}; write it beside the template",
    "request: GET shop /\n    headers: {X-A: '{% if 1 %}a{% endif %}{{ \"${WORD}\" }}'}": "5: a "
        "variable does not stand within {{ … }} or {% … %}; write it beside the template",
}  # fmt: skip


@pytest.mark.parametrize(("step", "message"), WRONG.items())
def test_a_variable_where_none_is_replaced_is_refused(
    tmp_path: Path, step: str, message: str
) -> None:
    with pytest.raises(ConfigError) as error:
        scenario_of(tmp_path, step)
    assert f"s.yaml:{message}" in str(error.value).replace(f"{tmp_path}/", "").splitlines()


def test_a_variable_in_a_query_of_prometheus_is_refused_and_one_in_the_description_is_not(
    tmp_path: Path,
) -> None:
    more = ("description: needs ${TOKEN}\nquantities: {made: {prometheus: 'made{a=\"${WORD}\"}'}}\n"
            "checks: {usage: [made]}\n")  # fmt: skip
    with pytest.raises(ConfigError) as error:
        read_scenario(written(tmp_path, "request: GET shop /\n    counts: {made: 1}", more))
    assert re.sub(r".*/", "", str(error.value)) == f"s.yaml:7: {ONLY}"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("request: GET shop /${NO_SUCH}", "the environment variable NO_SUCH is not set; export it "
                                          "first"),
        ("request: GET shop /\n    headers: {X-A: 'a ${LINES}'}",
         "the value of LINES does not fit into a header: it is not ASCII text"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_found_before_anything_is(
    tmp_path: Path, step: str, message: str
) -> None:
    scenario = scenario_of(tmp_path, step)
    unusable = list(find_unusable_variables(scenario, {**VARIABLES, "LINES": "a\r\nX-Evil: 1"}))
    assert [problem for _, problem in unusable] == [message]
    assert list(find_unusable_variables(scenario_of(tmp_path, "request: GET shop /${WORD}"),
                                        VARIABLES)) == []  # fmt: skip
