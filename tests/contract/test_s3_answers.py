"""What the gate says of answers that no healthy S3 server gives."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from hook.catalogs.bounded_answers import ANSWER_LIMIT, TAG_LIMIT
from hook.catalogs.opening import open_store
from hook.core.outcome import Status
from hook.errors import BackupUnknown, ExitCode
from hook.settings.backup_source import S3Location
from tests.contract.conftest import INFO, Place, unknown_finding
from tests.testbed.backup_gate import fresh_repository, run_gate
from tests.testbed.canned_http import Answer, answering
from tests.testbed.directory_s3 import DirectoryS3

USER = "User: arn:aws:sts::1:assumed-role/presync/session"


def _error(status: int, code: str, message: str = "no", date: datetime | None = None) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    headers = {"Content-Type": "application/xml"}
    if date is not None:
        headers["Date"] = format_datetime(date, usegmt=True)
    return Answer(status, body.encode(), headers)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_error(403, "AccessDenied"), "s3:GetObject on arn:aws:{arn} is denied (AccessDenied: no)"),
        (
            _error(403, "AccessDenied", f"{USER} is not authorized to perform: kms:Decrypt on it"),
            "kms:Decrypt for {name} is denied (AccessDenied: User: ",
        ),
        (_error(403, "ExpiredToken"), "no valid credentials for {name} (ExpiredToken: no)"),
        (_error(403, "InvalidObjectState"), "{name} lies in an archive storage class"),
        (_error(403, "RequestTimeTooSkewed"), "refuses {name} because the clocks differ"),
        (_error(301, "PermanentRedirect"), "{name} belongs to another region"),
        (_error(503, "SlowDown"), "fails on {name} (SlowDown: no)"),
        (_error(500, "InternalError"), "fails on {name} (InternalError: no)"),
        (_error(418, "Teapot", "a\nb"), "does not answer like S3 on {name}: Teapot: a\\nb"),
        (Answer(404, b"<html>not here</html>"), "does not answer like S3 on {name}: HTTP 404"),
        (Answer(200, b"[backrest]\n", length=5000), "does not answer: "),
    ],
)
def test_an_answer_that_is_no_evidence_is_told(
    unreachable: Callable[[str], Place], answer: Answer, message: str
) -> None:
    """Every refusal and every half answer is unknown, with its reason."""
    with answering(lambda _: answer) as server:
        place = unreachable(server.endpoint)
        finding = unknown_finding(place)
    name = f"{place.url}/{INFO}"
    assert message.format(name=name, arn=name.replace("s3://", "s3:::")) in finding.message
    assert len(server.paths) <= 12


def test_a_body_without_a_length_is_cut_at_the_limit(
    unreachable: Callable[[str], Place],
) -> None:
    """A server that does not say how much it sends cannot fill the memory."""
    with answering(lambda _: Answer(200, b"x" * 4096, length=-1)) as server:
        settings = unreachable(server.endpoint).settings
        with pytest.raises(BackupUnknown, match="s3://shop/a is longer than"):
            open_store(S3Location("shop"), settings).read("a", 4095)


_PIECE = b"x" * 2**16
_ENDLESS: Mapping[str, Answer] = {
    "without a length": Answer(200, more=itertools.repeat(_PIECE), length=-1),
    "of five gigabytes": Answer(200, more=itertools.repeat(_PIECE), length=5 * 2**30),
    "refusal": Answer(403, more=itertools.repeat(_PIECE), length=-1),
    "of tags alone": Answer(200, b"<a/>" * (TAG_LIMIT + 1)),
}


@pytest.mark.parametrize("name", _ENDLESS)
def test_listing_of_gigabytes_is_cut_at_the_limit(s3_place: Place, name: str) -> None:
    """Nothing on the way to the gate reads it as a whole, and it is asked for once."""
    with answering(lambda _: _ENDLESS[name]) as server:
        settings = s3_place.settings._replace(endpoint=server.endpoint)
        store = open_store(S3Location("shop", "repo"), settings)
        with pytest.raises(BackupUnknown) as caught:
            store.list_level("backup/")
    assert caught.value.message == (
        f"{server.endpoint} does not answer like S3 on s3://shop/repo/backup: it sends more than"
        f" 2 MiB or {TAG_LIMIT} tags in one answer"
    )
    assert "PRESYNC_S3_ENDPOINT" in caught.value.hint
    assert len(server.paths) == 1
    # What is on the way when somebody hangs up has been sent as well.
    assert sum(server.sent) < ANSWER_LIMIT + 16 * 2**20


def test_error_of_gigabytes_in_place_of_an_object_is_cut_at_the_limit(
    unreachable: Callable[[str], Place],
) -> None:
    """An error is read as a whole too, also by who reads an object piece by piece."""
    with answering(lambda _: Answer(404, more=itertools.repeat(_PIECE), length=-1)) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    assert "it sends more than 2 MiB" in finding.message


def test_packed_listing_is_refused_unread(s3_place: Place) -> None:
    """A megabyte of it could stand for gigabytes."""
    listing = gzip.compress(_listing("", truncated="false"))
    answer = Answer(200, listing, headers={"Content-Encoding": "gzip"})
    with answering(lambda _: answer) as server:
        settings = s3_place.settings._replace(endpoint=server.endpoint)
        with pytest.raises(BackupUnknown, match=r"like S3 on s3://shop: it packs its answer \(gz"):
            open_store(S3Location("shop"), settings).list_level("")
    assert len(server.paths) == 1


def test_longest_page_that_there_can_be_is_read(s3_place: Place) -> None:
    """A thousand keys of a thousand bytes, with all that AWS tells of each."""
    told = (
        "<LastModified>2026-11-29T20:18:33.000Z</LastModified><ETag>&quot;{0:032x}-1000&quot;</ETag>"
        "<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        "<Owner><ID>{0:064x}</ID><DisplayName>backups</DisplayName></Owner><Size>{0}</Size>"
        "<StorageClass>INTELLIGENT_TIERING</StorageClass>"
    )
    keys = [f"{number:01024}" for number in range(1000)]
    entries = "".join(
        f"<Contents><Key>{key}</Key>{told.format(number)}</Contents>"
        for number, key in enumerate(keys)
    )
    with answering(lambda _: Answer(200, _listing(entries, truncated="false"))) as server:
        settings = s3_place.settings._replace(endpoint=server.endpoint)
        listed = open_store(S3Location("shop"), settings).list_level("")
    assert [entry.key for entry in listed] == keys


def test_a_refusal_from_a_server_hours_away_is_told_as_the_clocks_fault(
    unreachable: Callable[[str], Place],
) -> None:
    """Some servers refuse a signature from the wrong hour as a plain denial."""
    answer = _error(403, "AccessDenied", date=datetime.now(UTC) - timedelta(hours=1))
    with answering(lambda _: replace(answer, headers={})) as server:
        assert "is denied" in unknown_finding(unreachable(server.endpoint)).message
    with answering(lambda _: answer) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    assert "because the clocks differ" in finding.message
    assert "clock of this node" in finding.hint


def _listing(entries: str, *, truncated: str) -> bytes:
    return (
        "<?xml version='1.0'?><ListBucketResult>"
        f"<IsTruncated>{truncated}</IsTruncated>{entries}</ListBucketResult>"
    ).encode()


def _prefix(path: str) -> str:
    return parse_qs(urlsplit(path).query)["prefix"][0]


def test_a_listing_that_breaks_off_is_told(
    s3_place: Place, unreachable: Callable[[str], Place]
) -> None:
    """A page that promises more and no way to get it is no evidence of absence."""
    info = fresh_repository(s3_place.root).infos[0].read_bytes()

    def answer(path: str) -> Answer:
        if "list-type" in path:
            return Answer(200, _listing("", truncated="true"))
        return Answer(200, info)

    with answering(answer) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    assert "breaks off without a way to go on" in finding.message


def test_an_endless_listing_is_told(s3_place: Place, unreachable: Callable[[str], Place]) -> None:
    """A server that always has one more page is left after a bounded number of them."""
    info = fresh_repository(s3_place.root).infos[0].read_bytes()
    tokens = iter(range(10_000))

    def answer(path: str) -> Answer:
        if "list-type" not in path:
            return Answer(200, info)
        token = f"<NextContinuationToken>{next(tokens)}</NextContinuationToken>"
        return Answer(200, _listing(token, truncated="true"))

    with answering(answer) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    assert "is longer than 200 pages" in finding.message


def test_a_manifest_in_an_archive_class_is_no_way_back(
    s3_place: Place, unreachable: Callable[[str], Place]
) -> None:
    """What must be thawed for hours first cannot be restored in time."""
    info = fresh_repository(s3_place.root).infos[0].read_bytes()

    def answer(path: str) -> Answer:
        if "list-type" not in path:
            return Answer(200, info)
        key = _prefix(path)
        entry = f"<Contents><Key>{key}</Key><StorageClass>DEEP_ARCHIVE</StorageClass></Contents>"
        return Answer(200, _listing(entry, truncated="false"))

    with answering(answer) as server:
        place = unreachable(server.endpoint)
        (finding,) = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
    assert "lies in an archive storage class" in finding.message


def test_a_good_repository_costs_few_requests(
    s3_place: Place, unreachable: Callable[[str], Place]
) -> None:
    """Two reads, and two looks for each backup of the newest chain, whatever else is listed."""
    fresh_repository(s3_place.root)
    with answering(DirectoryS3(s3_place.root.parent)) as server:
        place = unreachable(server.endpoint)
        (finding,) = run_gate(place.url, place.settings)
    assert finding.status is Status.PASSED
    assert len(server.paths) == 6
