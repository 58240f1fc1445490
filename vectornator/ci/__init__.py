"""GitHub and GitLab: the facts of a job, what it is told, comments on pull requests."""
