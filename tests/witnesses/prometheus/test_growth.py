from witnesses.prometheus.growth import Growth, grown

SEEN = [(10.0, 3.0), (20.0, 8.0), (30.0, 2.0), (40.0, 4.0)]


def test_what_a_counter_had_before_a_reset_is_added_to_all_that_comes_later() -> None:
    assert [each.grown for each in grown(SEEN, 0.0, {})] == [3.0, 8.0, 10.0, 12.0]


def test_it_counts_from_where_the_counter_stood_at_the_first_request() -> None:
    assert [each.grown for each in grown(SEEN[:2], 2.0, {})] == [1.0, 6.0]


def test_a_scrape_ended_as_long_after_it_began_as_it_took() -> None:
    assert grown(SEEN[:2], 0.0, {10.0: 0.25}) == [Growth(10.0, 10.25, 3.0), Growth(20.0, 20.0, 8.0)]
