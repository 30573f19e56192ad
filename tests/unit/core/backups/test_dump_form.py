"""Which plain dumps may go into a database that somebody names."""

from __future__ import annotations

import pytest

from hook.core.backups.dump_form import fits_anywhere

HEAD = b"--\n-- PostgreSQL database dump\n--\n\nSET row_security = off;\n\n"
TABLE = b"CREATE TABLE public.a (\n    id integer\n);\n\nALTER TABLE public.a OWNER TO shop;\n"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        TABLE,
        b"DROP TABLE IF EXISTS public.a;\n" + TABLE,
        b"ALTER TABLE IF EXISTS ONLY public.a DROP CONSTRAINT IF EXISTS a_pkey;\n" + TABLE,
        TABLE + b"COPY public.a (id) FROM stdin;\n1\n\\.\n\nDROP TABLE public.b;\n",
    ],
)
def test_plain_dump_that_names_no_database_fits_anywhere(body: bytes) -> None:
    """It goes wherever psql is connected to, and drops nothing that is not there."""
    assert fits_anywhere(HEAD + body)


@pytest.mark.parametrize(
    "script",
    [
        HEAD + b"CREATE DATABASE shop;\n\n\\connect shop\n" + TABLE,
        HEAD + b"DROP DATABASE shop;\n" + TABLE,
        HEAD + b"\\connect -reuse-previous=on \"dbname='a b'\"\n" + TABLE,
        b"--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE shop;\n",
    ],
)
def test_plain_dump_that_names_its_database_does_not(script: bytes) -> None:
    """It would go into that one, which may be in use."""
    assert not fits_anywhere(script)


@pytest.mark.parametrize(
    "body",
    [
        b"DROP TABLE public.a;\n" + TABLE,
        b"ALTER TABLE ONLY public.a DROP CONSTRAINT a_pkey;\n" + TABLE,
        b"COPY public.a (id) FROM stdin;\n1\n\\.\n",
        b"INSERT INTO public.a VALUES (1);\n",
        b"ALTER TABLE public.a DISABLE TRIGGER ALL;\n",
    ],
)
def test_plain_dump_that_needs_what_is_not_there_does_not(body: bytes) -> None:
    """An empty database has nothing to be dropped or filled."""
    assert not fits_anywhere(HEAD + body)
