"""What a run tells the steps after it."""

OUTPUTS = {
    "status": "How the run ended, such as synced, no-changes, planned, partial or failed.",
    "changed": "Whether the run changed the store, or a plan would: true or false.",
    "failure-reason": "What kind of failure it was; empty when there was none.",
    "files-added": "How many documents were stored for the first time.",
    "files-updated": "How many documents were stored in a new version.",
    "files-deleted": "How many documents were removed from the store.",
    "files-failed": "How many documents could not be stored or removed.",
    "files-uploaded": "The same as files-added.",
    "files-unchanged": "How many documents were left as they are.",
    "files-skipped": "How many files were left out, each with a reason in the report.",
    "store-id": "The id of the store.",
    "synced-commit": "The commit whose documents the store holds.",
    "base-commit": "The commit that was synced before this run.",
    "state-commit": "The commit of refs/notes/vectornator that holds the state.",
    "report-path": "The file that holds the whole report as JSON.",
}
"""Every output of the action with one sentence about it."""
