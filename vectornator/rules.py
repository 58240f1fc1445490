"""Rules of our own: secrets that the scanner passes over in prose, and files that are secret."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

_CONTENT: Mapping[str, re.Pattern[str]] = {
    # The scanner wants both halves of a pair; the id alone already tells whose the rest is.
    "aws-access-key-id": re.compile(r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    "aws-secret-access-key": re.compile(
        r"(?i:secret_?access_?key)\W{1,8}(?:(?i:is|to)\W{1,4})?([A-Za-z0-9/+]{40})(?![\w/+=])"
    ),
    "azure-client-secret": re.compile(r"(?<![\w~.-])([\w~.]{3}\dQ~[\w~.-]{31,34})(?![\w~.-])"),
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
}

_HINTS: Mapping[str, tuple[str, ...]] = {
    "aws-access-key-id": ("akia", "asia"),
    "aws-secret-access-key": ("access_key", "accesskey"),
    "azure-client-secret": ("q~",),
    "discord-webhook": ("/api/webhooks/",),
    "mailgun-key": ("key-",),
    "new-relic-key": ("nrak-",),
    "planetscale-token": ("pscale_",),
    "telegram-bot-token": (":aa",),
    "password": ("passw", "passphrase", "apikey", "api_key", "secret"),
}
"""What a text holds in lower case if a rule may find something: quicker than to look for it."""

_NAMES = """
    .env .env.* .envrc .npmrc .netrc _netrc .pypirc .pgpass .htpasswd .git-credentials .dockercfg
    id_rsa id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk
    *.pem *.key *.p12 *.pfx *.ppk *.jks *.keystore *.kdbx *.tfstate *.tfstate.backup
    credentials credentials.json credentials.csv credentials.ini credentials.yml credentials.yaml
"""
_FILES = _NAMES.split()
_TEMPLATES = (".example", ".sample", ".template", ".dist")
"""How the names of files end that show what a secret file looks like."""

_TUTORIAL_CLAIM = "eyJzdWIiOiIxMjM0NTY3ODkw"
"""The subject 1234567890, in Base64: the token that every tutorial about JWT shows."""

_SHORTEST: Mapping[str, int] = {
    "generic-credential-uri": 8,
    "curl-auth-header": 20,
    "curl-auth-user": 20,
}
"""How long a value must be, by those rules of the scanner that know no form."""


def find_tells(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield what looks like a secret: the rule, the line from 1 on, and the value."""
    lowered = text.lower()
    hinted = (rule for rule, hints in _HINTS.items() if any(hint in lowered for hint in hints))
    for rule in hinted:
        for found in _CONTENT[rule].finditer(text):
            yield rule, text.count("\n", 0, found.start(1)) + 1, found[1]


def is_secret_file(path: str) -> bool:
    """Tell whether a file is secret by its name, such as `.env` or `id_rsa`, whatever it holds."""
    name = path.rpartition("/")[2].lower()
    return not name.endswith(_TEMPLATES) and any(fnmatchcase(name, one) for one in _FILES)


def is_example(rule: str, secret: str) -> bool:
    """Tell whether a value is what documentation uses in place of a secret.

    AWS ends the keys of its documentation with `EXAMPLE`; what stands in a URL or a header for
    a password is shorter there than one that is worth something.
    """
    is_short = len(secret) < _SHORTEST.get(rule, 0)
    return is_short or "EXAMPLE" in secret or _TUTORIAL_CLAIM in secret
