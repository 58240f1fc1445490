"""The files that repeat the settings: the action, the GitLab component, the reference."""
