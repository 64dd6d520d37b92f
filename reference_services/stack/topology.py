"""Topology of a local stack: three services, a Prometheus and what a deployment fault adds.

    clients ──> onboarding ──> cards <── workflow <── clients
                     Prometheus scrapes all three

A fault may put a proxy before Cards or Workflow, or add a second Cards. `public` maps a service to
the socket where clients and Prometheus find it; `own` maps it to the socket on which the process
itself listens. The two differ only behind a proxy.
"""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

from reference_services.faults.deployment import deployment_of
from reference_services.stack.processes import (
    LostProcess,
    ProcessGroup,
    StackProcess,
    address_of,
    is_up,
    open_listener,
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

_SECOND_CARDS = "cards-2"
# Start times are compared with a resolution of one second.
_START_GAP_S = 1.5


class LocalStack:
    """The processes of one local stack; `stop` stops every process that was started."""

    def __init__(self, folder: Path, fault: str | None, hold: AbstractContextManager[None]) -> None:
        """Start nothing yet; databases, logs and samples go to the folder.

        `hold` defers termination signals within its block; see `ProcessGroup`.
        """
        self._folder = folder
        self._fault = fault
        self._deployment = deployment_of(fault)
        self._processes = ProcessGroup(folder, hold)

    def start(self) -> dict[str, str]:
        """Start everything, wait until it responds, and return its addresses as variables.

        Raises StackError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            public = {name: held.enter_context(open_listener()) for name in SERVICES}
            own = public | {
                name: held.enter_context(open_listener()) for name in self._separate_listeners()
            }
            # Prometheus first: its first scrape comes 5 s after its start.
            targets = {name: address_of(listener) for name, listener in public.items()}
            prometheus = start_prometheus(self._processes, self._folder, targets)
            services = self._start_services(public, own)
            if self._deployment.second_cards:
                services[_SECOND_CARDS] = self._start_second_cards(services["cards"], own)
            for name in self._deployment.behind_proxy:
                self._start_proxy(name, public, own, services)
            urls = {name: url_of(listener) for name, listener in (own | public).items()}
            addresses = self._addresses(public, own, services)
        for name, service in services.items():
            wait_until(service, partial(is_up, f"{urls[name]}/health"))
        prometheus_url = await_prometheus(prometheus)
        if self._deployment.needs_baseline:
            await_baseline(prometheus, prometheus_url, len(targets))
        return {**addresses, "PROMETHEUS_URL": prometheus_url}

    def lost(self) -> list[LostProcess]:
        """Return the processes that have ended or are suspended, except by the fault itself."""
        expected = {"cards"} if self._deployment.replaced_after else set()
        return [each for each in self._processes.lost() if each.name not in expected]

    def stop(self) -> None:
        """Stop every process and delete the samples of Prometheus."""
        self._processes.stop()
        drop_samples(self._folder)

    def _separate_listeners(self) -> tuple[str, ...]:
        """Return the names that need a socket of their own: behind a proxy, or a second Cards."""
        second = (_SECOND_CARDS,) if self._deployment.second_cards else ()
        return (*self._deployment.behind_proxy, *second)

    def _start_services(self, public: _Sockets, own: _Sockets) -> dict[str, StackProcess]:
        cards_for_workflow = (
            own[_SECOND_CARDS] if self._deployment.second_replica else public["cards"]
        )
        onboarding = {"CARDS_URL": url_of(public["cards"])}
        workflow = {"CARDS_URL": url_of(cards_for_workflow), **self._deployment.workflow}
        workers = self._deployment.workers_apart
        arguments = ["--workers", str(workers)] if workers else []
        return {
            "cards": self._start_service("cards", own["cards"], {}, *arguments),
            "onboarding": self._start_service("onboarding", own["onboarding"], onboarding),
            "workflow": self._start_service("workflow", own["workflow"], workflow),
        }

    def _start_second_cards(self, first: StackProcess, own: _Sockets) -> StackProcess:
        # After the first responds: it has migrated the database that both share.
        wait_until(first, partial(is_up, f"{url_of(own['cards'])}/health"))
        time.sleep(max(0.0, first.started_at + _START_GAP_S - time.monotonic()))
        return self._start_service("cards", own[_SECOND_CARDS], {}, name=_SECOND_CARDS)

    def _start_service(
        self,
        service: str,
        listener: socket.socket,
        variables: Mapping[str, str],
        *arguments: str,
        name: str = "",
    ) -> StackProcess:
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
        self, name: str, public: _Sockets, own: _Sockets, services: Mapping[str, StackProcess]
    ) -> None:
        arguments = ["--upstream", address_of(own[name])]
        if name == "workflow":
            arguments += ["--cut-every", str(self._deployment.cut_every)]
        else:
            arguments += ["--switch-after", str(self._deployment.replaced_after)]
            arguments += ["--switch-to", address_of(own[_SECOND_CARDS])]
            arguments += ["--then-end", str(services[name].process.pid)]
        self._processes.start_module(
            f"{name}-proxy", "faults.proxy", *arguments, listener=public[name]
        )

    def _addresses(
        self, public: _Sockets, own: _Sockets, services: Mapping[str, StackProcess]
    ) -> dict[str, str]:
        addresses = {}
        for name in SERVICES:
            replicas = [public[name]]
            if name == "cards" and self._deployment.second_replica:
                replicas.append(own[_SECOND_CARDS])
            upper = name.upper()
            addresses[f"{upper}_URL"] = url_of(public[name])
            addresses[f"{upper}_METRICS"] = " ".join(
                f"{url_of(replica)}/metrics" for replica in replicas
            )
            addresses[f"{upper}_DATABASE_URL"] = self._database_url(name)
            addresses[f"{upper}_PID"] = str(services[name].process.pid)
        return addresses

    def _database_url(self, name: str) -> str:
        return f"sqlite:///{(self._folder / f'{name}.db').resolve()}"
