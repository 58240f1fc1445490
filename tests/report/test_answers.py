"""What the commands that look things up print."""

import textwrap

from vectornator.model import Hit, RemoteFile
from vectornator.report.answers import (
    render_files,
    render_hits,
    render_log,
    render_metadata,
    render_status,
    summarise_files,
)
from vectornator.report.paint import Paint
from vectornator.report.record import LogEntry, Status

STATUS = Status("local", "s1", "default", "a" * 40, "b" * 40, "2026-01-02T03:04:05Z", 7)


def test_a_hit_fits_the_width() -> None:
    """No line of a hit is wider than the terminal."""
    hit = Hit("docs/a.md", 0.5, "word " * 200, "One > Two > " + "Three " * 30)
    assert max(map(len, render_hits([hit], "word", width=60).splitlines())) <= 60


def test_a_snippet_shows_what_was_asked_for() -> None:
    """A passage that answers late is cut at its start, at a word."""
    hit = Hit("a.md", 0.5, f"{'filler ' * 100}the needle is here {'filler ' * 100}")
    snippet = render_hits([hit], "needle", width=60).splitlines()[1:]
    assert snippet[0].startswith("   … filler")
    assert "needle is here" in " ".join(snippet)
    assert len(snippet) == 3


def test_matched_words_are_emphasised_in_colour_only() -> None:
    """Longer forms of a word of the query match too."""
    hit = Hit("a.md", 0.5, "Installing it")
    assert "\x1b[33mInstalling\x1b[0m" in render_hits([hit], "install", paint=Paint(is_on=True))
    assert "\x1b" not in render_hits([hit], "install")


def test_a_passage_can_not_act_on_the_terminal() -> None:
    """Escape sequences and commands in stored text are spelled out."""
    hit = Hit("a.md", 0.5, "::error::x\x1b[2J")
    assert r"\x3a:error::x\x1b[2J" in render_hits([hit], "x")


def test_markup_is_not_shown() -> None:
    """Headings, fences and bullets are for renderers; a snippet reads as plain text."""
    hit = Hit("a.md", 0.5, "## Run\n\n```sh\nmake\n```\n- one\n* two\n> said")
    assert render_hits([hit], "x").splitlines()[1] == "   Run make • one • two said"


def test_files_are_lines() -> None:
    """Size, path and id; a file that does not say it is ours is foreign."""
    files = [RemoteFile("f1", {"path": "a.md", "vn_key": "k"}, 1200), RemoteFile("f2", {})]
    assert render_files(files).splitlines() == ["  1.2 kB  a.md  f1", "       -  -  f2  (foreign)"]
    assert summarise_files(files) == "1 document, 1 foreign file, 1.2 kB"


def test_a_status_says_what_to_do() -> None:
    """First the verdict, then the facts that there are."""
    assert render_status(STATUS).splitlines() == [
        "Synced at bbbbbbbbbb; run `vectornator plan` to compare.",
        "  store      local s1",
        "  target     default",
        "  documents  7",
        "  last sync  2026-01-02T03:04:05Z",
    ]


def test_a_log_entry_takes_two_lines() -> None:
    """The commit as git shows it, and what its sync did."""
    entry = LogEntry(
        "a" * 40, "", "2026-01-02", "synced", "local", "s", {"added": 2, "failed": 0}, "Fix"
    )
    assert render_log([entry]) == textwrap.dedent("""\
        aaaaaaaaaa  2026-01-02  Fix
                    synced · 2 added""")


def test_metadata_shows_facts_then_lists() -> None:
    """Whatever a note holds is shown, the deeper parts in one line each."""
    metadata = {"target": "default", "files": {"a.md": {"fileId": "f", "version": 1}}}
    assert render_metadata(metadata).splitlines() == [
        "  target  default",
        "",
        "  files",
        "    a.md  fileId f, version 1",
    ]


def test_snippet_is_prose() -> None:
    """A passage is shown without its own heading, anchors, links, table rules and fences."""
    text = (
        "Set up { #set-up }\n\n| key | use |\n|---|---|\n| `a` | [one](x/y.md) |\n"
        "/// note\n\n![pic](p.png) done"
    )
    lines = render_hits([Hit("a.md", 1.0, text, "Guide > Set up")], "").splitlines()
    assert ["   key use `a` one pic done"] == lines[1:]
