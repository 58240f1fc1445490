"""What the imitation ASSUMES of the service and no document states; each is a switch.

Nothing here was seen in the reference. A first run against the real service settles these one by
one; until then a test that depends on one of them sets it both ways.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """ASSUMPTIONS, each with what is believed and why it matters."""

    attributes_update: Literal["replace", "merge"] = "replace"
    """ASSUMED: updating attributes replaces the whole map. `merge` keeps the keys not sent."""

    reattach: Literal["replace", "keep"] = "replace"
    """ASSUMED: attaching an attached File again takes the new attributes and indexes anew.

    `keep` answers the attachment that is there and ignores the new attributes, as one compatible
    server does.
    """

    one_bad_refuses_batch: bool = True
    """ASSUMED: one File of a refused type refuses the whole batch. Otherwise it alone fails."""

    unseen_file_status: Literal[400, 404] = 404
    """ASSUMED: attaching a File that is unknown, or not visible yet, answers 404.

    400 answers `Cannot find file … or project … does not have access to it.`, which was seen on
    another endpoint.
    """

    unknown_cursor: Literal["400", "404", "restart"] = "400"
    """ASSUMED: a cursor that is not in the list is refused. `restart` answers the first page."""

    is_extension_case_blind: bool = True
    """ASSUMED: `README.MD` passes like `README.md`."""

    checks_upload_extension_for: tuple[str, ...] = ("assistants",)
    """ASSUMED: only these purposes have their extension checked by `POST /files`."""

    keeps_slashes_in_filename: bool = True
    """ASSUMED: a File keeps the name it was sent with, directories included."""

    sniffs_content: bool = True
    """ASSUMED: content that is neither UTF-8 nor UTF-16 fails as `unsupported_file`.

    That indexing looks at the content was seen; what it looks for was not.
    """

    whitespace_only: Literal["completed", "failed"] = "completed"
    """ASSUMED: a document of white space is indexed, to no chunks."""

    deleting_file_leaves_ghost_count: bool = False
    """ASSUMED: deleting a File mends the counts of its stores. Once seen otherwise: True."""

    deleting_file_detaches: bool = True
    """Documented: a deleted File leaves all stores. False leaves attachments without a File."""

    attaching_is_activity: bool = True
    """ASSUMED: attaching postpones the expiry of a store, as searching does."""

    deleting_store_keeps_files: bool = True
    """ASSUMED: the Files of a deleted store stay."""

    content_download: Literal["refused", "allowed"] = "refused"
    """ASSUMED: Files of the purposes `assistants` and `user_data` can't be downloaded."""

    failed_batch_status: Literal["completed", "failed"] = "completed"
    """ASSUMED: a batch in which every File failed is `completed` like any other."""

    empty_page_ids: Literal["null", "empty"] = "null"
    """ASSUMED: `first_id` and `last_id` of an empty page are null; "" on a compatible server."""

    usage_factor: float = 1.5
    """ASSUMED: bytes of parsed chunks and their vectors for each byte of a document."""

    expired_store_status: int = 400
    """ASSUMED: searching or filling an expired store is refused with this status."""

    missing_status: Literal[404, 400] = 404
    """A missing object answers 404; 400 on one compatible server."""

    error_shape: Literal["openai", "azure", "litellm", "sparse", "string"] = "openai"
    """How errors are written; every one but the first was seen at a compatible server."""

    exchange_refusal: Literal[400, 401, 403] = 400
    """ASSUMED: an identity that is not trusted is refused with this status, and `invalid_grant`.

    The reference speaks of an authentication error; the SDK treats the three alike.
    """

    exchanged_key_seconds: int = 3600
    """ASSUMED: how long an exchanged key is let in; `expires_in` says it. Then it meets a 401."""

    clamps_limit: bool = False
    """ASSUMED: a page size above the maximum is refused; a compatible server cuts it."""

    batch_prefix: str = "vsfb_ibj_"
    """How ids of batches begin; those of the service were seen, others are `batch_…`."""


OPENAI = Assumptions()
"""What is believed of the service itself."""

AZURE = Assumptions(error_shape="azure")
"""What is believed of Azure's version 1 surface."""

COMPATIBLE = Assumptions(
    reattach="keep",
    unknown_cursor="restart",
    empty_page_ids="empty",
    missing_status=400,
    error_shape="sparse",
    clamps_limit=True,
    batch_prefix="batch_",
    checks_upload_extension_for=(),
)
"""What was read in the source of one compatible server."""
