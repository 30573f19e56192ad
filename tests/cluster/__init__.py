"""A Kubernetes of the tests' own, and the manifests on it."""
