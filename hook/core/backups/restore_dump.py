"""How a dump is restored into a new database, in one line for a shell."""

from __future__ import annotations

import shlex

from hook.core.backups.dump_form import DumpForm

# A shell says itself what is to be put in.
_OTHER_DATABASE = '"${RESTORE_TO:?a new database}"'
_PSQL = (
    "psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction"
    f" --dbname={_OTHER_DATABASE}"
)


def restore_dump(place: str, endpoint: str, label: str, form: DumpForm) -> str:
    """Return what restores the dump *label* of *place*.

    What is in a bucket is fetched first, and what is packed tried first: at the end of a pipe
    psql does not see that there should have been more, and would commit half a dump.

    Args:
        place: URL or path of what it lies below.
        endpoint: URL of the storage, empty for AWS or a path.
        label: Its name below that place.
        form: What restores it.
    """
    where, steps = f"{place.rstrip('/')}/{label}", []
    file = shlex.quote(where)
    if place.startswith("s3://"):
        file = shlex.quote(f"./{label.rpartition('/')[2]}")
        option = f"--endpoint-url {shlex.quote(endpoint)} " if endpoint else ""
        folder = "--recursive " if form is DumpForm.DIRECTORY else ""
        steps.append(f"aws {option}s3 cp {folder}{shlex.quote(where)} {file}")
    create = f"createdb --template=template0 {_OTHER_DATABASE}"
    if form in {DumpForm.ARCHIVE, DumpForm.DIRECTORY}:
        steps += [create, f"pg_restore --exit-on-error --dbname={_OTHER_DATABASE} {file}"]
    elif form is DumpForm.PLAIN:
        steps += [create, f"{_PSQL} --file={file}"]
    else:
        tool = form.value
        steps += [f"{tool} -t < {file}", create, f"{tool} -dc < {file} | {_PSQL} --file=-"]
    return " && ".join(steps)
