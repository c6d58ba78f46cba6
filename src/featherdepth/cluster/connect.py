"""A Ray cluster: one started for the job, or one that is there."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from featherdepth.errors import FeatherDepthError, RunError, UsageError, needing

SETTINGS = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # its compiled part writes to our stderr
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    # Processes that stand by for tasks import Ray just when our workers do, and get no task of us.
    "RAY_enable_worker_prestart": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
ANSWER_S = 5.0
"""For a connection to be accepted."""
JOIN_S = 120.0
"""For a cluster to let somebody in; a slow core takes five seconds to import Ray."""
PORT = 6379
PROBE = """
import sys, ray
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
ray.cluster_resources()
"""


@contextmanager
def cluster(address: str | None, *, cpus: int) -> Iterator[Any]:
    """Yield the module `ray`, connected; what was started for the job ends with it.

    Args:
        address: HOST:PORT, ray://HOST:PORT, or "auto" for the cluster that this machine is part
            of; None starts one here.
        cpus: how many the cluster that is started shall offer.

    Raises:
        BackendError: Ray is not installed.
        UsageError: not an address.
        RunError: the cluster does not answer.
    """
    if address is not None:
        _show_token()
    ray = load_ray()
    if ray.is_initialized():  # by the program that uses us: it stays
        yield ray
        return
    if address is None:
        _start(ray, cpus)
    else:
        _join(ray, address)
    try:
        with _silent(1):  # it prints there when a worker dies; results go there
            yield ray
    finally:
        ray.shutdown()


def load_ray() -> Any:
    """Import Ray, quiet and without statistics sent home.

    Raises:
        BackendError: it is not installed.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with needing("--engine ray", "cluster"):
        import ray
    logging.getLogger("ray").setLevel(logging.ERROR)
    return ray


def load_ray_data() -> Any:
    """Import Ray Data, which takes as long again; `ray` comes first.

    Raises:
        BackendError: it is not installed.
    """
    with needing("--engine ray", "cluster"):
        import ray.data
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray.data


def _start(ray: Any, cpus: int) -> None:
    try:
        with _silent(2):
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                logging_level="ERROR",
                log_to_driver=False,
            )
    except Exception as error:
        raise RunError(f"cannot start a Ray cluster here: {one_line(error)}") from error


def _join(ray: Any, address: str) -> None:
    if address != "auto":
        _knock(address)
    _probe(address)
    try:
        with _silent(2):
            ray.init(address=address, logging_level="ERROR", log_to_driver=False)
    except Exception as error:
        raise _no_cluster(address, one_line(error)) from error


@contextmanager
def _silent(stream: int) -> Iterator[None]:
    """Keep what Ray and its compiled code say off a stream; errors come as exceptions."""
    try:
        kept = os.dup(stream)
    except OSError:  # there is none
        yield
        return
    sys.stdout.flush()
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, stream)
        os.close(kept)


def _show_token() -> None:
    """Let Ray show the token of this user, where there is one; before it is imported.

    `ray start` asks for one by default since 2.60, but a program that joins does not show it
    unless it is told to. A cluster that asks for none lets in who shows one, too.
    """
    token = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token"
    if "RAY_AUTH_TOKEN" in os.environ or Path(token).is_file():
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def _knock(address: str) -> None:
    """See whether anybody listens, before Ray waits for it for a minute or more."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 1 << 16):
        raise UsageError(
            f"--address {address!r}; expected HOST:PORT such as 10.0.0.1:{PORT}, ray://HOST:PORT or"
            " auto"
        )
    try:
        with contextlib.closing(socket.create_connection((host.strip("[]"), int(port)), ANSWER_S)):
            pass
    except OSError as error:
        raise _no_cluster(address, error.strerror or str(error)) from error


def _probe(address: str) -> None:
    """Join from a process of its own: where something else listens, Ray ends the process."""
    command = [sys.executable, "-c", PROBE, address]
    try:
        result = subprocess.run(  # noqa: S603 - our own code, the address is an argument
            command, capture_output=True, text=True, timeout=JOIN_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _no_cluster(address, f"no word of a Ray cluster in {JOIN_S:.0f} s") from error
    if result.returncode != 0:
        said = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        raise _no_cluster(address, said[-1] if said else "no Ray cluster")


def _no_cluster(address: str, reason: str) -> FeatherDepthError:
    return RunError(
        f"--address {address}: the cluster does not answer: {reason.rstrip('.')[:300]}; see that"
        " `ray start --head` runs there, with this version of Ray and Python and the same token"
        " (~/.ray/auth_token), or leave --address out for a cluster on this machine"
    )


def one_line(error: BaseException) -> str:
    """The last line of what an error of Ray says: the reason stands there."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
