"""The hosts that a target names, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

# Of several hosts the first that answers may be a standby, which is of no use here.
WRITABLE = {"target_session_attrs": "read-write"}
_ATTRIBUTES_VARIABLE = "PGTARGETSESSIONATTRS"
_ANY_HOST = {b"host", b"hostaddr"}


def each_host(parameters: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield *parameters* once per host, as libpq pairs the lists of host, hostaddr, port.

    Unless somebody says which of several hosts to take, it is one that can be written to.
    """
    hosts = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", "").split(",")
    ports = parameters.get("port", "").split(",")
    count = max(len(hosts), len(addresses))
    attributes = {} if count == 1 or os.environ.get(_ATTRIBUTES_VARIABLE) else WRITABLE
    for index in range(count):
        one = {**attributes, **parameters}
        for key, values in (("host", hosts), ("hostaddr", addresses), ("port", ports)):
            value = values[index] if len(values) == count else values[0]
            one[key] = value
        yield {key: value for key, value in one.items() if value}


def is_one_of_several(parameters: Mapping[str, str], pgconn: PGconn) -> bool:
    """Tell whether *pgconn* should be the writable one of hosts that only libpq knows of.

    They are in the file of a service, or beside it in ``PGHOST``, where libpq takes the first
    that answers, unless somebody says which. What the file says of that is not seen if it is
    ``any``, which is what libpq takes by itself.
    """
    if "service" not in parameters or os.environ.get(_ATTRIBUTES_VARIABLE):
        return False
    if pgconn.parameter_status(b"in_hot_standby") == b"off":  # told since PostgreSQL 14
        return False
    told = {option.keyword: option.val or b"" for option in pgconn.info}
    has_several = any(b"," in told[keyword] for keyword in _ANY_HOST)
    return has_several and told[b"target_session_attrs"] == b"any"
