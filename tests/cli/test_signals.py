"""A command that is ended takes what it started with it."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

RUN = """
import time
import pyzoo.cli
from pyzoo.bridge.lean.process import JsonProcess
def app():
    child = JsonProcess(["sleep", "60"], ".", None)
    print(child._process.pid, flush=True)
    time.sleep(60)
pyzoo.cli.app = app
pyzoo.cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_ended_command_leaves_no_process(number, code):
    heed = partial(signal.signal, number, signal.SIG_DFL)  # what a shell starts in the background ignores SIGINT
    command = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    child = int(command.stdout.readline())
    command.send_signal(number)
    command.communicate(timeout=30)
    assert command.returncode == code
    for _ in range(100):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the process that the command started still runs")
