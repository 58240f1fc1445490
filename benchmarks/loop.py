"""The least that a program with OpenAI's SDK can do: send a folder, attach it, wait for it.

Prints nothing; what it asks of the service is what a first sync asks for its documents. Nothing
is retried, remembered or checked.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai

_BATCH = 500


def send_folder(root: Path, threads: int) -> None:
    """Put every document below `root` into a new store; address and key are the environment's."""
    client = openai.OpenAI(max_retries=0)
    store = client.vector_stores.create(name="docs")

    def send(place: Path) -> str:
        name = str(place.relative_to(root)).replace("/", "__")
        file = (name, place.read_bytes(), "text/markdown")
        return client.files.create(file=file, purpose="assistants").id

    places = sorted(root.rglob("*.md"))
    with ThreadPoolExecutor(threads) as pool:
        sent = list(zip(places, pool.map(send, places), strict=True))
    for start in range(0, len(sent), _BATCH):
        batch = client.vector_stores.file_batches.create(
            store.id,
            files=[
                {"file_id": file_id, "attributes": {"path": str(place)[-256:]}}
                for place, file_id in sent[start : start + _BATCH]
            ],
        )
        batch_id = batch.id
        while batch.status == "in_progress":
            time.sleep(0.5)
            batch = client.vector_stores.file_batches.retrieve(batch_id, vector_store_id=store.id)
        shown = client.vector_stores.file_batches.list_files(
            batch_id, vector_store_id=store.id, limit=100
        )
        assert all(file.status == "completed" for file in shown)


if __name__ == "__main__":
    send_folder(Path(sys.argv[1]), int(sys.argv[2]))
