"""The one door that text from outside passes on its way to people: paths, messages, contents."""

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: line breaks, escape sequences, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # reorder what is shown
    "\u2028\u2029"  # line breaks too
    "\ufeff\U000e0000-\U000e007f"  # invisible
    "\ud800-\udfff]"  # halves of characters, which no output can encode
)


def escape(text: str) -> str:
    r"""Return `text` as one line that shows as it is and that no CI runner obeys.

    Unsafe characters become visible as `\xNN`, `\uNNNN` or `\UNNNNNNNN`. GitHub's runner
    takes a line for a command when it starts with `::`, and wherever it holds `##[`
    (`ActionCommand.cs` of actions/runner), so both are broken up.
    """
    visible = _UNSAFE.sub(lambda found: _spell(found[0]), text).replace("##[", r"#\x23[")
    return disarm(visible)


def disarm(text: str) -> str:
    """Break up what begins a line of `text` and would be a command to a runner."""
    return re.sub(r"^(\s*):(?=:)", r"\1\\x3a", text, flags=re.MULTILINE)


def _spell(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:  # noqa: PLR2004  (what two digits can spell)
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  (four digits)
