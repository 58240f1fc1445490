"""Each source of a credential is found, in its order, and no host gets another's secret."""

import os
from pathlib import Path

import pytest

from tests.support.git_server import git_environ, run_git, to_basic
from vectornator.errors import SettingsError, SourceError
from vectornator.git import Repository
from vectornator.git.client import Access
from vectornator.git.config import find_remote_url, list_http_values, load_config
from vectornator.git.credentials import (
    ask_helper,
    decide_authorization,
    hide_credentials,
    list_extra_headers,
)
from vectornator.git.transport import (
    HttpSettings,
    Timeouts,
    find_ssh_command,
    open_pool,
    read_http_settings,
)

GITHUB = "https://github.com/o/r"
GITLAB = "https://gitlab.example.com/o/r.git"
SECRET = "s3cret"


class Place:
    """A repository's two directories."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = self.common_dir = git_dir


def write_config(folder: Path, text: str) -> Place:
    """A repository with this configuration."""
    run_git(folder, "init", "-q", "repo")
    place = Place(folder / "repo" / ".git")
    with (place.git_dir / "config").open("a") as file:
        file.write(text)
    return place


def decide(url: str, place: Place | None = None, token: str = "", **environ: str) -> str | None:
    """The Authorization for a URL."""
    known = git_environ() | environ
    chosen = decide_authorization(url, load_config(place, known), known, token)
    return chosen.value if chosen else None


def test_nothing_known_means_no_authorization() -> None:
    """Public repositories are read without a credential."""
    assert decide(GITHUB) is None


def test_a_given_token_comes_first(tmp_path: Path) -> None:
    """The token argument beats git's configuration, the URL and the CI's token."""
    line = "AUTHORIZATION: basic aGVhZGVy"
    place = write_config(tmp_path, f'[http "https://github.com/"]\n\textraheader = {line}\n')
    given = decide("https://github.com/o/r", place, "mine", GITHUB_TOKEN=SECRET)
    assert given == to_basic("x-access-token", "mine")


def test_checkout_v4_leaves_a_header_in_the_repository(tmp_path: Path) -> None:
    """`http.<origin>/.extraheader` in .git/config is used as it is."""
    line = "AUTHORIZATION: basic aGVhZGVy"
    place = write_config(tmp_path, f'[http "https://github.com/"]\n\textraheader = {line}\n')
    assert decide(GITHUB, place, GITHUB_TOKEN=SECRET) == "basic aGVhZGVy"
    assert decide("https://github.example.com/o/r", place) is None
    assert decide("http://github.com/o/r", place) is None


def test_checkout_v6_includes_a_file_by_the_place_of_the_repository(tmp_path: Path) -> None:
    """`includeIf.gitdir:` leads to a header outside the repository."""
    extra = tmp_path / "credentials.config"
    extra.write_text('[http "https://github.com/"]\n\textraheader = AUTHORIZATION: basic djY=\n')
    here, other = tmp_path / "repo/.git", tmp_path / "other/.git"
    text = "".join(f'[includeIf "gitdir:{at}"]\n\tpath = {extra}\n' for at in (other, here))
    assert decide(GITHUB, write_config(tmp_path, text)) == "basic djY="


def test_an_include_for_another_place_is_not_read(tmp_path: Path) -> None:
    """A condition that does not hold includes nothing."""
    extra = tmp_path / "credentials.config"
    extra.write_text("[http]\n\textraheader = AUTHORIZATION: basic djY=\n")
    text = f'[includeIf "gitdir:{tmp_path}/other/.git"]\n\tpath = {extra}\n'
    assert decide(GITHUB, write_config(tmp_path, text)) is None


@pytest.mark.parametrize("pattern", ["{root}/", "{root}/**", "repo/.git", "**/repo/**", "repo/"])
def test_the_users_file_may_include_by_place(tmp_path: Path, pattern: str) -> None:
    """`includeIf.gitdir:` in ~/.gitconfig works with every form of pattern that git knows."""
    place = write_config(tmp_path, "")
    extra = tmp_path / "extra"
    extra.write_text("[http]\n\textraheader = AUTHORIZATION: basic dXNlcg==\n")
    condition = pattern.format(root=tmp_path)
    user = tmp_path / "user"
    user.write_text(f'[includeIf "gitdir:{condition}"]\n\tpath = {extra}\n')
    assert decide(GITHUB, place, GIT_CONFIG_GLOBAL=str(user)) == "basic dXNlcg=="


def test_the_environment_may_carry_configuration() -> None:
    """`GIT_CONFIG_COUNT` and its keys and values are read."""
    value = decide(
        GITHUB,
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="http.https://github.com/.extraheader",
        GIT_CONFIG_VALUE_0="Authorization: Bearer abc",
    )
    assert value == "Bearer abc"


def test_a_wrong_count_is_an_error_that_says_so() -> None:
    """What git refuses is refused here, naming the variable."""
    with pytest.raises(SourceError, match="GIT_CONFIG_COUNT"):
        decide(GITHUB, GIT_CONFIG_COUNT="many")


def test_an_empty_header_takes_back_the_ones_before(tmp_path: Path) -> None:
    """As in git, an empty `extraheader` resets the list."""
    place = write_config(
        tmp_path,
        "[http]\n\textraheader = Authorization: old\n\textraheader =\n\textraheader = X-A: 1\n",
    )
    config = load_config(place, git_environ())
    assert list_extra_headers(GITHUB, config) == {"x-a": "1"}


def test_a_closer_section_beats_a_general_one(tmp_path: Path) -> None:
    """The longest part of the URL counts, wherever it stands in the file."""
    text = '[http "https://github.com/o"]\n\tproxy = close\n[http]\n\tproxy = general\n'
    config = load_config(write_config(tmp_path, text), git_environ())
    assert list_http_values(config, GITHUB, "proxy")[-1] == "close"
    assert list_http_values(config, "https://github.com/other/r", "proxy")[-1] == "general"


def test_credentials_in_the_url_are_used() -> None:
    """User and password of the URL are decoded and sent."""
    assert decide("https://ada:p%40ss@git.example.com/r") == to_basic("ada", "p@ss")


def test_instead_of_may_add_credentials(tmp_path: Path) -> None:
    """`url.<with token>.insteadOf` rewrites the URL of a named remote."""
    text = (
        f'[remote "origin"]\n\turl = {GITHUB}\n'
        f'[url "https://bot:{SECRET}@github.com/"]\n\tinsteadOf = https://github.com/\n'
    )
    config = load_config(write_config(tmp_path, text), git_environ())
    assert find_remote_url(config, "origin") == f"https://bot:{SECRET}@github.com/o/r"


@pytest.mark.parametrize(
    ("url", "server", "is_sent"),
    [
        (GITHUB, "", True),
        (GITHUB, "https://github.com", True),
        ("https://ghe.example.com/o/r", "https://ghe.example.com", True),
        (GITHUB, "https://ghe.example.com", False),
        ("https://evil.example.com/o/r", "", False),
        ("https://github.com.evil.example.com/o/r", "", False),
        ("https://github.com@evil.example.com/o/r", "", False),
        ("https://github.com:8443/o/r", "", False),
        ("http://github.com/o/r", "", False),
    ],
)
def test_the_github_token_goes_only_to_its_server(url: str, server: str, is_sent: bool) -> None:
    """GITHUB_TOKEN is for GITHUB_SERVER_URL, by scheme, host and port."""
    value = decide(url, GITHUB_TOKEN=SECRET, GITHUB_SERVER_URL=server)
    assert value == (to_basic("x-access-token", SECRET) if is_sent else None)


@pytest.mark.parametrize(
    ("host", "protocol", "is_sent"),
    [
        ("gitlab.example.com", "https", True),
        ("GitLab.example.com", "https", True),
        ("other.example.com", "https", False),
        ("gitlab.example.com", "http", False),
        ("", "https", False),
    ],
)
def test_the_job_token_goes_only_to_its_server(host: str, protocol: str, is_sent: bool) -> None:
    """CI_JOB_TOKEN is for CI_SERVER_HOST, with the user that GitLab wants."""
    server = {"CI_SERVER_HOST": host, "CI_SERVER_PROTOCOL": protocol}
    value = decide(GITLAB, None, "", CI_JOB_TOKEN=SECRET, **server)
    assert value == (to_basic("gitlab-ci-token", SECRET) if is_sent else None)


def test_git_is_asked_when_it_has_a_helper(tmp_path: Path) -> None:
    """What `git credential fill` knows is used."""
    helper = tmp_path / "helper"
    helper.write_text("#!/bin/sh\n[ $1 = get ] && echo username=ada && echo password=known\n")
    helper.chmod(0o755)
    user = tmp_path / "user"
    user.write_text(f"[credential]\n\thelper = {helper}\n")
    environ = git_environ() | {"GIT_CONFIG_GLOBAL": str(user)}
    answer = ask_helper(GITHUB, load_config(None, environ), environ)
    assert answer is not None
    assert answer.value == to_basic("ada", "known")


def test_a_helper_that_knows_nothing_is_no_error(tmp_path: Path) -> None:
    """Git would ask the person now; we go without."""
    user = tmp_path / "user"
    user.write_text("[credential]\n\thelper = !true\n")
    environ = git_environ() | {"GIT_CONFIG_GLOBAL": str(user), "GIT_ASKPASS": "/bin/false"}
    assert ask_helper(GITHUB, load_config(None, environ), environ) is None


def test_without_a_helper_git_is_not_started() -> None:
    """No `credential.helper`, no program."""
    environ = git_environ()
    assert ask_helper(GITHUB, load_config(None, environ), environ | {"PATH": "/none"}) is None
    assert ask_helper(GITHUB, load_config(None, environ), environ) is None


def test_one_authorization_is_sent_and_only_to_its_origin(tmp_path: Path) -> None:
    """A header from the configuration never joins a given token; another origin gets nothing."""
    text = "[http]\n\textraheader = Authorization: basic b3RoZXI=\n\textraheader = X-A: 1\n"
    config = load_config(write_config(tmp_path, text), git_environ())
    authorization = decide_authorization(GITHUB, config, {}, "mine")
    access = Access(GITHUB, list_extra_headers(GITHUB, config), authorization, lambda: None)
    expected = {"x-a": "1", "authorization": to_basic("x-access-token", "mine")}
    assert access.headers_for("https://github.com:443/o/r/info/refs") == expected
    assert access.headers_for("https://github.com.evil.example.com/o/r") == {}


def test_secrets_are_not_shown() -> None:
    """Neither a URL nor an Authorization shows its secret."""
    url = f"https://ada:{SECRET}@git.example.com/r?x={SECRET}#y"
    assert hide_credentials(url) == "https://git.example.com/r"
    authorization = decide_authorization(url, load_config(None, git_environ()), {})
    assert "Basic" not in repr(authorization)
    assert SECRET not in repr(HttpSettings(proxy=url))


CA = "/certificates.pem"


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"GIT_SSL_CAINFO": CA, "SSL_CERT_FILE": "/other"}, "[http]\n\tsslCAInfo = /other\n"),
        ({"SSL_CERT_FILE": "/other"}, f"[http]\n\tsslCAInfo = {CA}\n"),
        ({}, f'[http "https://gitlab.example.com"]\n\tsslCAInfo = {CA}\n'),
        ({"CI_SERVER_HOST": "gitlab.example.com", "CI_SERVER_TLS_CA_FILE": CA}, ""),
        ({"CI_SERVER_HOST": "else", "CI_SERVER_TLS_CA_FILE": "/x", "SSL_CERT_FILE": CA}, ""),
        ({"REQUESTS_CA_BUNDLE": CA}, ""),
    ],
)
def test_certificates_are_found(tmp_path: Path, environ: dict[str, str], text: str) -> None:
    """Git's own settings come first, then GitLab's for its server, then everybody's."""
    config = load_config(write_config(tmp_path, text), git_environ() | environ)
    assert read_http_settings(GITLAB, config, environ).ca_file == CA


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1", "HTTPS_PROXY": "http://other:2"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, ""),
        ({"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "x, .example.com"}, ""),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "lab.example.com"}, "http://p:1"),
    ],
)
def test_proxies_are_found(environ: dict[str, str], proxy: str) -> None:
    """Both cases of the variables count, the one for the scheme first, and NO_PROXY excepts."""
    settings = read_http_settings(GITLAB, load_config(None, git_environ()), environ)
    assert settings.proxy == proxy


def test_networks_may_be_excepted_from_the_proxy() -> None:
    """NO_PROXY takes networks, as curl does."""
    environ = {"https_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"}
    config = load_config(None, git_environ())
    assert read_http_settings("https://10.1.2.3/r", config, environ).proxy == ""
    assert read_http_settings("https://11.1.2.3/r", config, environ).proxy == "http://p:1"


def test_a_proxy_of_an_unknown_kind_is_refused() -> None:
    """The message names the kinds there are, and hides the proxy's password."""
    environ = {"ALL_PROXY": f"socks5://ada:{SECRET}@p:1"}
    with pytest.raises(SettingsError, match=r"socks5://p:1 .* Use http:// or https://"):
        read_http_settings(GITLAB, load_config(None, git_environ()), environ)


def test_certificates_that_are_not_there_are_named() -> None:
    """A wrong path is an error of the settings and not of the network."""
    with pytest.raises(SettingsError, match=r"certificates '/none\.pem' are not there"):
        open_pool(HttpSettings(ca_file="/none.pem"), Timeouts())


def test_checkouts_ssh_command_is_filled_in(tmp_path: Path) -> None:
    """Variables fill a place inside one word; nothing is run and nothing is split again."""
    text = '[core]\n\tsshCommand = \\"/usr/bin/ssh\\" -i \\"$RUNNER_TEMP/key\\" -o A=${HOME}$(id)\n'
    environ = git_environ() | {"RUNNER_TEMP": "/a b;c", "HOME": "/h"}
    command = find_ssh_command(
        load_config(write_config(tmp_path, text), environ), environ, Timeouts(7, 60)
    )
    assert command == (
        "/usr/bin/ssh -i '/a b;c/key' -o 'A=/h$(id)' "
        "-o BatchMode=yes -o ConnectTimeout=7 -o ServerAliveInterval=20"
    )


@pytest.mark.parametrize("kind", ["GITHUB_TOKEN", "CI_JOB_TOKEN", "given on GitHub", "on GitLab"])
def test_a_given_token_stays_with_the_server_of_its_job(kind: str) -> None:
    """In a job, a configuration that names another remote does not get the token."""
    variables = {
        "GITHUB_TOKEN": {"GITHUB_TOKEN": SECRET},
        "CI_JOB_TOKEN": {"CI_JOB_TOKEN": SECRET, "CI_SERVER_HOST": "gitlab.example.com"},
        "given on GitHub": {"GITHUB_ACTIONS": "true"},
        "on GitLab": {"GITLAB_CI": "true", "CI_SERVER_HOST": "gitlab.example.com"},
    }[kind]
    assert decide("https://evil.example.com/o/r", None, SECRET, **variables) is None
    assert decide(GITLAB if "CI_SERVER_HOST" in variables else GITHUB, None, SECRET, **variables)


def test_only_files_are_read_as_configuration(tmp_path: Path) -> None:
    """A device or a pipe that is included is passed over, and not read for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = f"[include]\n\tpath = /dev/zero\n\tpath = {pipe}\n[http]\n\tproxy = p\n"
    place = write_config(tmp_path, text)
    with Repository.open(place.git_dir.parent):
        config = load_config(place, git_environ())
    assert ["p"] == list_http_values(config, GITHUB, "proxy")


def test_the_environments_ssh_command_comes_first(tmp_path: Path) -> None:
    """GIT_SSH_COMMAND beats the configuration; another program gets no options of ssh."""
    place = write_config(tmp_path, "[core]\n\tsshCommand = ssh -v\n")
    environ = git_environ() | {"GIT_SSH_COMMAND": "plink -batch"}
    assert find_ssh_command(load_config(place, environ), environ, Timeouts()) == "plink -batch"
