"""The tables of inputs and outputs in the documentation."""

import re
from collections.abc import Iterable

from faces.inputs import COMMAND, Input, list_inputs
from vectornator.report.outputs import OUTPUTS


def render_reference(page: str) -> str:
    """A page with the tables between its marks, `<!-- inputs -->` and `<!-- outputs -->`."""
    page = _fill(page, "inputs", _tabulate_inputs((COMMAND, *list_inputs())))
    return _fill(page, "outputs", _tabulate(("output", "what it says"), OUTPUTS.items()))


def _tabulate_inputs(inputs: Iterable[Input]) -> str:
    return _tabulate(("input", "what it does"), ((one.name, one.description) for one in inputs))


def _tabulate(heads: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {heads[0]} | {heads[1]} |", "|---|---|"]
    lines += [f"| `{name}` | {sentence.replace('|', chr(92) + '|')} |" for name, sentence in rows]
    return "\n".join(lines)


def _fill(page: str, name: str, content: str) -> str:
    """Put `content` between the two marks of `name`; a page without them stays as it is."""
    return re.sub(
        rf"(?s)(<!-- {name} -->\n).*?(<!-- end of {name} -->)",
        lambda found: f"{found[1]}\n{content}\n\n{found[2]}",
        page,
    )
