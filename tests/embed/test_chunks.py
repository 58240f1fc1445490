"""Cutting documents: what is kept, what is a section, and what a change leaves alone."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectornator.embed.chunks import SIZE, Chunk, decode_text, split_document

LINES = st.sampled_from(
    [
        *("", "\t", "\u2028", "\x0c", "\x00", "\ufeff", "é文書📄", "word word word."),
        *("# One", "## Two", "### Three { #three }", "Title", "=====", "-----", "---", "+++"),
        *("title: x", "```", "~~~python", "    code", "* item", "> quote", "<!-- note -->"),
        *("<div>", "</div>", "<script>", "<h2>", "</h2>", "<![x["),
        *("def f():", "    return 1", "class A:", "@decorator", "'''", "(", "}"),
    ]
)
"""Lines that begin, end or break something in one of the languages."""

TEXTS = st.one_of(st.lists(LINES, max_size=30).map("\n".join), st.text())


def squeeze(text: str) -> str:
    """Return `text` without its white space."""
    return "".join(text.split())


def headings(path: str, text: str) -> list[str]:
    """List the headings of a document's chunks."""
    return [chunk.heading for chunk in split_document(path, text)]


@pytest.mark.parametrize("path", ["a.md", "a.py", "a.js", "a.txt"])
@settings(max_examples=150, deadline=None)
@given(text=TEXTS, times=st.sampled_from([1, 40]))
def test_nothing_is_lost(path: str, text: str, times: int) -> None:
    """The chunks of a text are the text, but for white space, and none is too long."""
    chunks = split_document(path, text * times)
    assert squeeze(text * times) == squeeze("".join(chunk.text for chunk in chunks))
    assert all(0 < len(chunk.text) <= SIZE for chunk in chunks)


@pytest.mark.parametrize("path", ["a.html", "a.ipynb", "a", "A.MD", ".md"])
@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_any_text_can_be_cut(path: str, text: str) -> None:
    """No text breaks the cutting, and the same text is always cut alike."""
    assert split_document(path, text) == split_document(path, text)


@settings(max_examples=100, deadline=None)
@given(content=st.binary())
def test_any_bytes_can_be_decoded(content: bytes) -> None:
    """Bytes that are no text are replaced, not refused."""
    assert decode_text(content).encode().decode() == decode_text(content)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    """UTF-8 and UTF-16 are read, the byte order mark is dropped."""
    assert decode_text("ünï 文書".encode(encoding)) == "ünï 文書"


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_newlines(newline: str) -> None:
    """The kind of newline makes no difference."""
    text = "# One\n\ntext\n\n## Two\n\nmore\n"
    assert split_document("a.md", text) == split_document("a.md", text.replace("\n", newline))


def test_empty() -> None:
    """A text of nothing but blank lines has no chunks."""
    assert split_document("a.md", " \n\n\t\n") == []


def test_markdown_headings() -> None:
    """The headings above a chunk are joined, in plain words and without anchors."""
    text = (
        "intro\n\n# A `b` [c](d)\n\none\n\n## *Two* { #two }\n\ntwo\n\nThree\n-----\n\nthree\n"
        "\n# Four\n\nfour\n"
    )
    expected = ["", "A b c", "A b c > Two", "A b c > Three", "Four"]
    assert expected == headings("a.md", text)


def test_what_is_no_heading() -> None:
    """Headings in fences, lists and quotes do not begin a section."""
    text = "# One\n\n```\n# code\n```\n\n* # item\n\n> # quote\n"
    assert headings("a.md", text) == ["One"]


def test_front_matter() -> None:
    """Front matter is a section of its own, whose title stands above all headings."""
    text = "---\ntitle: 'The guide'\ntags: x\n---\n\n# One\n\ntext\n"
    expected = [
        Chunk("---\ntitle: 'The guide'\ntags: x\n---", "The guide"),
        Chunk("# One\n\ntext", "The guide > One"),
    ]
    assert expected == split_document("a.md", text)


def test_bare_heading() -> None:
    """A heading with nothing under it goes to the section that follows."""
    chunks = split_document("a.md", "# One\n\n## Two\n\ntext\n\n## Three\n")
    assert chunks == [
        Chunk("# One\n\n## Two\n\ntext", "One > Two"),
        Chunk("## Three", "One > Three"),
    ]


@pytest.mark.parametrize(
    ("path", "begin", "part"),
    [
        ("a.md", "# Part {}\n\n", "Sentence {} of this section, which is long. "),
        ("a.py", "def part_{}():\n", "    call({})  # and a comment that is long\n"),
        ("a.js", "\nfunction part_{}() {{\n", "  call({}); // and a comment that is long\n"),
        ("a.html", "<h2>Part {}</h2>", "<p>Sentence {} of this section, which is long.</p>\n"),
    ],
)
def test_a_change_stays_in_its_section(path: str, begin: str, part: str) -> None:
    """A line put into the first section changes the chunks of no other section."""
    bodies = ["".join(part.format(n * m) for m in range(60)) + "\n\n" for n in range(20)]
    sections = [begin.format(n) + body for n, body in enumerate(bodies)]
    before = split_document(path, "".join(sections))
    changed = sections[0].rstrip("\n") + "\n" + part.format("new") * 3 + "\n\n"
    after = split_document(path, "".join([changed, *sections[1:]]))
    rest = split_document(path, "".join(sections[1:]))
    assert len(rest) > 19
    assert before[-len(rest) :] == after[-len(rest) :] == rest
    assert before != after


def test_python_definitions() -> None:
    """Python is cut at functions and classes, named, each with its comments and decorators."""
    text = (
        "import a\n\n# why\n@b\ndef c():\n    pass\n"
        "class D:\n    x = 1\n    def e(self): ...\nz = 2"
    )
    expected = [
        Chunk("import a"),
        Chunk("# why\n@b\ndef c():\n    pass", "c"),
        Chunk("class D:\n    x = 1\n    def e(self): ...", "D"),
        Chunk("z = 2"),
    ]
    assert expected == split_document("a.py", text)


def test_long_python_class() -> None:
    """A class that is too long for a chunk is cut into its members."""
    method = "    def m{}(self):\n" + "        pass  # a comment of some length\n" * 12
    text = 'class A:\n    """Says."""\n' + "".join(method.format(n) for n in range(3))
    assert headings("a.py", text) == ["A", "A.m0", "A.m1", "A.m2"]


def test_python_that_warns() -> None:
    """Other people's invalid escape sequences are not reported; here a warning is an error."""
    assert headings("a.py", "def f():\n    return '\\d'\n") == ["f"]


def test_code_definitions() -> None:
    """Other code is cut where a line that is not indented follows a blank one."""
    text = "import a\n\nfunction b() {\n  c()\n\n  d()\n\n}\n\nexport e\n"
    expected = ["import a", "function b() {\n  c()\n\n  d()\n\n}", "export e"]
    assert expected == [chunk.text for chunk in split_document("a.js", text)]


def test_html() -> None:
    """HTML is cut at its headings, without tags, scripts and styles."""
    text = (
        "<title>T &amp; U</title><style>p {}</style><h1>One</h1><p>a <b>bo</b>ld"
        "<script>no()</script><h2>Two <i>x</i></h2><ul><li>c<li>d</ul>"
    )
    chunks = split_document("a.html", text)
    assert [chunk.heading for chunk in chunks] == ["T & U > One", "T & U > One > Two x"]
    assert [chunk.text.split() for chunk in chunks] == [
        ["T", "&", "U", "One", "a", "bold"],
        ["Two", "x", "c", "d"],
    ]


def test_notebook() -> None:
    """A notebook is the Markdown of its cells: code is fenced, outputs are left out."""
    cells = [
        {"cell_type": "markdown", "source": ["# One\n", "text"]},
        {"cell_type": "code", "source": "# no heading\nx = 1", "outputs": [{"text": "no"}]},
    ]
    notebook = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}}
    expected = [Chunk("# One\ntext\n\n```python\n# no heading\nx = 1\n```", "One")]
    assert expected == split_document("a.ipynb", json.dumps(notebook))


def test_without_the_splitters() -> None:
    """Where the splitters are missing, text is cut at line ends, and nothing is lost either."""
    program = (
        "import sys; sys.modules['semantic_text_splitter'] = None\n"
        "from vectornator.embed.chunks import describe_rules, split_document\n"
        "text = 'Some words in a line.\\n' * 99 + 'x' * 2000\n"
        "chunks = [chunk.text for chunk in split_document('a.md', text)]\n"
        "assert ''.join(''.join(chunks).split()) == ''.join(text.split())\n"
        "print(describe_rules(), max(map(len, chunks)) <= 800)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["1-plain", "True"], done.stderr
