"""libpq's connection strings, read without libpq so that no message can quote a password.

Both forms of the manual, "Connection Strings": ``keyword=value`` pairs and URIs.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import re

_SCHEMES = frozenset({"postgres", "postgresql"})
_JDBC = "jdbc:"
_PAIR = r"\s*([A-Za-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^'\s\\]|\\.)(?:[^\s\\]|\\.)*|)(?=\s|$)\s*"
_HOST = r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?"
_PERCENT = rb"%([0-9A-Fa-f]{2})"
_BAD_PERCENT = r"%(?![0-9A-Fa-f]{2})"

_ENCODE = "has a host or port that cannot be one (a password that is not percent-encoded?)"

# libpq 18; a test compares the list with the libpq at hand.
_KEYWORDS = """application_name channel_binding client_encoding connect_timeout dbname
    fallback_application_name gssdelegation gssencmode gsslib host hostaddr keepalives
    keepalives_count keepalives_idle keepalives_interval krbsrvname load_balance_hosts
    max_protocol_version min_protocol_version oauth_client_id oauth_client_secret oauth_issuer
    oauth_scope options passfile password port replication require_auth requirepeer
    scram_client_key scram_server_key service servicefile ssl_max_protocol_version
    ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey
    sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert sslsni target_session_attrs
    tcp_user_timeout user"""
KEYWORDS = frozenset(_KEYWORDS.split())


def parse_conninfo(text: str) -> dict[str, str]:
    """Return the parameters of *text* by libpq keyword, ``password`` among them.

    Raises:
        ValueError: It is neither form; the reason never quotes a value.
    """
    parameters = parse_loose_conninfo(text)
    unknown = sorted(parameters.keys() - KEYWORDS)
    if unknown:
        raise ValueError(f"has parameters that libpq does not know: {', '.join(unknown)}")
    return parameters


def parse_loose_conninfo(text: str) -> dict[str, str]:
    """Return the parameters of *text*, also those that libpq does not know.

    Raises:
        ValueError: It is neither form; the reason never quotes a value.
    """
    if text.strip().lower().startswith(_JDBC):
        raise ValueError("is a JDBC URL, which FLYWAY_URL takes")
    scheme, separator, rest = text.strip().partition("://")
    is_uri = separator and scheme in _SCHEMES
    return _parse_uri(rest) if is_uri else _parse_pairs(text)


def _parse_pairs(text: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    position = 0
    pair = re.compile(_PAIR, re.ASCII)
    while position < len(text):
        match = pair.match(text, position)
        if match is None:
            raise ValueError(
                "is neither a URL of PostgreSQL nor key=value pairs (a value without quotes?)"
            )
        value = match[2][1:-1] if match[2].startswith("'") else match[2]
        parameters[match[1]] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        position = match.end()
    return parameters


def _parse_uri(rest: str) -> dict[str, str]:
    before_query, _, query = rest.partition("?")
    authority, _, database = before_query.partition("/")
    parameters: dict[str, str] = {}
    if "@" in authority:
        login, _, authority = authority.partition("@")
        user, _, password = login.partition(":")
        parameters |= {"user": decode_percent(user)} if user else {}
        parameters |= {"password": decode_percent(password)} if password else {}
    parameters |= parse_hosts(authority)
    if database:
        parameters["dbname"] = decode_percent(database)
    return parameters | parse_query(query)


def parse_hosts(authority: str) -> dict[str, str]:
    """Return ``host`` and ``port`` of ``host[:port][,host[:port]…]``, as libpq lists them.

    Raises:
        ValueError: A host or port cannot be one.
    """
    hosts: list[str] = []
    ports: list[str] = []
    for item in authority.split(","):
        match = re.fullmatch(_HOST, item)
        if match is None or "@" in item or not re.fullmatch(r"[0-9]{0,5}", match["port"] or ""):
            raise ValueError(_ENCODE)
        hosts.append(decode_percent(match["host"].strip("[]")))
        ports.append(match["port"] or "")
    return ({"host": ",".join(hosts)} if any(hosts) else {}) | (
        {"port": ",".join(ports)} if any(ports) else {}
    )


def parse_query(query: str) -> dict[str, str]:
    """Return the decoded ``key=value`` pairs after the question mark of a URL.

    Raises:
        ValueError: A pair has no ``=`` or a percent sign encodes nothing.
    """
    parameters: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise ValueError("has a parameter without =")
        parameters[decode_percent(name)] = decode_percent(value)
    # As libpq does in a URI, for the sake of old JDBC URLs.
    if parameters.get("ssl") == "true":
        del parameters["ssl"]
        parameters.setdefault("sslmode", "require")
    return parameters


def decode_percent(text: str) -> str:
    """Return *text* with ``%xx`` decoded as UTF-8.

    Raises:
        ValueError: A percent sign encodes nothing, or the bytes are not UTF-8.
    """
    if "%" not in text:
        return text
    if re.search(_BAD_PERCENT, text):
        raise ValueError("has a percent sign that encodes nothing; write %25 for the sign itself")
    data = re.sub(_PERCENT, lambda match: bytes([int(match[1], 16)]), text.encode())
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("has percent-encoded bytes that are not UTF-8") from None
