"""A session behind a login form, over real sockets: cookies, a form, an upload, redirects."""

from collections import Counter
from pathlib import Path

from config.environment import read_environment
from config.redaction import Secrets
from scenarios.driver.flow import Flow
from scenarios.driver.flow_compiler import compile_flow
from scenarios.driver.single_user import drive_alone
from scenarios.evidence.recording import Recording
from scenarios.evidence.recording_reader import read_recording
from scenarios.language.attachments import read_attachments
from scenarios.language.profiles import Profile
from scenarios.language.reader import read_scenario
from tests.login_shop import REPORT, SCENARIO, login_shop


def drive(folder: Path, scenario_path: Path, environment_path: Path) -> tuple[Flow, Recording]:
    scenario, environment = read_scenario(scenario_path), read_environment(environment_path)
    files = read_attachments(scenario, scenario_path)
    flow = compile_flow(scenario, environment, "r", "t", Secrets(), files=files)
    drive_alone(flow, "e2e", Profile(users=1, iterations=2), folder, "e2e")
    recording = read_recording(folder / "e2e.jsonl")
    assert recording is not None
    return flow, recording


def test_a_session_behind_a_form_is_driven_by_each_iteration_anew(tmp_path: Path) -> None:
    with login_shop() as shop:
        flow, recording = drive(tmp_path, *shop.write_files(tmp_path))
    rows = list(recording.exchanges)
    assert Counter(row.reason for row in rows) == {"": 14}
    assert [row.status for row in rows[:7]] == [200, 303, 200, 201, 200, 200, 401]
    assert shop.logins == 2
    assert [content for _, content in shop.files] == [REPORT, REPORT]
    assert len(flow.secrets.learned) == 6  # in each iteration a field, and two cookies


def test_without_its_cookie_a_step_is_not_logged_in(tmp_path: Path) -> None:
    with login_shop() as shop:
        scenario, environment = shop.write_files(tmp_path)
        text = scenario.read_text().replace(
            '    headers: {X-CSRF: "{{ csrf }}"}\n', "    headers: {Cookie: null}\n"
        )
        scenario.write_text(text)
        _, recording = drive(tmp_path, scenario, environment)
    assert [row.reason for row in recording.exchanges][2] == "status 401, expected 200"


def test_a_redirect_to_another_origin_is_not_followed(tmp_path: Path) -> None:
    with login_shop() as shop:
        scenario, environment = shop.write_files(tmp_path)
        here = shop.url
        shop.url = "http://elsewhere.example:81"
        _, recording = drive(tmp_path, scenario, environment)
    row = list(recording.exchanges)[2]
    assert (row.outcome, row.reason) == (
        "not sent", f"the link leads to http://elsewhere.example:81, another origin than {here}",
    )  # fmt: skip


def test_without_its_csrf_header_an_upload_is_refused(tmp_path: Path) -> None:
    with login_shop() as shop:
        upload = "    request: POST shop /files\n"
        text = SCENARIO.replace(f'{upload}    headers: {{X-CSRF: "{{{{ csrf }}}}"}}\n', upload)
        assert text != SCENARIO
        _, recording = drive(tmp_path, *shop.write_files(tmp_path, text))
    assert [row.reason for row in recording.exchanges][3] == "status 403, expected 200 or 201"
    assert shop.files == []
