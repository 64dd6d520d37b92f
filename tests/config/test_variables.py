from config.variables import names_of_variables, texts_in


def test_every_text_has_its_place_and_keys_are_none() -> None:
    content = {"a": ["x", {"b": "y"}], "c": 5, "d": None, "e": "z"}
    assert list(texts_in(content)) == [(("a", 0), "x"), (("a", 1, "b"), "y"), (("e",), "z")]


def test_a_variable_with_a_default_is_not_needed() -> None:
    assert names_of_variables("${A}-${B:-}-${C:-c}-$D-${A_1}") == ["A", "A_1"]
