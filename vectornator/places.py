"""Where files of ours may lie: nowhere that a link in a repository leads out to."""

import os
from pathlib import Path


def leads_out(root: Path, place: Path) -> bool:
    """Tell whether a place that is named inside `root` lies elsewhere through a symbolic link.

    Whoever can commit files can commit links. What is named outside is meant to be there.
    """
    named = Path(os.path.normpath(root / place))
    is_inside = named.is_relative_to(os.path.normpath(root))
    # Unlike `Path.resolve`, this raises nothing for links in a circle.
    return is_inside and not Path(os.path.realpath(named)).is_relative_to(os.path.realpath(root))
