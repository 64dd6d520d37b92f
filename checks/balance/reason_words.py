"""Why a figure is not exact, in words."""

from collections.abc import Mapping

from witnesses.figure import Figure, Reason

REASON_WORDS: Mapping[Reason, str] = {
    Reason.SEVERAL_PROCESSES: "several processes answer at its metrics address",
    Reason.SHARED_TARGET: "Prometheus has its target twice, as two replicas of Prometheus without "
    "deduplication do, or two targets share job and instance",
    Reason.BEYOND_PRECISION: "a counter beyond 2^53 cannot show an increase of 1",
    Reason.FEW_DIGITS: "its page prints too few digits to show an increase of 1; print all of them",
    Reason.CLOCK_SET: "the clock of Prometheus was set, or that of an exporter is ahead, and so "
    "its samples have wrong times",
    Reason.PROCESS_RESTARTED: "its process was restarted, and what it counted between its last "
    "scrape and its end is lost",
    Reason.COUNTER_FELL: "its counter fell",
    Reason.DELTA_TEMPORALITY: "its values fell again and again, as those of delta temporality do, "
    "or those of several processes that push one series; push cumulative values, and an instance "
    "label",
    Reason.PERHAPS_RESTARTED: "its process may have been restarted within a second of its start",
    Reason.RESTART_UNSEEN: "its process may have been restarted: no start time and no Prometheus "
    "shows that it was not; expose process_start_time_seconds",
    Reason.REPLICA_GONE: "a replica went away, and what it counted since its last scrape is lost",
    Reason.REPLICA_UNSEEN: "replicas came or went, and one that Prometheus never scraped may have "
    "counted what is missing",
    Reason.OTHER_TARGETS: "Prometheus has targets of its job that the environment does not name, "
    "or series of another job",
    Reason.SEVERAL_SERVICES: "several services show the metric and the quantity names none of them "
    "(service:)",
    Reason.SELF_COUNTING: "it also counts the scrapes of its own metrics",
    Reason.OTHER_TRAFFIC: "other tenants' traffic is in it, although the environment is exclusive",
    Reason.STALE_BEFORE: "the page is stale: by its own timestamps, its first values are "
    "from well before the run",
    Reason.STALE_AFTER: "the page is stale: by its own timestamps, its values are from before the "
    "last response",
    Reason.STILL_MOVING: "it was still moving when it was read",
    Reason.MOVED_BEFORE: "it was moving before the first request",
    Reason.MOVED_AFTER: "it had all of the client's and went on growing well after the last "
    "response, as it does if others count on it",
    Reason.NOT_STEADY_BEFORE: "it was not seen at rest before the first request",
    Reason.NOT_SETTLED: "it was not seen at rest after the last response",
    Reason.NOT_SCRAPED_BEFORE: "its target was not scraped before the first request",
    Reason.NOT_SCRAPED_BEFORE_START: "its target was not scraped before its process started",
    Reason.NOT_SCRAPED_AFTER: "its target was not scraped after the last response",
    Reason.NOT_PUSHED_BEFORE: "no push before the first request shows it, so that it need not have "
    "stood at zero; count on a tenant of the run's own, or push it before, too",
    Reason.NOT_PUSHED_AFTER: "nothing was pushed of it after the last response and one interval "
    "more; its exporter must push also what has not changed",
    Reason.SCRAPES_UNKNOWN: "its series belongs to no target that is scraped, as one of a "
    "recording rule does: write the counter that a service shows",
    Reason.REPLICAS_NOT_SCRAPED: "not all of its replicas are scraped",
    Reason.REPLICAS_NOT_NAMED: "not all of its replicas are named in the environment",
    Reason.NO_TARGET: "Prometheus scrapes no target that could have it, and is pushed "
    "nothing that could",
    Reason.EMPTY_EXPOSITION: "its target shows no metrics",
    Reason.SCRAPE_FAILED: "its metrics could not be scraped",
    Reason.METRIC_ABSENT: "no service shows the metric",
    Reason.SERIES_ABSENT: "it has no series of the metric, which a service shows",
    Reason.LABEL_ABSENT: "no series of the metric has the label",
    Reason.MATCHES_IN_PART: "the selector matches no series, only a part of a value, and a matcher "
    "must match the whole value",
    Reason.PROMETHEUS_DOWN: "Prometheus gave no usable response: correct prometheus: in the "
    "environment's file, or leave it out if there is none",
    Reason.DATABASE_DOWN: "the database gave no usable result",
    Reason.API_DOWN: "the API gave no usable response",
    Reason.API_REFUSED: "the API refused the request",
    Reason.USAGE_INCOMPLETE: "not all of the API's response could be read",
    Reason.USAGE_INVALID: "its pick finds something else than label values and counts",
    Reason.PERIOD_BEGAN: "the API counts from a time after the run began, as at the start of a "
    "billing period, so that earlier counts are missing",
    Reason.USAGE_FELL: "its count fell during the run, as when a period ends or its window moves",
    Reason.ROWS_REMOVED: "rows that its query counted before were removed, or are counted no more; "
    "restrict the query to what the run writes, as by :tenant",
    Reason.QUERY_RESULT_INVALID: "its query returns something else than counts",
    Reason.NOT_COLLECTED: "it was not collected",
}


def reason_words(figure: Figure) -> str:
    """Return why a figure is not exact, with its facts; "" of an exact one."""
    if figure.reason is None:
        return ""
    words = REASON_WORDS[figure.reason]
    return f"{words} ({figure.detail})" if figure.detail else words
