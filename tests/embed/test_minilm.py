"""The embedding model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vectornator.embed.minilm import MODEL_SHA256, MiniLM, locate_model
from vectornator.errors import Fatal, Transient


@pytest.fixture(scope="module")
def model() -> Iterator[MiniLM]:
    """Return the packaged model."""
    model = MiniLM()
    yield model
    model.close()


def embed(model: MiniLM, *texts: str) -> list[np.ndarray]:
    """Embed texts and return the vectors as arrays."""
    return [np.frombuffer(vector, "<f4") for vector in model.embed(texts)]


def test_vectors(model: MiniLM) -> None:
    """A vector has 384 dimensions and length 1, even that of no text."""
    for vector in embed(model, "How do I upload a file?", "", "文書"):
        assert vector.shape == (384,)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_meaning(model: MiniLM) -> None:
    """A text is nearer to a paraphrase than to something else."""
    text, paraphrase, other = embed(
        model, "The kitten slept on the sofa.", "A cat is napping on a couch.", "Taxes are due."
    )
    assert text @ paraphrase > 0.5 > text @ other


def test_order_and_count(model: MiniLM) -> None:
    """Vectors come in the order of the texts, and each text is counted."""
    before = model.computed
    one, two = (model.embed([text])[0] for text in ("one", "two"))
    assert model.embed(["two", "one", "two"]) == [two, one, two]
    assert model.computed == before + 5


def test_changed_model_is_refused(tmp_path: Path) -> None:
    """A model whose bytes change after it was chosen is not run."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"one")
    model = MiniLM(path)
    path.write_bytes(b"two")
    with pytest.raises(Fatal, match="not the one expected"):
        model.embed(["text"])
    model.close()


def test_own_model(tmp_path: Path, model: MiniLM) -> None:
    """A model of one's own has its own fingerprint and works the same."""
    path = tmp_path / "model.onnx"
    path.write_bytes(locate_model().read_bytes())
    own = MiniLM(path)
    assert own.fingerprint == model.fingerprint == MODEL_SHA256
    assert own.embed(["text"]) == model.embed(["text"])
    own.close()


def test_no_model(tmp_path: Path) -> None:
    """A file that is missing, or is no model, is named in the error."""
    with pytest.raises(Fatal, match=r"missing\.onnx"):
        MiniLM(tmp_path / "missing.onnx")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"no model")
    broken = MiniLM(path)
    with pytest.raises(Fatal, match=r"broken\.onnx"):
        broken.embed(["text"])
    broken.close()


def test_closed_model() -> None:
    """A closed model embeds nothing more, and may be closed twice."""
    model = MiniLM()
    model.close()
    model.close()
    with pytest.raises(Transient):
        model.embed(["text"])
