"""Rules of our own: secrets that the scanner passes over in prose, and files that are secret."""

import base64
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

_CONTENT: Mapping[str, re.Pattern[str]] = {
    # The scanner wants both halves of a pair; the id alone already tells whose the rest is.
    "aws-access-key-id": re.compile(r"(?<![A-Za-z0-9])((?:AKIA|ASIA)[A-Z2-7]{16})(?![A-Za-z0-9])"),
    "aws-secret-access-key": re.compile(
        r"(?i:secret[_ -]?access[_ -]?key)\W{1,8}(?:(?i:is|to)\W{1,4})?"
        r"([A-Za-z0-9/+]{40})(?![\w/+=])"
    ),
    "azure-client-secret": re.compile(r"(?<![\w~-])([\w~.]{3}\dQ~[\w~.-]{31,34})(?![\w~-])"),
    "discord-webhook": re.compile(r"\bdiscord(?:app)?\.com/api/webhooks/\d{17,20}/([\w-]{60,80})"),
    "mailgun-key": re.compile(r"\b(key-[0-9a-f]{32})\b"),
    "new-relic-key": re.compile(r"\b(NRAK-[A-Z0-9]{27})\b"),
    "planetscale-token": re.compile(r"\b(pscale_(?:tkn|oauth|pw)_[\w=.-]{32,64})"),
    "telegram-bot-token": re.compile(r"(?<![\w:])(\d{8,10}:AA[\w-]{33})(?![\w-])"),
    # Long, in quotation marks, of all kinds of characters or a hash: no word, name or path.
    "password": re.compile(
        r"(?i:passw(?:or)?d|passphrase|api_?key|secret)"
        r"(?:[\"'`]?\s{0,3}[:=]\s{0,3}|[\"'`]?\s(?:is|to)\s)[\"'`]"
        r"((?=[^\"'`]{0,64}[a-z])(?=[^\"'`]{0,64}[A-Z])(?=[^\"'`]{0,64}\d)[\w!#%&*+,.?@^~=-]{16,64}"
        r"|[0-9a-f]{32,64})[\"'`]"
    ),
    # The same without quotation marks: characters of one kind never stay together for long.
    "bare-password": re.compile(
        r"(?i:passw(?:or)?d|passphrase|api[_ -]?key|secret)(?:\s?[:=]\s{0,3}|\s(?:is|to)\s)"
        r"((?=\S{0,64}[a-z])(?=\S{0,64}[A-Z])(?=\S{0,64}\d)"
        r"(?=(?:[a-z]++|[A-Z]++|\d++|[!#%*+?@^_~]++){6})[\w!#%*+?@^~]{16,64}"
        r"|[0-9a-f]{32,64})(?=[\s,;.&|)\]<>\"'`]|$)"
    ),
}

_NAMED = ("passw", "passphrase", "api", "secret")
_HINTS: Mapping[str, tuple[str, ...]] = {
    "aws-access-key-id": ("akia", "asia"),
    "aws-secret-access-key": ("access",),
    "azure-client-secret": ("q~",),
    "discord-webhook": ("/api/webhooks/",),
    "mailgun-key": ("key-",),
    "new-relic-key": ("nrak-",),
    "planetscale-token": ("pscale_",),
    "telegram-bot-token": (":aa",),
    "password": _NAMED,
    "bare-password": _NAMED,
}
"""What a text holds in lower case if a rule may find something: quicker than to look for it."""

_NAMES = """
    .env .env.* .envrc .npmrc .netrc _netrc .pypirc .pgpass .htpasswd .git-credentials .dockercfg
    .dockerconfigjson id_rsa* id_dsa* id_ecdsa* id_ed25519*
    *.pem *.key *.p12 *.pfx *.ppk *.jks *.keystore *.kdbx *.tfstate *.tfstate.*
    credentials credentials*.json credentials*.csv credentials*.ini credentials*.toml
    credentials*.yml credentials*.yaml credentials*.xml
"""
_FILES = _NAMES.split()
_HARMLESS = (".example", ".sample", ".template", ".dist", ".pub", ".md", ".mdx", ".rst", ".adoc")
"""How names end of what only looks like a secret file, or tells of one."""

_TUTORIAL_CLAIM = "eyJzdWIiOiIxMjM0NTY3ODkw"
"""The subject 1234567890, in Base64: the token that every tutorial about JWT shows."""

_SHORTEST: Mapping[str, int] = {
    "generic-credential-uri": 8,
    "curl-auth-header": 20,
    "curl-auth-user": 20,
}
"""How long a value must be, by those rules of the scanner that know no form."""

_AROUND = b"[](){}<>|*&,;!?@\\\r"
_TO_SPACES = bytes.maketrans(_AROUND, b" " * len(_AROUND))
_AT_ENDS = (b"... ", b"...\n", b". ", b".\n", b": ", b":\n", b"/ ", b"/\n", b"_ ", b"_\n", b" _")
_ENDS_TO_SPACES = bytes.maketrans(b".:/_", b"    ")
"""What stands around a token in a sentence, a table or an address."""


def find_tells(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield what looks like a secret: the rule, the line from 1 on, and the value."""
    lowered = text.lower()
    hinted = (rule for rule, hints in _HINTS.items() if any(hint in lowered for hint in hints))
    for rule in hinted:
        line, seen = 1, 0
        for found in _CONTENT[rule].finditer(text):
            line += text.count("\n", seen, found.start(1))
            seen = found.start(1)
            yield rule, line, found[1]


def clear_around(text: str) -> bytes:
    """The same lines in ASCII, with spaces for what stands around tokens and in no token.

    The scanner knows a token by what follows it in code: a quotation mark or a space. A full stop,
    a bracket, `&` or a letter of another script would hide it.
    """
    cleared = f"{text}\n".encode("ascii", "replace").translate(_TO_SPACES)
    for end in _AT_ENDS:
        cleared = cleared.replace(end, end.translate(_ENDS_TO_SPACES))
    return cleared


def is_secret_file(path: str) -> bool:
    """Tell whether a file is secret by its name, such as `.env` or `id_rsa`, whatever it holds."""
    name = path.rpartition("/")[2].lower()
    return not name.endswith(_HARMLESS) and any(fnmatchcase(name, one) for one in _FILES)


def is_example(rule: str, secret: str) -> bool:
    """Tell whether a value is what documentation uses in place of a secret.

    AWS ends the keys of its documentation with `EXAMPLE`; what stands in a URL or a header for
    a password is shorter there than one that is worth something; tutorials about JWT share one
    subject; and a manifest holds words in Base64.
    """
    is_of_aws = "aws" in rule and secret.endswith(("EXAMPLE", "EXAMPLEKEY"))
    is_tutorial = "jwt" in rule and _TUTORIAL_CLAIM in secret
    is_wrapped = rule == "bare-password" and _is_wrapped_text(secret)
    return is_of_aws or is_tutorial or is_wrapped or len(secret) < _SHORTEST.get(rule, 0)


def _is_wrapped_text(value: str) -> bool:
    """Whether a value is text in Base64, as in manifests; the scanner reads what it says."""
    try:
        return base64.b64decode(value, validate=True).decode("ascii").isprintable()
    except ValueError:
        return False
