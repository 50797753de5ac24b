"""How does a test do what a Dockerfile says, without an engine for containers?

A layer over the root of this machine, which stands for the base image; what is changed in it is
gone afterwards. In it the commands of the last stage are carried out; then it can be written no
more, and the process begins with the user, the environment and the words that the file gives it,
without a privilege or a way to get one. Only root may make such a layer.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

import pytest
from dockerfile import Stage

TOOLS = ("unshare", "setpriv", "chroot", "mount", "ip")
INSTALLED = "/opt/pointsman"

_MAKE = """\
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
# First of all, since what is installed here may itself lie below.
mount -t tmpfs -o mode=1777 tmpfs /mnt/root/tmp
for each in $NEEDED; do
    mkdir -p "/mnt/root$each"; mount --bind "$each" "/mnt/root$each"
    # Nothing on the way to what is installed here may be closed to a stranger: in the layer alone.
    place=$(dirname "$each")
    while [ "$place" != / ]; do
        chmod a+rx "/mnt/root$place" || true
        place=$(dirname "$place")
    done
done
mkdir /mnt/root/tmp/given; mount --bind "$GIVEN" /mnt/root/tmp/given
mount --rbind /dev /mnt/root/dev
mount -t proc proc /mnt/root/proc
cd /mnt/root
chroot . bash -euc "$STEPS"
umount tmp/given; rmdir tmp/given
mount --bind "$KEPT" var/lib/pointsman
chown "$OWNER" var/lib/pointsman
mount -o remount,ro .
for each in $NEEDED; do mount -o remount,bind,ro "/mnt/root$each"; done
ip link set lo up
exec chroot . setpriv --reuid "${OWNER%%:*}" --regid "${OWNER##*:}" --clear-groups --no-new-privs \\
    --inh-caps=-all --bounding-set=-all -- env -i $ENVIRONMENT "$@"
"""

INSTALL = f"""\
{{python}} -m venv --without-pip {INSTALLED}
cd /tmp/given
{{python}} -m pip --python {INSTALLED}/bin/python install --quiet --no-deps --no-index *.whl
echo {{site}} > {INSTALLED}/lib/python{{version}}/site-packages/others.pth
install -D -m 0644 /tmp/given/fleet.yaml /etc/pointsman/fleet.yaml
"""
"""In place of the stages before: the dependencies are those that are installed here."""


class Layer(NamedTuple):
    """`given` is a folder with a wheel and fleet.yaml; `kept` becomes the volume."""

    stage: Stage
    given: Path
    kept: Path

    def run(self, driver: str) -> subprocess.CompletedProcess[str]:
        """Run a Python program as the image's user, in the image's environment.

        Nobody is reachable but itself. What the image would run is in its arguments.
        """
        program = [*self.stage.only("ENTRYPOINT").words, *self.stage.only("CMD").words]
        python = f"{INSTALLED}/bin/python"
        shell = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"]
        command = [*shell, "bash", "-c", _MAKE, "sh", python, "-c", driver, *program]
        return subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=90, check=False
        )

    @property
    def environ(self) -> dict[str, str]:
        values = {"python": sys.executable, "site": sysconfig.get_path("purelib")}
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        steps = [each.rest for each in self.stage.all("RUN")]
        steps.append(INSTALL.format(**values, version=version))
        return {
            **os.environ,
            "NEEDED": shlex.join(_needed()),
            "GIVEN": str(self.given),
            "KEPT": str(self.kept),
            "STEPS": "\n".join(steps),
            "OWNER": self.stage.only("USER").rest,
            "ENVIRONMENT": " ".join(self._settings()),
        }

    def _settings(self) -> list[str]:
        said = " ".join(each.rest for each in self.stage.all("ENV"))
        return [word.replace("$PATH", "/usr/bin:/bin") for word in shlex.split(said)]


def _needed() -> list[str]:
    """Where the interpreter and what is installed for it lie."""
    return list(dict.fromkeys(map(os.path.realpath, (sys.base_prefix, sys.prefix))))


def needs_root() -> None:
    """Skips where no layer can be made: for others than root, and without Linux's tools."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if sys.platform != "linux" or os.geteuid() or missing:
        pytest.skip("only root on Linux can make a layer over the machine's root")
    tried = subprocess.run(["unshare", "--mount", "--net", "true"], check=False)
    if tried.returncode:
        pytest.skip("this machine lets nobody make a layer over its root")
