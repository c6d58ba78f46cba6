"""Ctrl-C and SIGTERM as a wish that the loop looks at between two steps."""

import signal
import threading
from types import FrameType
from typing import Any


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, has written a checkpoint, and did; the message says how to go on.

    A `KeyboardInterrupt`, so that no handler of errors takes it and a command exits with 130.
    """


class Interrupts:
    """While entered, the first SIGINT or SIGTERM only sets `name`; a second one acts as usual.

    A signal that was ignored stays ignored: shells start background jobs without SIGINT.
    """

    def __init__(self) -> None:
        self.name = ""
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():  # signals arrive only there
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature
        self.name = signal.Signals(number).name
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
