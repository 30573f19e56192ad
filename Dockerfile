# presync as one process on a read-only root. A release bakes its migrations in:
#   FROM <this image>
#   COPY migrations/ /migrations/
#
# For a release pin the base by digest and say what is in it. As build arguments these labels
# would be those of an earlier build wherever podman or buildah take the layer from their cache.
#   --build-arg BASE_IMAGE=python:3.13-slim@sha256:<digest>
#   --label org.opencontainers.image.version=<version>
#   --label org.opencontainers.image.revision=<commit>
#   --label org.opencontainers.image.source=<address>
ARG BASE_IMAGE=python:3.13-slim

FROM ${BASE_IMAGE} AS builder
WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv tools \
 && python -m venv --without-pip /opt/presync \
 && tools/bin/pip install --no-cache-dir --no-compile --require-hashes --no-deps \
      --requirement requirements/build.txt \
 && tools/bin/pip --python /opt/presync/bin/python install --no-cache-dir --no-compile \
      --require-hashes --no-deps --requirement requirements/runtime.txt
# botocore describes every AWS service (25 MB); the gate talks to these and signs in with these.
RUN find /opt/presync/lib/python3.*/site-packages/botocore/data -mindepth 1 -maxdepth 1 -type d \
      ! -name s3 ! -name rds ! -name sts ! -name sso ! -name sso-oidc ! -name signin \
      -exec rm -r {} +
COPY pyproject.toml README.md LICENSE ./
COPY hook hook
RUN tools/bin/pip wheel --quiet --no-cache-dir --no-index --no-deps --no-build-isolation \
      --wheel-dir dist . \
 && tools/bin/pip --python /opt/presync/bin/python install --no-cache-dir --no-compile \
      --no-index --no-deps dist/*.whl \
 && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /opt/presync/lib

FROM ${BASE_IMAGE}
# The official image has no bytecode of the standard library, and a read-only root never gets
# any: compiling it at every start would triple the CPU time of a run with nothing to do.
# Nothing here is edited in place, so the bytecode need not be checked against its source; -f
# replaces what importing compileall has just written.
RUN stdlib="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && rm -rf "$stdlib/ensurepip" "$stdlib/idlelib" "$stdlib"/site-packages/pip* \
      /usr/local/bin/pip* \
 && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash "$stdlib"
COPY --from=builder /opt/presync /opt/presync
ENV PATH=/opt/presync/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONNOUSERSITE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1

LABEL org.opencontainers.image.title="presync" \
      org.opencontainers.image.description="The gate between an Argo CD rollout and its PostgreSQL database" \
      org.opencontainers.image.licenses="Apache-2.0"

USER 10001:10001
ENTRYPOINT ["presync"]
CMD ["run"]
