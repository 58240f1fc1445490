"""What the scanner finds, what it lets through, and what it tells."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from kingfisher_sdk import Finding, Rules

from benchmarks.plants import KINDS, Mint, Plant, plant_all
from vectornator.scanner import judge_name, make_fingerprint, make_search, open_scanner

AROUND = ("{}.", "{},", "({})", "[{}]", "**{}**", "<b>{}</b>", "“{}”", "?key={}&n=1", "{}...")
"""How a token stands in a sentence or an address."""

EXAMPLES = (
    "AKIAIOSFODNN7EXAMPLE",
    "postgresql://user:pass@db.acme.net/app",
    "password: 'fakehashedsecret2'",
    "client_secret: 'urn:k8s:secret:oidc:Password1'",
    "curl -H 'Authorization: aBcDeFgHiJkLmNoP.9' https://acme.net",
    "OPENAI_API_KEY=sk-...",
    "client_secret=somerandomstring12341234567890AB",
    "password: c2VjdXJlLXBhc3N3b3Jk",
)


def count_caught(plants: list[Plant]) -> int:
    """How many plants have a leak."""
    find_leaks = open_scanner()
    return sum(any(find_leaks("a.md", plant.text.encode())) for plant in plants)


def test_planted_secrets_are_caught() -> None:
    """Of more than 120 secrets in every context, at least 95 % are caught."""
    plants = list(plant_all(seed=7))[::2]
    assert len(plants) >= 120
    assert count_caught(plants) >= 0.95 * len(plants)


@pytest.mark.parametrize("around", AROUND)
def test_what_stands_around_hides_no_token(around: str) -> None:
    """A token is found whatever follows it, and is the same one."""
    token = KINDS["ANTHROPIC_API_KEY"](Mint(3))
    [leak] = open_scanner()("a.md", f"# A\n\nThis is {around.format(token)}\n".encode())
    assert ("a.md:3", make_fingerprint(token)) == (leak.place, leak.fingerprint)


def test_each_secret_of_a_line_counts() -> None:
    """Two secrets of one kind on one line are two leaks: that one is allowed frees no other."""
    one, other = (KINDS["GITHUB_TOKEN"](Mint(seed)) for seed in (3, 4))
    found = open_scanner()("a.md", f"{one} {other}\n".encode())
    assert {make_fingerprint(one), make_fingerprint(other)} == {it.fingerprint for it in found}


class Failing:
    """A scanner that gives up."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def scan(self, data: bytes, *, timeout: float | None = None) -> list[Finding]:
        """Raise the error."""
        assert data
        assert timeout
        raise self.error


@pytest.mark.parametrize("error", [TimeoutError(), MemoryError(), GeneratorExit()])
def test_document_that_can_not_be_searched_is_a_leak(error: BaseException) -> None:
    """Where the scanner fails, takes too long or panics, the document does not pass."""
    found = list(make_search(Failing(error))("a.md", b"# A\n"))
    assert [("a.md", "not-searched", 0)] == [(it.path, it.rule, it.line) for it in found]


def test_examples_do_not_excuse_others() -> None:
    """A word that marks the examples of AWS excuses no key of another kind."""
    key = KINDS["PGP_KEY"](Mint(3)).replace("-----\n", "-----\nComment: EXAMPLE\n\n", 1)
    assert 1 == len(list(open_scanner()("a.md", key.encode())))


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_no_secrets(text: str) -> None:
    """What documentation writes in place of a secret stops nothing."""
    assert [] == list(open_scanner()("a.md", f"# Setup\n\n{text}\n".encode()))


def test_place_of_a_secret() -> None:
    """A leak names path, rule and line, and one secret has one leak a line."""
    token = KINDS["GITHUB_TOKEN"](Mint(3))
    found = list(open_scanner()("docs/a.md", f"# A\n\ntoken: `{token}`\n".encode()))
    assert [("docs/a.md:3", "github-pat")] == [(leak.place, leak.rule) for leak in found]
    assert token not in repr(found)


def test_document_can_not_excuse_itself() -> None:
    """A comment for the scanner in a document changes nothing."""
    token = KINDS["GITHUB_TOKEN"](Mint(3))
    text = f"token = '{token}'  # kingfisher:ignore gitleaks:allow betterleaks:allow\n"
    assert 1 == len(list(open_scanner()("a.md", text.encode())))


def test_secret_in_other_encodings() -> None:
    """UTF-16 hides no secret, neither one of the scanner's rules nor one of ours."""
    mint = Mint(3)
    text = f"# A\n{KINDS['GITHUB_TOKEN'](mint)}\n{KINDS['NEW_RELIC_KEY'](mint)}\n"
    rules = {leak.rule for leak in open_scanner()("a.md", text.encode("utf-16"))}
    assert rules >= {"github-pat", "new-relic-key"}


def test_fingerprint_is_of_the_value_alone() -> None:
    """The same secret has the same fingerprint at any place; it has ten digits and stays."""
    token = KINDS["STRIPE_KEY"](Mint(3))
    one, other = (
        next(open_scanner()(path, text.encode())).fingerprint
        for path, text in (("a.md", f"`{token}`"), ("b.md", f"# B\n\nexport KEY='{token}'\n"))
    )
    assert one == other == make_fingerprint(token)
    assert "8b27ebe87a" == make_fingerprint("example")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".env", True),
        ("deploy/.env.production", True),
        (".env.example", False),
        ("keys/ID_RSA", True),
        ("keys/id_rsa_deploy", True),
        ("keys/id_rsa.pub", False),
        ("docs/id_tokens.md", False),
        ("docs/credentials.md", False),
        ("a/credentials.json", True),
        ("a/credentials-prod.yaml", True),
        ("tls/server.pem", True),
        ("infra/prod.tfstate", True),
        ("docs/.npmrc", True),
        ("docs/environment.md", False),
    ],
)
def test_secret_files(path: str, expected: bool) -> None:
    """Some files are secret by their names; a page about them is not."""
    assert expected is any(judge_name(path))


RULES = """
rules:
  - id: demo.secret
    name: Demo
    pattern: "demo_[0-9]{4}"
    confidence: medium
"""


@pytest.mark.parametrize(("mode", "expected"), [(0o700, "loaded"), (0o777, "bypassed")])
def test_cache_that_others_can_write_to_is_not_read(
    tmp_path: Path, mode: int, expected: str
) -> None:
    """What the scanner promises: only a private folder's compiled rules are trusted."""
    (tmp_path / "rules.yml").write_text(RULES)
    (cache := tmp_path / "cache").mkdir(mode=0o700)
    load = partial(Rules, [tmp_path / "rules.yml"], builtins=False, cache_dir=cache)
    assert "stored" == load().cache_status
    cache.chmod(mode)
    assert expected == load().cache_status


def test_scanner_is_not_loaded_by_the_command_line() -> None:
    """A run that sends nothing does not pay for the scanner."""
    program = "import sys, vectornator.cli, vectornator.run; print('kingfisher_sdk' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "False\n" == done.stdout
