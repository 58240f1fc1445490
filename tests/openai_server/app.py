"""From a request to its answer: routes, the key, quotas, faults and the ledger."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias
from urllib.parse import parse_qsl

from tests.openai_server.call import Answer, Call, Request
from tests.openai_server.clock import Clock
from tests.openai_server.errors import ApiError, unknown_key
from tests.openai_server.faults import (
    Act,
    Alter,
    Behave,
    Effect,
    Fault,
    Hang,
    Refuse,
    Reply,
    Reset,
    Send,
    Tamper,
    Weather,
)
from tests.openai_server.ledger import Ledger, Record, read_for_record
from tests.openai_server.rates import take_route
from tests.openai_server.routes import TOKEN_ROUTE, Target, find_target
from tests.openai_server.rules import Rules
from tests.openai_server.state import State

BASES = ("/openai/v1/", "/v1/")
"""The service's own base path and Azure's."""

_COMMON_HEADERS = {
    "openai-version": "2020-10-01",
    "openai-organization": "org-imitation",
    "openai-processing-ms": "1",
}
Watcher: TypeAlias = Callable[[State, Record], None]
Delivery: TypeAlias = Reset | Hang | Refuse | Send


@dataclass(slots=True)
class Exchange:
    """A request whose head was read: where it goes and which faults it meets."""

    request: Request
    """Still without its body."""

    target: Target
    faults: list[Fault]

    @property
    def is_unread(self) -> bool:
        """Whether the connection is reset before the body is read."""
        return any(each.effect == Reset("unread") for each in self.faults)


@dataclass(slots=True)
class App:
    """The service without its wire; `open` and `serve` are called under `lock`."""

    clock: Clock = field(default_factory=Clock)
    rules: Rules = field(default_factory=Rules)
    keys: set[str] = field(default_factory=lambda: {"sk-imitation"})
    seed: int = 0
    faults: list[Fault] = field(default_factory=list)
    weather: list[Weather] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    failures: list[Exception] = field(default_factory=list)
    """What watchers raised, and what endpoints and effects must not raise."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(self.clock, self.seed)

    def open(self, method: str, target: str, headers: Mapping[str, str]) -> Exchange:
        """Find the route of a request and the faults it meets."""
        path, _, query = target.partition("?")
        path = next((path[len(each) - 1 :] for each in BASES if path.startswith(each)), path)
        fields = dict(parse_qsl(query, keep_blank_values=True))
        found = find_target(method, path)
        met = [each for each in self.faults if each.meets(found.route, method, path)]
        picks = [each.pick(found.route) for each in self.weather]
        met += [each for each in picks if each]
        return Exchange(Request(method, path, fields, headers), found, met)

    def serve(self, exchange: Exchange, body: bytes) -> tuple[Answer, Delivery]:
        """Do what a request asks, or what its faults want; records it and tells the watchers."""
        self.clock.advance(self.clock.tick)
        request = replace(exchange.request, body=body)
        record = self._record(exchange, request)
        self.state.request = record.number
        self.state.expire()
        delivery: Delivery = Send()
        try:
            answer, delivery = self._meet(exchange, request)
        except Exception as error:  # noqa: BLE001  (a defect of the imitation must reach the test)
            self.failures.append(error)
            answer = Answer.from_json(ApiError(500, f"imitation: {error!r}").to_body(), 500)
        record.request_id = self.state.make_id("req_")
        record.status = answer.status if isinstance(delivery, Send) else 0
        self.state.request = 0
        self._tell(record)
        headers = _COMMON_HEADERS | {"x-request-id": record.request_id} | dict(answer.headers)
        return replace(answer, headers=headers), delivery

    def _meet(self, exchange: Exchange, request: Request) -> tuple[Answer, Delivery]:
        """Carry out the faults in the order in which they touch a request."""
        effects = [each for fault in exchange.faults for each in (fault.effect, *fault.also)]
        rules = self.rules
        for effect in effects:
            match effect:
                case Tamper(change):
                    request = change(request, self.state)
                case Behave(changes):
                    rules = rules.change(changes)
                case Act(act, after=False):
                    act(self.state, request)
                case _:
                    pass
        early = next((each for each in effects if _comes_first(each)), None)
        answer = Answer(500) if early else self._answer(exchange.target, request, rules)
        for effect in effects:
            if isinstance(effect, Act) and effect.after:
                effect.act(self.state, request)
        return _send(request, answer, effects, early)

    def _answer(self, target: Target, request: Request, rules: Rules) -> Answer:
        """What the service answers by itself."""
        call = Call(request, target.ids, self.state, rules, self.clock.now())
        try:
            if target.route != TOKEN_ROUTE:
                check_key(request.headers, self.keys | set(self.state.tokens))
            take_route(call, target.route)
            result = target.endpoint(call)
        except ApiError as error:
            body = error.to_body(rules.assumptions.error_shape)
            return Answer.from_json(body, error.status, error.headers)
        return result if isinstance(result, Answer) else Answer.from_json(result, 200, call.headers)

    def _record(self, exchange: Exchange, request: Request) -> Record:
        body, sent = read_for_record(request)
        record = Record(
            number=self.ledger.make_number(),
            method=request.method,
            path=request.path,
            route=exchange.target.route,
            query=request.query,
            headers=request.headers,
            time=self.clock.now(),
            size=len(request.body),
            sha256=hashlib.sha256(request.body).hexdigest() if request.body else "",
            body=body,
            file=sent,
            faults=[fault.name for fault in exchange.faults],
        )
        self.ledger.requests.append(record)
        return record

    def _tell(self, record: Record) -> None:
        for watcher in self.watchers:
            try:
                watcher(self.state, record)
            except Exception as error:  # noqa: BLE001  (the test that owns it gets it at the end)
                self.failures.append(error)


def check_key(headers: Mapping[str, str], keys: Iterable[str]) -> None:
    """Refuse a request without one of the keys. Raises `ApiError` 401."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    key = key if scheme.lower() == "bearer" else headers.get("api-key", "")
    if key not in keys:
        raise unknown_key(key)


def _comes_first(effect: Effect) -> bool:
    """Whether an effect keeps the work from being done."""
    match effect:
        case Reset(when):
            return when != "after"
        case Hang(_, after) | Reply(after=after):
            return not after
        case Refuse():
            return True
        case _:
            return False


def _send(
    request: Request, answer: Answer, effects: list[Effect], early: Effect | None
) -> tuple[Answer, Delivery]:
    """What is sent in the end, and how."""
    for effect in effects:
        if isinstance(effect, Alter) and answer.is_good_json:
            changed = effect.change(json.loads(answer.body))
            answer = replace(answer, body=json.dumps(changed).encode())
    for effect in [early] if early else effects:
        match effect:
            case Reply(status, body, headers):
                content = body if isinstance(body, bytes) else body(request)
                return Answer(status, content, dict(headers)), Send()
            case Reset() | Hang() | Refuse() | Send():
                return answer, effect
            case _:
                pass
    return answer, Send()
