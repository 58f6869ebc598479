"""The command: settings, a server or several workers, and an end that lets streams finish.

A worker is a process of its own, which makes its own parts: options reach it by the environment, secrets do not.
"""

from __future__ import annotations

import json
import os
import tempfile
from argparse import Namespace
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import uvicorn

from holdback.gateway.app import application, say
from holdback.gateway.metrics import MULTIPLE
from holdback.gateway.parts import parts_of
from holdback.gateway.settings import ARGUMENTS, CONFIG, Settings, load

OPTIONS = ("upstream", "values", "host", "port", "workers", "state", "store", "fail")
"""The options of the command that are settings."""

IDLE = 75
"""Seconds that an idle connection is kept: longer than clients (5 with httpx) and balancers (60) keep theirs, else a
request may meet the end of its connection."""


def run(options: Namespace) -> None:
    """Serve until a signal ends it: one lets streams end, a second one does not.

    :raises HoldbackError: it cannot be served.
    """
    given = {name: value for name in OPTIONS if (value := getattr(options, name)) is not None}
    config = None if options.config is None else Path(options.config)
    settings = load(config, **given)
    server: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "fd": options.fd,
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "date_header": False,
        "timeout_keep_alive": IDLE,
        "timeout_graceful_shutdown": int(settings.timeouts.shutdown) or 1,
        "backlog": max(2048, settings.limits.requests),
    }
    _announce(settings, options.fd)
    if settings.workers == 1:
        uvicorn.run(application(settings), **server)
        return
    parts_of(settings, say)  # what cannot be made is told before there are workers
    os.environ[ARGUMENTS] = json.dumps(given)
    if config is not None:
        os.environ[CONFIG] = str(config.absolute())
    with ExitStack() as stack:
        if MULTIPLE not in os.environ:
            os.environ[MULTIPLE] = stack.enter_context(tempfile.TemporaryDirectory(prefix="holdback-"))
        uvicorn.run("holdback.gateway.app:create", factory=True, workers=settings.workers, **server)


def _announce(settings: Settings, fd: int | None) -> None:
    where = f"http://{settings.host}:{settings.port}" if fd is None else f"socket {fd}"
    workers = "" if settings.workers == 1 else f" with {settings.workers} workers"
    say(f"gateway on {where}{workers}, to {settings.upstream}")
    if settings.fail == "open":
        say("warning: a request that cannot be masked is sent as it is (fail = open)")
