"""The names of the ways in which a statement destroys data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum


class LossRule(StrEnum):
    """What is destroyed, by the name that a waiver gives it."""

    DROP_TABLE = "drop-table"
    DROP_COLUMN = "drop-column"
    DROP_SCHEMA = "drop-schema"
    DROP_SEQUENCE = "drop-sequence"
    DROP_DATABASE = "drop-database"
    DROP_OWNED = "drop-owned"
    DROP_EXTENSION = "drop-extension"
    DROP_CASCADE = "drop-cascade"
    TRUNCATE = "truncate"
    DELETE_WITHOUT_WHERE = "delete-without-where"
    UPDATE_WITHOUT_WHERE = "update-without-where"
    ALTER_TYPE = "alter-type"


Losses = Iterator[LossRule]

# For the documentation.
STATEMENTS: Mapping[LossRule, str] = {
    LossRule.DROP_TABLE: "`DROP TABLE`",
    LossRule.DROP_COLUMN: "`ALTER TABLE … DROP COLUMN`, `ALTER TYPE … DROP ATTRIBUTE`",
    LossRule.DROP_SCHEMA: "`DROP SCHEMA … CASCADE`; without `CASCADE` only an empty one goes",
    LossRule.DROP_SEQUENCE: "`DROP SEQUENCE`: how far it has counted is lost",
    LossRule.DROP_DATABASE: "`DROP DATABASE`",
    LossRule.DROP_OWNED: "`DROP OWNED`",
    LossRule.DROP_EXTENSION: "`DROP EXTENSION`: it may have tables of its own",
    LossRule.DROP_CASCADE: (
        "`DROP TYPE`, `DOMAIN`, `COLLATION` or `ACCESS METHOD … CASCADE`: columns or tables go too"
    ),
    LossRule.TRUNCATE: "`TRUNCATE`",
    LossRule.DELETE_WITHOUT_WHERE: (
        "`DELETE` without `WHERE`, or with one that is always true (`TRUE`, `NOT FALSE`, `1 = 1`);"
        " `MERGE … WHEN NOT MATCHED BY SOURCE THEN DELETE`"
    ),
    LossRule.UPDATE_WITHOUT_WHERE: "the same of `UPDATE`",
    LossRule.ALTER_TYPE: (
        "`ALTER COLUMN … TYPE` and `ALTER ATTRIBUTE … TYPE`, but to `text`, or to `varchar` without"
        " length, without `USING`"
    ),
}
