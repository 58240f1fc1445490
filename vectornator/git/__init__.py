"""The only door to git: what is bytes and dulwich behind it is text and values in front."""

from vectornator.git.repository import NotARepository, Relation, Repository
from vectornator.git.trees import TreeChange, diff_trees, find_item, walk_tree

__all__ = [
    "NotARepository",
    "Relation",
    "Repository",
    "TreeChange",
    "diff_trees",
    "find_item",
    "walk_tree",
]
