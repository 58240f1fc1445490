"""What text from outside can't do to those who read it."""

import pytest

from vectornator.report.escape import escape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("docs/a b ü 日本.md", "docs/a b ü 日本.md"),
        ("a\nb\r\tc", r"a\x0ab\x0d\x09c"),
        ("\x1b[31mred\x9b1m", r"\x1b[31mred\x9b1m"),
        ("\u202egpj.md\u2066", r"\u202egpj.md\u2066"),
        ("a\u2028b\ud800", r"a\u2028b\ud800"),
        ("a\U000e0041", r"a\U000e0041"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::set-env::x", r"  \x3a:set-env::x"),
        ("a::b", "a::b"),
        ("see ##[command]x", r"see #\x23[command]x"),
    ],
)
def test_text_is_shown_as_one_harmless_line(text: str, shown: str) -> None:
    """What would act on a terminal or a runner is spelled out; the rest stays."""
    assert escape(text) == shown


def test_nothing_is_left_to_act_on() -> None:
    """Whatever the character, the result is printable and one line."""
    shown = escape("".join(map(chr, range(0x20))) + "\x7f\x85\u2029\u200f")
    assert shown.isprintable()
    assert len(shown.splitlines()) == 1
