"""What each render adds to the Job: hooks, names, the network, the user's own settings."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest
import yaml

from hook.errors import ExitCode
from tests.testbed.manifests import (
    EXAMPLES,
    RENDERS,
    Document,
    container,
    documents,
    environment,
    golden_text,
    one,
    sources_digest,
)
from tests.testbed.process import ROOT

_ARGO = "argocd.argoproj.io/"
_HOOKED = ("argocd-presync", "shop", *EXAMPLES)
_MANUAL = ("manual-job", "shop-by-hand")
_DNS = [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]
_POSTGRES = [{"protocol": "TCP", "port": 5432}]
_HTTPS = [{"protocol": "TCP", "port": 443}]
_SAMPLES = ("shop", "shop-by-hand")
_README = (ROOT / "manifests" / "README.md").read_text()


def _argo_annotations(document: Document) -> Document:
    annotations = document["metadata"].get("annotations", {})
    return {key: value for key, value in annotations.items() if key.startswith(_ARGO)}


def _kustomize_version() -> tuple[int, ...]:
    """Return the version of kubectl's kustomize, (0,) without kubectl."""
    if shutil.which("kubectl") is None:
        return (0,)
    output = subprocess.run(
        ["kubectl", "version", "--client", "--output=json"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    version = json.loads(output).get("kustomizeVersion", "v0")
    return tuple(int(part) for part in re.findall(r"\d+", version))


@pytest.mark.parametrize("name", RENDERS)
def test_committed_render_is_that_of_the_sources(name: str) -> None:
    """The digest of the sources says so, and kustomize itself where there is one."""
    assert f"sources {sources_digest()}" in golden_text(name).splitlines()[0], (
        "manifests/ has changed since; run .ci/render-manifests"
    )
    if _kustomize_version() >= (5,):
        rendered = subprocess.run(
            ["kubectl", "kustomize", RENDERS[name]],
            check=True, capture_output=True, text=True, cwd=ROOT,
        ).stdout  # fmt: skip
        assert list(yaml.safe_load_all(rendered)) == documents(name)


def test_every_kustomization_is_rendered() -> None:
    """A new overlay is tested like the others."""
    found = {
        path.parent.relative_to(ROOT).as_posix()
        for folder in ("overlays", "examples")
        for path in ROOT.glob(f"manifests/{folder}/*/kustomization.yaml")
    }
    assert len(found) > len(EXAMPLES)
    assert found < set(RENDERS.values())


@pytest.mark.parametrize("name", _HOOKED)
def test_job_is_a_presync_hook(name: str) -> None:
    """These three annotations and no other; Argo CD ignores a misspelt one in silence."""
    assert _argo_annotations(one(name, "Job")) == {
        f"{_ARGO}hook": "PreSync",
        f"{_ARGO}hook-delete-policy": "BeforeHookCreation",
        f"{_ARGO}sync-wave": "0",
    }


@pytest.mark.parametrize("name", _HOOKED)
@pytest.mark.parametrize("kind", ["ServiceAccount", "NetworkPolicy"])
def test_what_the_job_needs_is_hooked_before_it(name: str, kind: str) -> None:
    """An ordinary object of the application would be applied after the hook."""
    annotations = _argo_annotations(one(name, kind))
    assert annotations == {
        f"{_ARGO}hook": "PreSync",
        f"{_ARGO}hook-delete-policy": "BeforeHookCreation",
        f"{_ARGO}sync-wave": "-2",
    }


@pytest.mark.parametrize("name", RENDERS)
def test_job_refers_to_nothing_else_that_the_sync_brings(name: str) -> None:
    """Only the Secret must exist before, and the README says so."""
    text = json.dumps(one(name, "Job"))
    assert set(re.findall(r'"(\w+(?:KeyRef|Ref|Claim))"', text)) == {"secretKeyRef", "fieldRef"}
    assert not re.findall(r'"(configMap|secret|persistentVolumeClaim|projected)"', text)
    assert "`presync-database`" in _README


@pytest.mark.parametrize("name", ["base", *_MANUAL])
def test_plain_job_is_unknown_to_argo_cd(name: str) -> None:
    """A Job run by hand is no hook, so no sync deletes it."""
    assert all(_argo_annotations(document) == {} for document in documents(name))


@pytest.mark.parametrize("name", _MANUAL)
def test_manual_job_is_refused_until_it_has_a_name(name: str) -> None:
    """Applied as it is, an earlier Job could be taken for this one; upper case prevents it."""
    assert one(name, "Job")["metadata"]["name"] == "db-migration-manual-NAME"
    assert golden_text(name).count("NAME\n") == 1


@pytest.mark.parametrize("name", _MANUAL)
def test_manual_job_gets_its_name_once(name: str) -> None:
    """The README's commands compute the name one time and give every command the same."""
    (block,) = re.findall(r"```sh\n(name=.*?)```", _README, re.DOTALL)
    assert block.count("$(date") == 1
    (script,) = re.findall(r'sed "(.*?)"', block)
    replaced = subprocess.run(
        ["sed", script.replace("$name", "db-migration-manual-20260301120000")],
        input=golden_text(name), check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    metadata = (document["metadata"] for document in yaml.safe_load_all(replaced))
    assert sorted(entry["name"] for entry in metadata) == [
        "db-migration-manual",
        "db-migration-manual",
        "db-migration-manual-20260301120000",
    ]


def test_users_kustomization_by_hand_differs_in_the_overlay_alone() -> None:
    """The settings of a release fit the hook and the Job by hand alike."""
    texts = [(ROOT / RENDERS[name] / "kustomization.yaml").read_text() for name in _SAMPLES]
    hooked, manual = (text.splitlines()[1:] for text in texts)
    differing = [pair for pair in zip(hooked, manual, strict=True) if pair[0] != pair[1]]
    assert [[line.rpartition("/")[2] for line in pair] for pair in differing] == [
        ["argocd-presync", "manual-job"]
    ]


def test_manual_job_is_the_hooks_job() -> None:
    """Apart from its name, its account and its one attempt nothing differs from the hook."""
    manual, hook = one("manual-job", "Job"), one("argocd-presync", "Job")
    assert manual["spec"].pop("backoffLimit") == 0
    assert hook["spec"].pop("backoffLimit") == 2
    for job in (manual, hook):
        job["spec"]["template"]["spec"].pop("serviceAccountName")
    assert manual["spec"] == hook["spec"]


@pytest.mark.parametrize("name", RENDERS)
def test_network_policy_is_about_the_pod_and_lets_nobody_in(name: str) -> None:
    """The policy selects exactly the labels that the pod carries."""
    policy, labels = one(name, "NetworkPolicy"), one(name, "Job")["spec"]["template"]["metadata"]
    selected = policy["spec"]["podSelector"]
    assert selected == {
        "matchLabels": {
            "app.kubernetes.io/name": "presync",
            "app.kubernetes.io/component": "migration",
        }
    }
    assert selected["matchLabels"].items() <= labels["labels"].items()
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy["spec"]


@pytest.mark.parametrize("name", ["base", "argocd-presync", "manual-job"])
def test_network_policy_opens_dns_and_postgres(name: str) -> None:
    """Nothing else can be reached."""
    egress = one(name, "NetworkPolicy")["spec"]["egress"]
    assert egress == [{"ports": _DNS}, {"ports": _POSTGRES}]


@pytest.mark.parametrize("name", _SAMPLES)
def test_s3_component_opens_https_as_well(name: str) -> None:
    """The component adds one port to the policy and changes nothing else."""
    egress = one(name, "NetworkPolicy")["spec"]["egress"]
    assert egress == [{"ports": _DNS}, {"ports": _POSTGRES}, {"ports": _HTTPS}]


@pytest.mark.parametrize("name", ["base", "argocd-presync", "manual-job"])
def test_image_has_to_be_replaced(name: str) -> None:
    """The name and the digest are nobody's, so a forgotten replacement cannot run."""
    assert container(one(name, "Job"))["image"] == f"presync@sha256:{'0' * 64}"


@pytest.mark.parametrize("name", ["base", "argocd-presync", "manual-job"])
def test_backup_source_has_to_be_given(name: str) -> None:
    """Where the way back is, nobody else can know; without it presync refuses to migrate."""
    missing = {"PRESYNC_BACKUP_SOURCE", "PRESYNC_EXPECT_DATABASE"}
    assert not missing & set(environment(one(name, "Job")))


@pytest.mark.parametrize("name", _SAMPLES)
def test_users_kustomization_replaces_all_that_must_be_replaced(name: str) -> None:
    """The sample overlay sets image, namespace, Secret and backup source."""
    job = one(name, "Job")
    assert job["metadata"]["namespace"] == "shop"
    assert container(job)["image"].startswith("registry.example.com/shop/migrations@sha256:")
    assert environment(job)["POSTGRES_HOST"]["valueFrom"]["secretKeyRef"]["name"] == "postgres-shop"
    assert environment(job)["PRESYNC_BACKUP_SOURCE"]["value"].startswith("pgbackrest:s3://")


def test_users_kustomization_links_what_an_operator_reads() -> None:
    """Beside the Job in Argo CD stands a link to the page with a section for each code."""
    link = one("shop", "Job")["metadata"]["annotations"]["link.argocd.argoproj.io/runbook"]
    page = (ROOT / "docs" / f"{link.rpartition('/')[2]}.md").read_text()
    assert all(f"## {int(code)} {code.name}" in page for code in ExitCode)


def test_readme_shows_the_users_kustomization_that_is_tested() -> None:
    """What a reader copies is the sample, apart from where the manifests are."""
    (block, _) = re.findall(r"```yaml\n(.*?)```", _README, re.DOTALL)
    sample = (ROOT / RENDERS["shop"] / "kustomization.yaml").read_text()
    shown, tested = yaml.safe_load(block), yaml.safe_load(sample)
    for place in ("resources", "components"):
        ends = [
            [path.rpartition("manifests/")[2] for path in doc.pop(place)] for doc in (shown, tested)
        ]
        assert ends[0] == ends[1]
    assert shown == tested
