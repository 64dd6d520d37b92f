"""The log of a run: whose log it is, and what happens when its folder is gone."""

import logging
import shutil
from pathlib import Path

from commands.shared.run_log import log_to
from config.redaction import Secrets
from scenarios.evidence.run_folder import RunFolder


def test_what_is_logged_goes_to_the_log_of_the_run_that_was_opened_last(tmp_path: Path) -> None:
    places = [tmp_path / "first", tmp_path / "second"]
    for place in places:
        place.mkdir()
        log_to(RunFolder(place))
        logging.getLogger("trial_balance").warning("of %s", place.name)
        logging.getLogger("trial_balance").info("not for the log")
    assert [(place / "run.log").read_text() for place in places] == [
        "WARNING:trial_balance:of first\n",
        "WARNING:trial_balance:of second\n",
    ]


def test_a_log_whose_folder_was_removed_stops_nothing(tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    log_to(RunFolder(place))
    logging.getLogger().handlers[-1].close()
    shutil.rmtree(place)
    logging.getLogger("trial_balance").warning("of a run that is gone")
    assert not place.exists()


def test_a_traceback_in_the_log_has_no_secret(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, secrets=Secrets.of_process(("correct-horse-battery",)))
    log_to(folder)
    try:
        raise ValueError("the token correct-horse-battery was refused")
    except ValueError:
        logging.getLogger("trial_balance").exception("the harness failed")
    written = (tmp_path / "run.log").read_text()
    assert "ValueError: the token" in written
    assert "correct-horse-battery" not in written
