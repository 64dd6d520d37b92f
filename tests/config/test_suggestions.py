from config.suggestions import did_you_mean, nearest


def test_a_hint_names_the_nearest_word_or_else_all_words() -> None:
    assert did_you_mean("expct", ["expect", "save"]) == "did you mean expect?"
    assert did_you_mean("zzz", ["expect", "save"]) == "known here: expect, save"
    assert did_you_mean("zzz", []) == "none is known here"


def test_the_nearest_word_is_found_in_any_case() -> None:
    assert nearest("USERS", ["duration", "users"]) == "users"
    assert nearest("get", ["GET", "POST"]) == "GET"
