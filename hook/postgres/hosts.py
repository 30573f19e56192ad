"""The hosts that a target names, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

# Of several hosts the first that answers may be a standby, which is of no use here.
_WRITABLE = {"target_session_attrs": "read-write"}
_ATTRIBUTES_VARIABLE = "PGTARGETSESSIONATTRS"


def each_host(parameters: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield *parameters* once per host, as libpq pairs the lists of host, hostaddr, port.

    Unless somebody says which of several hosts to take, it is one that can be written to.
    """
    hosts = parameters.get("host", "").split(",")
    addresses = parameters.get("hostaddr", "").split(",")
    ports = parameters.get("port", "").split(",")
    count = max(len(hosts), len(addresses))
    attributes = {} if count == 1 or os.environ.get(_ATTRIBUTES_VARIABLE) else _WRITABLE
    for index in range(count):
        one = {**attributes, **parameters}
        for key, values in (("host", hosts), ("hostaddr", addresses), ("port", ports)):
            value = values[index] if len(values) == count else values[0]
            one[key] = value
        yield {key: value for key, value in one.items() if value}
