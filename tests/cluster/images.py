"""The images on the node: built by buildah, imported into containerd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.testbed.process import ROOT


def build_image(name: str, dockerfile: str, context: Path) -> None:
    """Build *dockerfile* in *context* as the image *name*."""
    command = ["buildah", "bud", "--quiet", "--pull-never", "--isolation=chroot"]
    command += ["--file=-", "--ignorefile=/dev/null", f"--tag={name}", str(context)]
    subprocess.run(command, input=dockerfile, text=True, check=True, capture_output=True)


def build_pause_image(name: str, folder: Path) -> None:
    """Build the image *name* whose only program waits: it holds a pod's network."""
    program = shutil.which("catatonit")
    assert program is not None
    shutil.copy(program, folder / "catatonit")
    build_image(name, 'FROM scratch\nCOPY catatonit /\nENTRYPOINT ["/catatonit", "-P"]\n', folder)


def build_release(name: str, image: str) -> None:
    """Bake the example migrations into *image* as the documentation says."""
    build_image(name, f"FROM {image}\nCOPY migrations/ /migrations/\n", ROOT)


def import_image(name: str, folder: Path) -> str:
    """Put the image *name* on the node and return its digest, by which it can be had too."""
    archive, digest_file = folder / "image.tar", folder / "digest"
    push = ["buildah", "push", "--quiet", f"--digestfile={digest_file}"]
    run = [*push, name, f"oci-archive:{archive}:{name}"]
    subprocess.run(run, check=True, capture_output=True)
    repository = name.rpartition(":")[0]
    load = ["ctr", "--namespace=k8s.io", "images", "import", "--digests"]
    run = [*load, f"--base-name={repository}", str(archive)]
    subprocess.run(run, check=True, capture_output=True)
    archive.unlink()
    return digest_file.read_text().strip()
