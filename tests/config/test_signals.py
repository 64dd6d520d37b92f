from config.signals import signal_name


def test_a_signal_without_a_name_has_its_number() -> None:
    assert [signal_name(number) for number in (2, 15, 19, 63)] == [
        "SIGINT", "SIGTERM", "SIGSTOP", "signal 63",
    ]  # fmt: skip
