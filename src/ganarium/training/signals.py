"""Signals: SIGINT and SIGTERM as requests to stop at the end of a round."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

SAME_REQUEST = 2.0
"""Seconds in which signals count as one request: torchrun forwards a Ctrl-C that all processes received."""


class StopRequest:
    """Request to stop; true after a signal.

    Attributes:
        number: number of the signal; 0 if none came.
    """

    def __init__(self) -> None:
        self.number = 0
        self._at = 0.0

    def __bool__(self) -> bool:
        return bool(self.number)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Turn SIGINT and SIGTERM into this request within the block; a second one is a KeyboardInterrupt."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def request(number: int, frame: FrameType | None) -> None:
            if self.number and time.monotonic() - self._at > SAME_REQUEST:
                raise KeyboardInterrupt
            self.number, self._at = number, time.monotonic()

        before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
