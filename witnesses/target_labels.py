"""Read one selector in two vocabularies: the labels of an exposition, and those of Prometheus.

Prometheus adds the labels of the target to every series, and renames a label of the exposition that
has the same name, unless the scrape is configured with `honor_labels`:

    /metrics     orders_total{kind="tea", job="batch"}
    Prometheus   orders_total{kind="tea", exported_job="batch", job="shop", instance="shop:80"}
                                          └─ renamed             └─ labels of the target

So a matcher on a label of the target is compared with the target, never with the exposition.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from config.prometheus import matchers_of
from scenarios.language.selector import Matcher, Selector

JOB, INSTANCE = "job", "instance"
_RENAMED = "exported_"
_PORTS = {"http": 80, "https": 443}
# Labels of targets that differ from one environment to another, as a rule.
_OF_ENVIRONMENTS = ("env", "environment", "stage", "namespace", "cluster")
_MAX_VALUES, _MAX_CHARACTERS = 5, 60
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Labels = Mapping[str, str]

_ANY: Labels = {}


def instance_of(url: str) -> str:
    """Return the `instance` label that Prometheus gives to a metrics URL by default.

    >>> instance_of("http://shop.example/metrics"), instance_of("http://[::1]:8080/metrics")
    ('shop.example:80', '[::1]:8080')
    """
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{parts.port or _PORTS[parts.scheme]}"


def address_of(instance: str) -> str:
    """Return an instance, or a URL, with one name for this machine: it has several on loopback.

    >>> address_of("localhost:9100"), address_of("[::1]:9100"), address_of("shop:9100")
    ('127.0.0.1:9100', '127.0.0.1:9100', 'shop:9100')
    >>> address_of("http://LOCALHOST/metrics?a=1"), address_of("http://127.0.0.1:80/metrics?a=1")
    ('http://127.0.0.1:80/metrics?a=1', 'http://127.0.0.1:80/metrics?a=1')
    """
    if "://" in instance:
        parts = urlsplit(instance)
        return parts._replace(netloc=address_of(instance_of(instance))).geturl()
    host, colon, port = instance.rpartition(":")
    return f"{_LOOPBACK[0]}{colon}{port}" if host.lower() in _LOOPBACK else instance


def is_on_loopback(url: str) -> bool:
    """Return whether a URL names this machine, by one of its names on loopback.

    >>> [is_on_loopback(f"http://{host}/") for host in ("LOCALHOST", "[::1]:9100", "shop:9100")]
    [True, True, False]
    """
    return address_of(instance_of(url)).startswith(f"{_LOOPBACK[0]}:")


@dataclass(frozen=True)
class ReplicaLabels:
    """What is known of the labels of the target behind one metrics URL.

    `values` are the values that each label of the target can have; an empty set is unknown.
    """

    values: Mapping[str, frozenset[str]]

    def value(self, name: str, shown: Labels) -> str:
        """Return the value of a label by Prometheus' name for it, in an exposition's labels.

        A label of the target that the exposition lacks has the target's value, if one is known.
        """
        bare = name.removeprefix(_RENAMED)
        is_renamed = bare != name and bare in self.values and name not in shown
        of_target = self.values.get(name, frozenset())
        known = next(iter(of_target)) if len(of_target) == 1 else ""
        return shown.get(bare if is_renamed else name, known)

    def failed_matchers(self, selector: Selector, shown: Labels) -> list[Matcher]:
        """Return the matchers that a series does not satisfy; [] if the selector selects it."""
        renamed = [m for m in selector.matchers if not self._matches(m, shown, is_honored=False)]
        honored = [m for m in selector.matchers if not self._matches(m, shown, is_honored=True)]
        return min(renamed, honored, key=len)

    def fits(self, matcher: Matcher) -> bool:
        """Return whether the target can satisfy a matcher on one of its labels."""
        values = self.values.get(matcher.label, frozenset())
        return not values or any(matcher.matches({matcher.label: value}) for value in values)

    def _matches(self, matcher: Matcher, shown: Labels, *, is_honored: bool) -> bool:
        if matcher.label in self.values and not (is_honored and matcher.label in shown):
            return self.fits(matcher)
        return matcher.matches({matcher.label: self.value(matcher.label, shown)})


@dataclass(frozen=True)
class TargetLabels:
    """The labels of Prometheus' targets, by job; empty where no Prometheus was asked."""

    by_job: Mapping[str, Sequence[Labels]]

    def of_replica(self, job: str, url: str, instance: str = "") -> ReplicaLabels:
        """Return what is known of the target that is scraped at a metrics URL of a job.

        If no target of the job has the URL's host and port as its instance, it can be any of them,
        unless its instance is known.
        """
        targets = self.by_job.get(job, ())
        address = address_of(instance or instance_of(url))
        exact = [each for each in targets if address_of(each.get(INSTANCE, "")) == address]
        values: dict[str, frozenset[str]] = {
            JOB: frozenset({job} if self.by_job else ()),
            INSTANCE: frozenset(),
        }
        for target in exact or targets:
            for name, value in target.items():
                values[name] = values.get(name, frozenset()) | {value}
        return ReplicaLabels(values)

    @classmethod
    def of_targets(cls, targets: Iterable[Labels]) -> "TargetLabels":
        """Group the labels of targets, such as those of `up`, by job."""
        by_job: dict[str, list[Labels]] = {}
        for labels in targets:
            of_target = {name: value for name, value in labels.items() if name != "__name__"}
            by_job.setdefault(labels.get(JOB, ""), []).append(of_target)
        return cls(by_job)


NO_TARGETS = TargetLabels({})


def mixed_environments(targets: Iterable[Labels]) -> str:
    """Return the label by which targets seem to belong to several environments, or "".

    >>> mixed_environments([{"env": "staging", "pod": "a"}, {"env": "prod", "pod": "b"}])
    'targets with env: prod, staging'
    """
    values: dict[str, set[str]] = {}
    for labels in targets:
        for name in _OF_ENVIRONMENTS:
            values.setdefault(name, set()).add(labels.get(name, "none")[:_MAX_CHARACTERS])
    mixed = (name for name in _OF_ENVIRONMENTS if len(values.get(name, ())) > 1)
    name = next(mixed, "")
    return f"targets with {name}: {', '.join(sorted(values[name])[:_MAX_VALUES])}" if name else ""


def alternatives(values: Iterable[str]) -> str:
    r"""Return a regular expression, quoted for PromQL, that matches one of some texts.

    >>> print(alternatives(["shop", "back-office"]))
    "back\\-office|shop"
    """
    either = "|".join(re.escape(value) for value in sorted(values))
    return json.dumps(either, ensure_ascii=False)


def job_matcher(jobs: Iterable[str], match: Labels = _ANY, label: str = JOB) -> str:
    r"""Return the label matchers, in braces, of the targets of some jobs.

    >>> print(job_matcher(["shop", "back-office"], {"env": "staging"}))
    {job=~"back\\-office|shop", env="staging"}
    """
    return f"{{{', '.join([f'{label}=~{alternatives(jobs)}', *matchers_of(match)])}}}"
