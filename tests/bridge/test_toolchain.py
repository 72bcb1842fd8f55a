"""Installing Lean: what is taken for finished, two at once, none at all."""

import subprocess
import sys
import threading
import time

import pytest

from pyzoo.bridge.lean import toolchain
from pyzoo.errors import MissingError


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PYZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "official", lambda: None)


def unpack(archive, work, target):
    target.mkdir()
    (target / "lean.js").write_text("")


def test_no_lean_is_exit_3_and_names_the_command():
    with pytest.raises(MissingError, match="pyzoo lean install") as caught:
        toolchain.find()
    assert caught.value.exit_code == 3


def test_a_failed_download_leaves_nothing(monkeypatch):
    monkeypatch.setattr(toolchain, "node", lambda: sys.executable)
    with pytest.raises(MissingError, match="pyzoo lean install"):
        toolchain.install()
    assert [p.name for p in toolchain.home().parent.iterdir()] == ["install.lock"]


def test_a_half_finished_install_is_replaced(monkeypatch):
    toolchain.home().mkdir(parents=True)
    (toolchain.home() / "lean.js").write_text("half")
    left = toolchain.home().parent / ".install-killed"
    left.mkdir()
    assert toolchain.registry() is None
    monkeypatch.setattr(toolchain, "_download", lambda work: work)
    monkeypatch.setattr(toolchain, "_unpack", unpack)
    toolchain.install()
    assert toolchain.registry() is not None and not left.exists()
    assert (toolchain.home() / "lean.js").read_text() == ""


def test_two_installs_at_once_download_once(monkeypatch):
    downloads = []

    def download(work):
        downloads.append(work)
        time.sleep(0.3)
        return work

    monkeypatch.setattr(toolchain, "_download", download)
    monkeypatch.setattr(toolchain, "_unpack", unpack)
    threads = [threading.Thread(target=toolchain.install) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(downloads) == 1 and toolchain.registry() is not None


def test_a_wrong_checksum_is_refused(monkeypatch, tmp_path):
    (tmp_path / "x.tgz").write_bytes(b"something else")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0))
    monkeypatch.setattr(toolchain, "node", lambda: sys.executable)
    with pytest.raises(MissingError, match="checksum"):
        toolchain._download(tmp_path)
