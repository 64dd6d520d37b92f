"""What does a local stack consist of? Three services and a Prometheus, and what a fault adds."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from reference_services.faults.deployment import deployment_of
from reference_services.stack.processes import (
    Processes,
    Started,
    address_of,
    answers,
    listen,
    url_of,
    wait_until,
)
from reference_services.stack.prometheus import (
    await_baseline,
    await_prometheus,
    drop_samples,
    start_prometheus,
)

SERVICES = ("cards", "onboarding", "workflow")

_Sockets = Mapping[str, socket.socket]

_SECOND = "cards-2"
# Start times are compared by the second.
_APART_S = 1.5


class Stack:
    """The processes of one local stack. Whatever was started is stopped by `stop`."""

    def __init__(self, folder: Path, fault: str | None, hold: AbstractContextManager[None]) -> None:
        """Start nothing yet; databases, logs and samples go to the folder.

        Inside `hold` nothing interrupts, so no process is started and forgotten.
        """
        self._folder = folder
        self._fault = fault
        self._deployment = deployment_of(fault)
        self._processes = Processes(folder, hold)

    def start(self) -> dict[str, str]:
        """Start everything, wait until it answers, and return the variables of its addresses.

        Raises StackError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            public = {name: held.enter_context(listen()) for name in SERVICES}
            own = public | {name: held.enter_context(listen()) for name in self._listening_apart()}
            # Prometheus first: it takes 5 s from its start to its first scrape
            targets = {name: address_of(each) for name, each in public.items()}
            prometheus = start_prometheus(self._processes, self._folder, targets)
            services = self._start_services(public, own)
            if self._deployment.second_cards:
                services[_SECOND] = self._start_second_cards(services["cards"], own)
            for name in self._deployment.behind_proxy:
                self._start_proxy(name, public, own, services)
            urls = {name: url_of(each) for name, each in (own | public).items()}
            addresses = self._addresses(public, own, services)
        for name, service in services.items():
            wait_until(service, partial(answers, f"{urls[name]}/health"))
        prometheus_url = await_prometheus(prometheus)
        if self._deployment.needs_baseline:
            await_baseline(prometheus, prometheus_url, len(targets))
        return {**addresses, "PROMETHEUS_URL": prometheus_url}

    def stop(self) -> None:
        """Stop every process, politely and then by force, and drop Prometheus' samples."""
        self._processes.stop()
        drop_samples(self._folder)

    def _listening_apart(self) -> tuple[str, ...]:
        """Name what does not listen where a service is looked for: behind a proxy, or a second."""
        second = (_SECOND,) if self._deployment.second_cards else ()
        return (*self._deployment.behind_proxy, *second)

    def _start_services(self, public: _Sockets, own: _Sockets) -> dict[str, Started]:
        cards_of_workflow = own[_SECOND] if self._deployment.second_replica else public["cards"]
        onboarding = {"CARDS_URL": url_of(public["cards"])}
        workflow = {"CARDS_URL": url_of(cards_of_workflow), **self._deployment.workflow}
        workers = self._deployment.workers_apart
        arguments = ["--workers", str(workers)] if workers else []
        return {
            "cards": self._start_service("cards", own["cards"], {}, *arguments),
            "onboarding": self._start_service("onboarding", own["onboarding"], onboarding),
            "workflow": self._start_service("workflow", own["workflow"], workflow),
        }

    def _start_second_cards(self, first: Started, own: _Sockets) -> Started:
        # Not before the first answers: that brings the database of both up to date.
        wait_until(first, partial(answers, f"{url_of(own['cards'])}/health"))
        time.sleep(max(0.0, first.started_at + _APART_S - time.monotonic()))
        return self._start_service("cards", own[_SECOND], {}, name=_SECOND)

    def _start_service(
        self,
        service: str,
        listener: socket.socket,
        variables: Mapping[str, str],
        *arguments: str,
        name: str = "",
    ) -> Started:
        settings = {"DATABASE_URL": self._database_url(service), "FAULT": self._fault or ""}
        return self._processes.start_module(
            name or service,
            "serve",
            service,
            *arguments,
            listener=listener,
            environ={**os.environ, **settings, **variables},
        )

    def _start_proxy(
        self, name: str, public: _Sockets, own: _Sockets, services: Mapping[str, Started]
    ) -> None:
        arguments = ["--upstream", address_of(own[name])]
        if name == "workflow":
            arguments += ["--cut-every", str(self._deployment.cut_every)]
        else:
            arguments += ["--switch-after", str(self._deployment.replaced_after)]
            arguments += ["--switch-to", address_of(own[_SECOND])]
            arguments += ["--then-end", str(services[name].process.pid)]
        self._processes.start_module(
            f"{name}-proxy", "faults.proxy", *arguments, listener=public[name]
        )

    def _addresses(
        self, public: _Sockets, own: _Sockets, services: Mapping[str, Started]
    ) -> dict[str, str]:
        addresses = {}
        for name in SERVICES:
            replicas = [public[name]]
            if name == "cards" and self._deployment.second_replica:
                replicas.append(own[_SECOND])
            upper = name.upper()
            addresses[f"{upper}_URL"] = url_of(public[name])
            addresses[f"{upper}_METRICS"] = " ".join(f"{url_of(each)}/metrics" for each in replicas)
            addresses[f"{upper}_DATABASE_URL"] = self._database_url(name)
            addresses[f"{upper}_PID"] = str(services[name].process.pid)
        return addresses

    def _database_url(self, name: str) -> str:
        return f"sqlite:///{(self._folder / f'{name}.db').resolve()}"
