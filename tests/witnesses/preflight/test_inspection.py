from witnesses.preflight.inspection import Inspection, Outcome


def test_an_inspection_without_a_remedy_is_one_of_something_that_was_found() -> None:
    found = Inspection(("quantities", "uses"), ("uses", "counter"), Outcome.FOUND, "it is shown")
    assert (found.remedy, found.outcome) == ("", "found")


def test_only_what_is_wrong_is_the_scenarios_mistake() -> None:
    assert [each for each in Outcome if each not in ("found", "unseen", "down")] == ["wrong"]
