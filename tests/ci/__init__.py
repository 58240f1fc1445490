"""Tests of what is told to GitHub and GitLab."""
