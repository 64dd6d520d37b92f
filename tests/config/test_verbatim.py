from config.verbatim import TextPart


def test_a_part_is_a_template_unless_it_came_from_a_variable() -> None:
    assert not TextPart("{{ tenant }}").is_verbatim
    assert TextPart("{{ tenant }}", is_verbatim=True).text == "{{ tenant }}"
