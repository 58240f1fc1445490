"""Made-up secrets of many kinds, new at every run, and the documents they are planted in."""

import base64
import binascii
import json
import random
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

_WORD = string.ascii_letters + string.digits
_UPPER = string.ascii_uppercase + string.digits
_LOWER = string.ascii_lowercase + string.digits
_HEX = "0123456789abcdef"
_URL = f"{_WORD}-_"
_BASE32 = f"{string.ascii_uppercase}234567"


class Mint:
    """Makes secrets as their issuers do; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def draw(self, length: int, alphabet: str = _WORD) -> str:
        """Random characters."""
        return "".join(self._dice.choices(alphabet, k=length))

    def pack(self, size: int) -> str:
        """Random bytes in Base64."""
        return base64.b64encode(self._dice.randbytes(size)).decode()

    def uuid(self) -> str:
        """A random UUID."""
        return "-".join(self.draw(length, _HEX) for length in (8, 4, 4, 4, 12))

    def github(self, prefix: str) -> str:
        """A token of GitHub, which ends with the CRC-32 of what is before."""
        body = self.draw(30)
        checksum = binascii.crc32(body.encode())
        digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
        tail = ""
        for _ in range(6):
            checksum, digit = divmod(checksum, 62)
            tail = digits[digit] + tail
        return f"{prefix}_{body}{tail}"

    def pem(self, kind: str, size: int) -> str:
        """A private key in PEM."""
        packed = self.pack(size)
        rows = (packed[start : start + 64] for start in range(0, len(packed), 64))
        return "\n".join([f"-----BEGIN {kind}-----", *rows, f"-----END {kind}-----"])

    def jwt(self) -> str:
        """A signed token with claims of its own."""
        claims = {"sub": self.draw(12), "iss": f"https://{self.draw(9, _LOWER)}.io", "exp": 1e9}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        packed = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts]
        return ".".join([*(one.decode().rstrip("=") for one in packed), self.draw(43, _URL)])


KINDS: Mapping[str, Callable[[Mint], str]] = {
    "AGE_SECRET": lambda m: f"AGE-SECRET-KEY-1{m.draw(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}",
    "AIRTABLE_TOKEN": lambda m: f"pat{m.draw(14)}.{m.draw(64, _HEX)}",
    "ANTHROPIC_API_KEY": lambda m: f"sk-ant-api03-{m.draw(93, _URL)}AA",
    "AWS_ACCESS_KEY_ID": lambda m: f"AKIA{m.draw(16, _BASE32)}",
    "AWS_SECRET_ACCESS_KEY": lambda m: m.pack(30),
    "AZURE_STORAGE": lambda m: (
        f"DefaultEndpointsProtocol=https;AccountName={m.draw(10, _LOWER)};"
        f"AccountKey={m.pack(64)};EndpointSuffix=core.windows.net"
    ),
    "AZURE_CLIENT_SECRET": lambda m: f"{m.draw(3)}8Q~{m.draw(34)}",
    "DATABASE_URL": lambda m: (
        f"postgresql://app:{m.draw(18)}@db-{m.draw(6, _LOWER)}.internal.net:5432/shop"
    ),
    "DATABRICKS_TOKEN": lambda m: f"dapi{m.draw(32, _HEX)}",
    "DATADOG_API_KEY": lambda m: m.draw(32, _HEX),
    "DB_PASSWORD": lambda m: m.draw(20, f"{_WORD}!%*+"),
    "DIGITALOCEAN_TOKEN": lambda m: f"dop_v1_{m.draw(64, _HEX)}",
    "DISCORD_WEBHOOK": lambda m: (
        f"https://discord.com/api/webhooks/{m.draw(18, '123456789')}/{m.draw(68, _URL)}"
    ),
    "DOCKER_PAT": lambda m: f"dckr_pat_{m.draw(27, _URL)}",
    "DOPPLER_TOKEN": lambda m: f"dp.pt.{m.draw(43)}",
    "EC_KEY": lambda m: m.pem("EC PRIVATE KEY", 120),
    "FIGMA_TOKEN": lambda m: f"figd_{m.draw(40, _URL)}",
    "GITHUB_APP_TOKEN": lambda m: m.github("ghs"),
    "GITHUB_FINE_GRAINED": lambda m: f"github_pat_{m.draw(22)}_{m.draw(59)}",
    "GITHUB_OAUTH": lambda m: m.github("gho"),
    "GITHUB_TOKEN": lambda m: m.github("ghp"),
    "GITLAB_TOKEN": lambda m: f"glpat-{m.draw(20, _URL)}",
    "GOOGLE_API_KEY": lambda m: f"AIza{m.draw(35, _URL)}",
    "GOOGLE_SERVICE_KEY": lambda m: json.dumps(
        {
            "type": "service_account",
            "private_key_id": m.draw(40, _HEX),
            "private_key": f"{m.pem('PRIVATE KEY', 1200)}\n",
            "client_email": f"bot@{m.draw(8, _LOWER)}.iam.gserviceaccount.com",
        }
    ),
    "GRAFANA_TOKEN": lambda m: f"glsa_{m.draw(32)}_{m.draw(8, _HEX)}",
    "GROQ_API_KEY": lambda m: f"gsk_{m.draw(52)}",
    "HEROKU_API_KEY": lambda m: f"HRKU-AA{m.draw(58, _URL)}",
    "HUGGINGFACE_TOKEN": lambda m: f"hf_{m.draw(34, string.ascii_letters)}",
    "LINEAR_KEY": lambda m: f"lin_api_{m.draw(40)}",
    "MAILGUN_KEY": lambda m: f"key-{m.draw(32, _HEX)}",
    "MONGODB_URI": lambda m: (
        f"mongodb+srv://admin:{m.draw(16)}@cluster0.{m.draw(5, _LOWER)}.mongodb.net/prod"
    ),
    "NEW_RELIC_KEY": lambda m: f"NRAK-{m.draw(27, _UPPER)}",
    "NOTION_TOKEN": lambda m: f"ntn_{m.draw(11, string.digits)}{m.draw(35)}",
    "NPM_TOKEN": lambda m: m.github("npm"),
    "OPENAI_API_KEY": lambda m: f"sk-proj-{m.draw(74, _URL)}T3BlbkFJ{m.draw(74, _URL)}",
    "OPENSSH_KEY": lambda m: m.pem("OPENSSH PRIVATE KEY", 300),
    "PGP_KEY": lambda m: m.pem("PGP PRIVATE KEY BLOCK", 600),
    "PLANETSCALE_TOKEN": lambda m: f"pscale_tkn_{m.draw(43, _URL)}",
    "POSTMAN_KEY": lambda m: f"PMAK-{m.draw(24, _HEX)}-{m.draw(34, _HEX)}",
    "PULUMI_TOKEN": lambda m: f"pul-{m.draw(40, _HEX)}",
    "PYPI_TOKEN": lambda m: f"pypi-AgEIcHlwaS5vcmc{m.draw(120, _URL)}",
    "REDIS_URL": lambda m: (
        f"redis://default:{m.draw(24)}@{m.draw(8, _LOWER)}.cache.acme.net:6379/0"
    ),
    "RSA_KEY": lambda m: m.pem("RSA PRIVATE KEY", 1190),
    "SENDGRID_KEY": lambda m: f"SG.{m.draw(22, _URL)}.{m.draw(43, _URL)}",
    "SESSION_TOKEN": lambda m: m.jwt(),
    "SHOPIFY_TOKEN": lambda m: f"shpat_{m.draw(32, _HEX)}",
    "SLACK_TOKEN": lambda m: (
        f"xoxb-{m.draw(12, string.digits)}-{m.draw(12, string.digits)}-{m.draw(24)}"
    ),
    "SLACK_WEBHOOK": lambda m: (
        f"https://hooks.slack.com/services/T{m.draw(10, _UPPER)}/B{m.draw(10, _UPPER)}/{m.draw(24)}"
    ),
    "SQUARE_TOKEN": lambda m: f"sq0atp-{m.draw(22, _URL)}",
    "STRIPE_KEY": lambda m: f"sk_live_{m.draw(24)}",
    "SUPABASE_TOKEN": lambda m: f"sbp_{m.draw(40, _HEX)}",
    "TELEGRAM_BOT_TOKEN": lambda m: f"{m.draw(10, '123456789')}:AA{m.draw(33, _URL)}",
    "TERRAFORM_CLOUD": lambda m: f"{m.draw(14)}.atlasv1.{m.draw(67, _URL)}",
    "TWILIO_KEY": lambda m: f"SK{m.draw(32, _HEX)}",
    "VAULT_TOKEN": lambda m: f"hvs.{m.draw(95, _URL)}",
}
"""How a secret of each kind is made, by the name under which a project would keep it."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A document with one secret in it."""

    kind: str
    context: str
    secret: str
    text: str


def plant_all(seed: int = 1) -> Iterator[Plant]:
    """Yield every kind in every context."""
    mint = Mint(seed)
    for kind, context in product(KINDS, CONTEXTS):
        yield make_plant(kind, context, mint)


def make_plant(kind: str, context: str, mint: Mint) -> Plant:
    """A document with a new secret of a kind, in a context."""
    secret = KINDS[kind](mint)
    return Plant(kind, context, secret, f"# Setup\n\n{CONTEXTS[context](kind, secret)}\n")


def _write_prose(kind: str, secret: str) -> str:
    if "\n" in secret:
        return f"The {kind} is this:\n\n{secret}\n\nKeep it."
    return f"Set `{kind}` to `{secret}` first, then call the service."


def _write_shell(kind: str, secret: str) -> str:
    return f"```sh\nexport {kind}='{secret}'\n./deploy --now\n```"


def _write_settings(kind: str, secret: str) -> str:
    value = secret.replace("\n", "\n    ")
    text = f"|\n    {value}" if "\n" in secret else f'"{secret}"'
    return f"```yaml\nservice:\n  {kind.lower()}: {text}\n  retries: 3\n```"


def _write_sentence(kind: str, secret: str) -> str:
    text = f"The {kind.replace('_', ' ').lower()} is {secret}."
    return text.replace("\n", "\n> ") if "\n" in secret else text


def _write_table(kind: str, secret: str) -> str:
    cell = f"<pre>{secret}</pre>" if "\n" in secret else secret
    return f"| name | value |\n|---|---|\n| `{kind}={cell}` | {cell} |"


def _write_address(kind: str, secret: str) -> str:
    if "\n" in secret or "://" in secret:
        return f"<https://acme.net/{kind}> (once {secret}, now no more)"
    return f"Open <https://acme.net/v1?{kind.lower()}={secret}&page=1>, or [this](/{kind})."


CONTEXTS: Mapping[str, Callable[[str, str], str]] = {
    "prose": _write_prose,
    "shell": _write_shell,
    "settings": _write_settings,
    "sentence": _write_sentence,
    "table": _write_table,
    "address": _write_address,
}
"""How a document gives a secret away, by where it stands."""
