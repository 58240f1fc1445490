"""The imitation server for tests: a context manager that runs it in a thread."""

import asyncio
import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Literal, Self

from tests.openai_server.app import App, Watcher
from tests.openai_server.assumptions import Assumptions
from tests.openai_server.clock import Clock
from tests.openai_server.faults import Fault, Weather
from tests.openai_server.ledger import Ledger
from tests.openai_server.rules import SERVERS, Behaviour, Limits, Rules
from tests.openai_server.state import SideEffect, State
from tests.openai_server.wire import Wire


class OpenAIServer:
    """An imitation of the service on loopback; `url` is what the SDK takes as `base_url`.

    Leaving it raises what a watcher raised, unless something else is being raised.
    """

    key = "sk-imitation"
    """The key that is let in."""

    def __init__(
        self,
        *,
        like: Literal["openai", "azure", "compatible"] = "openai",
        clock: Clock | None = None,
        limits: Limits | None = None,
        behaviour: Behaviour | None = None,
        assumptions: Assumptions | None = None,
        seed: int = 0,
    ) -> None:
        rules = SERVERS[like]
        rules = Rules(
            limits or rules.limits,
            behaviour or rules.behaviour,
            assumptions or rules.assumptions,
        )
        self.app = App(clock=clock or Clock(), rules=rules, keys={self.key}, seed=seed)
        self._wire = Wire(self.app)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._port = 0
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="imitation")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self.app.failures:
            raise self.app.failures[0]

    def start(self, port: int = 0) -> None:
        """Listen on loopback; on a free port when it is 0. Raises `OSError`."""
        self._port = port
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Close every socket and wait for the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The base URL, with the version."""
        return f"{self.origin}/v1"

    @property
    def state(self) -> State:
        """What the server holds; read it under `lock` while requests are under way."""
        return self.app.state

    @property
    def ledger(self) -> Ledger:
        """Every request so far."""
        return self.app.ledger

    @property
    def clock(self) -> Clock:
        """The server's simulated time."""
        return self.app.clock

    @property
    def lock(self) -> threading.RLock:
        """Held while a request is served."""
        return self.app.lock

    @property
    def connections(self) -> int:
        """How many connections were made so far."""
        return self._wire.accepted

    @property
    def side_effects(self) -> list[SideEffect]:
        """Every change of the state so far."""
        with self.lock:
            return list(self.state.side_effects)

    def add_fault(self, *faults: Fault) -> None:
        """Let requests to come meet faults."""
        with self.lock:
            self.app.faults.extend(faults)

    def add_weather(self, faults: Iterable[Fault], *, probability: float, seed: int) -> Weather:
        """Let every request meet one of `faults` with a probability."""
        weather = Weather(tuple(faults), probability, seed)
        with self.lock:
            self.app.weather.append(weather)
        return weather

    def clear_faults(self) -> None:
        """Let requests to come meet no fault."""
        with self.lock:
            self.app.faults.clear()
            self.app.weather.clear()

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` with the state and the record after every request, under the lock."""
        with self.lock:
            self.app.watchers.append(watcher)

    def change_rules(self, **changes: object) -> None:
        """Serve requests to come by changed rules; see `Rules.change`."""
        with self.lock:
            self.app.rules = self.app.rules.change(changes)

    def delay(self, seconds: float) -> None:
        """Send every answer some real seconds late."""
        self._wire.latency = seconds

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        try:
            self._port = self._wire.listen(self._port)
        except OSError as error:
            self._error = error
            return
        finally:
            self._ready.set()
        await self._stopping.wait()
        await self._wire.close()
