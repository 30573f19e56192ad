"""What the acts say of Argo CD, held to the manifests."""

from __future__ import annotations

from hook.demo.acts import REFUSED
from tests.testbed.manifests import one


def test_message_of_the_refusal_is_that_of_the_manifest() -> None:
    """Names, exit code and the index of the matching rule are those of the Job."""
    job = one("argocd-presync", "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    rules = job["spec"]["podFailurePolicy"]["rules"]
    (index,) = [
        number
        for number, rule in enumerate(rules)
        if REFUSED.expected in rule.get("onExitCodes", {}).get("values", ())
    ]
    message = REFUSED.consequence
    assert rules[index]["action"] == "FailJob"
    assert f"exit code {int(REFUSED.expected)} matching FailJob rule at index {index}" in message
    assert f"Container {container['name']} for pod shop/{job['metadata']['name']}-" in message
