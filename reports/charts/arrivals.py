"""Draw the arrivals of an open model: due, sent and dropped, and the requests in flight.

due      ──●──●──●──●──●──●──      by the profile, whatever the service does
sent     ──●──●──●─────●──●──      as the generator began them
dropped             ●              no user was free
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from checks.case import DrivenProfile
from checks.stall import on_one_clock
from reports import formatting as write
from reports.charts.layers import (
    Spec,
    interval_clock,
    line_layer,
    panel,
    panels,
    quantity_axis,
    series_colour,
    time_axis,
)
from reports.charts.model import Chart, NotDrawn
from reports.charts.source import ChartSource
from reports.vega import BLUE, FAIL, TEAL
from scenarios.driver.arrivals import OpenModel, arrivals_of
from scenarios.evidence.exchanges import Column
from scenarios.evidence.recording import Recording

TITLE = "Arrivals and requests in flight"
_NAMES = ("due", "sent", "dropped")


def charts(source: ChartSource) -> Iterator[Chart | NotDrawn]:
    """Yield the chart of an open model; a closed one has no arrivals."""
    model = arrivals_of(source.driven.profile) if source.driven else None
    if source.driven is None or not isinstance(model, OpenModel):
        return
    if source.exchanges.empty:
        yield NotDrawn(TITLE, "no request was sent")
        return
    counts = _counts(source, source.driven, model)
    counts["in_flight"] = _in_flight(source, counts["at_s"].to_numpy())
    rows = tuple(
        (
            interval_clock(row["at"]),
            *(write.render_count(row[name]) for name in (*_NAMES, "in_flight")),
        )
        for row in counts.to_dict("records")
    )
    columns = "From (UTC)", "Due", "Sent", "Dropped", "In flight, most"
    yield Chart(TITLE, _sentence(source, counts), _spec(source, counts), columns, rows)


def _counts(source: ChartSource, driven: DrivenProfile, model: OpenModel) -> pd.DataFrame:
    """Return arrivals per interval; what was due and never begun was dropped.

    A killed generator reports no number of dropped arrivals: then this is the only one.
    """
    width_s = source.interval_s
    due_s = np.fromiter(model.due_times(), float)
    begins_s = [_begin_s(each) for each in driven.recordings]
    begins_at = [each.start.anchor_at + begin_s
                 for each, begin_s in zip(driven.recordings, begins_s, strict=True)]  # fmt: skip
    zero_at, begun_due_s, sent_s = min(begins_at), [], []
    for each, begin_s in zip(driven.recordings, begins_s, strict=True):
        first = each.exchanges.iterations.first
        # each generator computes when its arrivals are due from when it began
        begun_due_s.append(each.exchanges.column("due_s")[first] - begin_s)
        offset_s = each.start.anchor_at - zero_at
        sent_s.append(each.exchanges.column("sent_s")[first] + offset_s)
    end_s = max(model.until_s, source.span[1].timestamp() - zero_at)
    edges_s = np.arange(0.0, end_s + width_s, width_s)
    # in whole microseconds: the same arrival is due at the same edge in the plan and in a recording
    due, begun, sent = (np.histogram(np.round(each, 6), np.round(edges_s, 6))[0]
                        for each in (due_s, np.concatenate(begun_due_s),
                                     np.concatenate(sent_s)))  # fmt: skip
    at = pd.to_datetime((zero_at + edges_s[:-1]) * 1e9, unit="ns", utc=True)
    since_anchor_s = zero_at - min(each.start.anchor_at for each in driven.recordings)
    at_s = edges_s[:-1] + since_anchor_s  # on the clock of `on_one_clock`
    return pd.DataFrame({"at": at, "at_s": at_s, "is_due": edges_s[:-1] < model.until_s,
                         "due": due, "sent": sent,
                         "dropped": np.maximum(0, due - begun)})  # fmt: skip


def _begin_s(recording: Recording) -> float:
    """Return when the load began, in seconds since the anchor: when all users had started.

    Of a generator that was killed, it is when its first arrival was due.
    """
    if recording.end:
        return recording.measured_from_s - recording.start.warm_up_s
    due_s = recording.exchanges.column("due_s")
    return float(due_s[0]) if len(due_s) else 0.0


def _in_flight(source: ChartSource, at_s: Column) -> Column:
    """Return the largest number of requests between due and done in each interval."""
    rows = on_one_clock(source.recordings)
    # a step is due when the one before is done: of equal times, that which ends comes first
    times_s = np.concatenate([rows["done_s"], rows["due_s"]])
    changes = np.repeat(np.array([-1, 1], np.int32), len(rows))
    order = np.argsort(times_s, kind="stable")
    times_s, level = times_s[order], np.cumsum(changes[order])
    places = np.searchsorted(times_s, at_s)
    before = np.concatenate([[0], level])[places]
    most = [level[begin:end].max(initial=start)
            for begin, end, start in zip(places, [*places[1:], len(level)], before,
                                         strict=True)]  # fmt: skip
    return np.array(most)


def _spec(source: ChartSource, counts: pd.DataFrame) -> Spec:
    begin = counts["at"].iloc[0]
    end = counts["at"].iloc[-1] + pd.Timedelta(seconds=source.interval_s)
    x = time_axis(begin, end)
    records = counts.to_dict("records")
    names = _NAMES if counts["dropped"].any() else _NAMES[:2]
    values = [
        {"at": round(row["at"].timestamp() * 1000), "value": row[name] / source.interval_s,
         "series": name}
        for name in names for row in records if row["is_due"]
    ]  # fmt: skip
    encoding = {"x": x, "y": quantity_axis("per second"),
                **series_colour(names, (TEAL, BLUE, FAIL))}  # fmt: skip
    flight = [{"at": round(row["at"].timestamp() * 1000), "value": row["in_flight"]}
              for row in records]  # fmt: skip
    below = line_layer(flight, {"x": x, "y": quantity_axis("requests")}, color=BLUE,
                       interpolate="step-after")  # fmt: skip
    upper = panel([line_layer(values, encoding, interpolate="step-after")], 110, "iterations")
    return panels(upper, panel([below], 80, "requests in flight, most per interval"))


def _sentence(source: ChartSource, counts: pd.DataFrame) -> str:
    due, dropped = int(counts["due"].sum()), int(counts["dropped"].sum())
    most = counts.iloc[int(counts["in_flight"].to_numpy().argmax())]
    peak = (f"At most {write.render_count(most['in_flight'])} requests were in flight, from "
            f"{interval_clock(most['at'])} UTC on")  # fmt: skip
    if not dropped:
        return f"All {write.render_number_of(due, 'arrival')} due were begun. {peak}."
    of_drops = counts[counts["dropped"] > 0]["at"]
    end = of_drops.max() + pd.Timedelta(seconds=source.interval_s)
    not_started = source.driven.not_started if source.driven else 0
    word = "dropped or left when the load was stopped" if not_started else "dropped"
    return (f"{dropped:,} of {write.render_number_of(due, 'arrival')} due were {word}, from "
            f"{interval_clock(of_drops.min())} to {interval_clock(end)} UTC. {peak}.")  # fmt: skip
