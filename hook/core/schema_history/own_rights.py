"""Whether the role may write what a run writes beside the migrations: its history, its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Finding, failed, passed, warned
from hook.core.sql.sql_text import qualified_name, quote_identifier
from hook.errors import ExitCode

if TYPE_CHECKING:
    from hook.core.schema_history.history import History
    from hook.core.sessions.server import ServerFacts

_RULE, _LEDGER_RULE = "history-rights", "ledger-rights"


class OwnRights(NamedTuple):
    """What the role may do.

    Attributes:
        creates_schemas: In the database.
        creates_tables: In the schema of the history, none where that is not there.
        records: May insert into the history, none where that is not there.
        ledger_lacks: The rights on the ledger that are missing, none where that is not there.
    """

    creates_schemas: bool
    creates_tables: bool | None
    records: bool | None
    ledger_lacks: tuple[str, ...] | None


def judge_own_rights(
    rights: OwnRights, history: History, server: ServerFacts, *, creates_schemas: bool
) -> tuple[Finding, ...]:
    """Judge whether *rights* are enough to create what *history* lacks and to write into it.

    Args:
        rights: As read.
        history: As read.
        server: Names the role and the database.
        creates_schemas: Schemas that are missing are created.
    """
    role = quote_identifier(server.user)
    created = history.missing_schemas if creates_schemas else ()
    shown = f"{history.schema}.{history.table}"
    findings = []
    if created and not rights.creates_schemas:
        message = f"{server.user} may not create schema {', '.join(created)}"
        grant = f"GRANT CREATE ON DATABASE {quote_identifier(server.database)} TO {role};"
        findings.append(failed(ExitCode.AUTH, _RULE, message, grant))
    if not history.exists and rights.creates_tables is False:
        message = f"{server.user} may not create {shown}"
        grant = f"GRANT CREATE ON SCHEMA {quote_identifier(history.schema)} TO {role};"
        findings.append(failed(ExitCode.AUTH, _RULE, message, grant))
    if history.exists and not rights.records:
        message = f"{server.user} may read {shown} and not write into it"
        table = qualified_name(history.schema, history.table)
        findings.append(
            failed(ExitCode.AUTH, _RULE, message, f"GRANT INSERT ON {table} TO {role};")
        )
    if findings:
        return tuple(findings)
    verb = "write into" if history.exists else "create"
    return (passed(_RULE, f"{server.user} may {verb} {shown}"),)


def judge_ledger_rights(
    rights: OwnRights, schema: str, table: str, user: str
) -> tuple[Finding, ...]:
    """Judge whether the ledger *schema*.*table* can be kept; a run goes on without it.

    The schema may not be there yet: whoever creates it may create tables in it.
    """
    role, shown = quote_identifier(user), f"{schema}.{table}"
    grant, doing = "", ""
    if rights.ledger_lacks:
        lacking = ", ".join(rights.ledger_lacks)
        doing = f"has not {lacking} on {shown}"
        grant = f"GRANT {lacking} ON {qualified_name(schema, table)} TO {role};"
    elif rights.ledger_lacks is None and rights.creates_tables is False:
        doing = f"may not create {shown}"
        grant = f"GRANT CREATE ON SCHEMA {quote_identifier(schema)} TO {role};"
    if not doing:
        return ()
    message = f"{user} {doing}: a run leaves no record of itself, and no failure is remembered"
    if rights.ledger_lacks and "SELECT" in rights.ledger_lacks:
        message += "; a script without transaction that must not run twice is refused"
    hint = f"{grant} PRESYNC_LEDGER=off says that no record is wanted."
    return (warned(_LEDGER_RULE, message, hint),)
