"""The imitation server as a command, to try things against by hand."""

import argparse
import json
import sys
import threading
from collections.abc import Sequence

from tests.openai_server.catalogue import CATALOGUE, make_fault, make_weather
from tests.openai_server.clock import Clock
from tests.openai_server.faults import Fault
from tests.openai_server.rules import SERVERS, UNLIMITED
from tests.openai_server.server import OpenAIServer

_EPILOG = """
A fault is written NAME or NAME:key=value,… with the keys route, method, path (patterns with *),
nth, count (for no end: all, the default), probability, seed and after. For example
  --fault 429-seconds:route=files.create,nth=3,count=2 --fault reset-after:probability=0.1,count=all
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; 2 for a port that is taken."""
    options = _make_parser().parse_args(arguments)
    if options.list_faults:
        for row in CATALOGUE.values():
            print(f"{row.name:26} {row.route:36} {row.summary}")
        return 0
    server = OpenAIServer(
        clock=Clock(scale=options.speed),
        like=options.like,
        limits=UNLIMITED if options.no_rates else None,
        seed=options.seed,
    )
    if options.indexing_seconds is not None:
        server.change_rules(indexing_seconds=options.indexing_seconds)
    server.delay(options.latency)
    server.add_fault(*options.fault)
    if options.weather:
        server.add_weather(make_weather(), probability=options.weather, seed=options.seed)
    try:
        server.start(options.port)
    except OSError as error:
        print(f"port {options.port}: {error.strerror}", file=sys.stderr)
        return 2
    _serve(server)
    return 0


def read_fault(text: str) -> Fault:
    """A fault as it is written on the command line."""
    name, _, rest = text.partition(":")
    selectors: dict[str, object] = {"count": None}
    try:
        for key, value in (pair.split("=", 1) for pair in rest.split(",") if pair):
            selectors[key] = _read_value(key, value)
        return make_fault(name, **selectors)  # type: ignore[arg-type]  # wrong ones raise
    except (LookupError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}; --list-faults names all") from error


def _read_value(key: str, value: str) -> object:
    match key:
        case "nth" | "seed":
            return int(value)
        case "count":
            return None if value == "all" else int(value)
        case "probability":
            return float(value)
        case "after":
            return value == "true"
        case "route" | "method" | "path":
            return value
        case _:
            raise ValueError(f"no such key {key!r}")


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.openai_server",
        description="Imitates OpenAI's Files, Uploads and Vector Stores on loopback.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--port", type=int, default=8080, help="0 finds a free one (default 8080)")
    add("--like", choices=list(SERVERS), default="openai", help="which server is imitated")
    add("--speed", type=float, default=1.0, help="simulated seconds in a real one (default 1)")
    add("--latency", type=float, default=0.0, help="seconds by which answers are late (default 0)")
    add("--indexing-seconds", type=float, help="until a File is searchable (default 1)")
    add("--no-rates", action="store_true", help="no quotas by the minute")
    add("--fault", type=read_fault, action="append", default=[], metavar="FAULT")
    add("--weather", type=float, default=0.0, metavar="P", help="any passing fault with P")
    add("--seed", type=int, default=0, help="of the ids and of the weather (default 0)")
    add("--list-faults", action="store_true", help="print every fault and leave")
    return parser


def _serve(server: OpenAIServer) -> None:
    print(f"export OPENAI_BASE_URL={server.url}\nexport OPENAI_API_KEY={server.key}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        print(json.dumps(server.ledger.counts(), indent=2), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
