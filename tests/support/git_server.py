"""A smart-HTTP git server on loopback: `git http-backend`, a ledger, and faults to order."""

import base64
import datetime as dt
import ipaddress
import os
import ssl
import subprocess
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

_SETTINGS = {
    "safe.directory": "*",
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    """By lower-case name, in the order they came."""

    bytes_in: int
    bytes_out: int
    status: int

    @property
    def authorizations(self) -> list[str]:
        """Every Authorization header."""
        return [value for name, value in self.headers if name == "authorization"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What one request meets instead of, or after, its answer."""

    status: int = 0
    """The answer's status; 0 for none."""

    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ordered fault"
    drop: str = ""
    """"before": the connection ends and nothing was done, "unread": before the body was read.
    "after": everything was done first."""

    is_late: bool = False
    """Whether everything was done before this answer took the place of the right one."""

    hang: bool = False
    """Whether the server keeps silent until it stops."""

    on: str = ""
    """Only for requests whose method and URL contain this; others pass it by."""


@dataclass
class GitServer:
    """Serves the bare repositories below `root`; a context manager.

    `requests` is the ledger. `faults` are met one by one, by the requests they fit.
    """

    root: Path
    authorization: str = ""
    """The one Authorization header a request must have; empty to let everybody in."""

    tls: bool = False
    protocol: int = 2
    """The highest version of git's protocol that is spoken."""

    has_filters: bool = True
    requests: list[Request] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)

    def __enter__(self) -> Self:
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._http = _Listener(("127.0.0.1", 0), self)
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(make_certificate(self.root))
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self._http.server_address[1]}"

    @property
    def certificate(self) -> Path:
        """The file to trust when `tls` is on."""
        return self.root / "server.pem"

    def url(self, name: str) -> str:
        """The URL of the repository `name`."""
        return f"{self.origin}/{name}"

    def create(self, name: str = "origin.git") -> Path:
        """Make an empty bare repository."""
        run_git(self.root, "init", "-q", "--bare", "-b", "main", name)
        return self.root / name

    def meet(self, *faults: Fault) -> None:
        """Order faults for the requests to come."""
        self.faults.extend(faults)

    def take_fault(self, what: str) -> Fault:
        """The next fault, if the request `what` fits it."""
        with self.lock:
            if self.faults and self.faults[0].on in what:
                return self.faults.popleft()
        return Fault()

    def run_backend(self, environ: dict[str, str], body: bytes) -> tuple[int, list[str], bytes]:
        """One request through `git http-backend`: status, header lines, body."""
        settings = {**_SETTINGS, "uploadpack.allowFilter": str(self.has_filters).lower()}
        environ |= git_environ() | {"GIT_HTTP_EXPORT_ALL": "1", "GIT_PROJECT_ROOT": str(self.root)}
        environ["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            environ |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        answer = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=environ, check=False
        )
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        status = next((line.split()[1] for line in lines if line.startswith("Status:")), "200")
        return int(status), [line for line in lines if not line.startswith("Status:")], content


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], owner: GitServer) -> None:
        super().__init__(address, _Exchange)
        self.owner = owner

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the tests."""


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: _Listener

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, unless a fault comes first."""
        owner = self.server.owner
        fault = owner.take_fault(f"{self.command} {self.path}")
        body = self._read_body() if fault.drop != "unread" else b""
        if fault.hang:
            owner.stopping.wait(30)
        if fault.hang or fault.drop in {"before", "unread"}:
            self.close_connection = True
            return
        if fault.is_late:
            self._serve(body)
        if fault.status:
            status, headers, content = fault.status, fault.headers, fault.body
        else:
            status, headers, content = self._serve(body)
        self._note(status, len(body), len(content))
        if fault.drop == "after":
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """The same."""
        self.do_GET()

    def _serve(self, body: bytes) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        owner = self.server.owner
        given = self.headers.get_all("Authorization") or []
        if owner.authorization and given != [owner.authorization]:
            return 401, (("WWW-Authenticate", 'Basic realm="test"'),), b"who are you?"
        parts = urlsplit(self.path)
        version = self.headers.get("Git-Protocol", "") if owner.protocol == 2 else ""
        environ = {
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_USER": "tester",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_PROTOCOL": version,
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        status, lines, content = owner.run_backend(environ, body)
        pairs = (line.partition(": ") for line in lines if line)
        return status, tuple((name, value) for name, _, value in pairs), content

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _note(self, status: int, bytes_in: int, bytes_out: int) -> None:
        parts = urlsplit(self.path)
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        request = Request(
            self.command, parts.path, parts.query, headers, bytes_in, bytes_out, status
        )
        with self.server.owner.lock:
            self.server.owner.requests.append(request)


def to_basic(user: str, password: str) -> str:
    """The Authorization header of a user."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def git_environ() -> dict[str, str]:
    """An environment in which git knows no user, no machine and no clock."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{f"GIT_{role}_NAME": "Ada" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "ada@example.com" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_DATE": "1700000000 +0000" for role in ("AUTHOR", "COMMITTER")},
    }


def run_git(where: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """What a git command says, without the space around it; raises when it fails."""
    answer = subprocess.run(
        ["git", *arguments],
        cwd=where,
        env=git_environ(),
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr.decode()
    return answer.stdout.decode().strip()


def make_certificate(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that signs itself, in one file."""
    from cryptography import x509  # noqa: PLC0415  (only the tests of TLS need it)
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    return path
