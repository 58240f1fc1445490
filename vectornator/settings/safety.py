"""The settings of what a run may do: its brakes, and how thorough it is."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from vectornator.settings.option import PLANS, STORES, SYNCS, Group, Option
from vectornator.settings.values import Count, DeleteLimit, Deletes, Size, Switch, Word, Words


class SafetySettings(BaseModel):
    """How far a run may go, and what it is to make sure of."""

    dry_run: Annotated[
        Switch,
        Option(
            "Show what would be done and stop; verify never does more.",
            Group.SAFETY,
            (*STORES, "verify", "adopt", "init"),
            short="-n",
        ),
    ] = False
    force: Annotated[
        Switch, Option("Store every document again, changed or not.", Group.SAFETY, SYNCS)
    ] = False
    max_deletes: Annotated[
        Deletes,
        Option(
            "Refuse to remove more than this number or percentage; 100% sets no limit.",
            Group.SAFETY,
            PLANS,
            metavar="LIMIT",
        ),
    ] = DeleteLimit(25, is_percent=True)
    max_files: Annotated[
        Count | None,
        Field(ge=1),
        Option("Refuse to store more documents than this.", Group.SAFETY, PLANS, metavar="NUMBER"),
    ] = None
    max_bytes: Annotated[
        Size | None,
        Option(
            "Refuse to upload more than this in one run, such as 500MB.",
            Group.SAFETY,
            PLANS,
            metavar="SIZE",
        ),
    ] = None
    secret_scan: Annotated[
        Literal["block", "warn", "off"],
        Option("What to do about secrets in documents that would be sent.", Group.SAFETY, PLANS),
    ] = "block"  # noqa: S105  (a choice, no password)
    allow_secrets: Annotated[
        Words,
        Option(
            "Send these values all the same, named by the fingerprints that a finding shows.",
            Group.SAFETY,
            PLANS,
            metavar="FINGERPRINTS",
        ),
    ] = ()
    allow_empty: Annotated[
        Switch,
        Option("Empty the store when no document is left.", Group.SAFETY, PLANS),
    ] = False
    allow_rollback: Annotated[
        Switch,
        Option("Go back to a commit older than the one last synced.", Group.SAFETY, SYNCS),
    ] = False
    refresh: Annotated[
        Literal["auto", "always", "never"],
        Option("List the store first and repair what is known of it.", Group.SAFETY, SYNCS),
    ] = "auto"
    rebuild: Annotated[
        Switch,
        Option(
            "Make the ledger anew from what the store says of itself, whatever the old one says.",
            Group.SAFETY,
            ("repair",),
            is_in_file=False,
        ),
    ] = False
    orphans: Annotated[
        Switch,
        Option(
            "List the files that no store holds and nothing proves to be ours; removes nothing.",
            Group.SAFETY,
            ("repair",),
            is_in_file=False,
        ),
    ] = False
    adopt_from: Annotated[
        Word,
        Option(
            "Adopt the copies of this source, SOURCE or SOURCE/TARGET, or those of the original.",
            Group.SAFETY,
            ("adopt",),
            key="from",
            metavar="SOURCE",
            is_in_file=False,
        ),
    ] = ""
    allow_unfinished: Annotated[
        Switch,
        Option(
            "Adopt copies although the last run of their source did not finish.",
            Group.SAFETY,
            ("adopt",),
            is_in_file=False,
        ),
    ] = False
    allow_pull_request: Annotated[
        Switch,
        Option(
            "Let a pull request of this repository change the store, merged or not.",
            Group.SAFETY,
            ("sync", "repair", "create-store"),
            is_in_file=False,  # whoever opens one would grant it to himself
        ),
    ] = False
    fail_on: Annotated[
        Literal["error", "never"],
        Option("Exit with 1 when documents failed, or with 0 all the same.", Group.SAFETY, STORES),
    ] = "error"
