"""Runs many ansible commands in one Python process, each in a fork of its own.

Starting ansible costs about a second a command, and most of that is imports. Reads a JSON list of
{"argv": [...], "cwd": "..."} on stdin; prints a JSON list of {"stdout", "stderr", "code"}. Each fork
calls the very entry point that the command's script calls.
"""
import json
import os
import sys
import tempfile

from ansible.cli.adhoc import AdHocCLI
from ansible.cli.inventory import InventoryCLI

ENTRY_POINTS = {"ansible-inventory": InventoryCLI, "ansible": AdHocCLI}


def call(request):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os.chdir(request["cwd"])
            code = 1
            try:
                ENTRY_POINTS[request["argv"][0]].cli_executor(request["argv"])
                code = 0
            except SystemExit as exit_request:
                code = exit_request.code or 0
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code if isinstance(code, int) else 1)
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        return {
            "stdout": out.read().decode("utf-8"),
            "stderr": err.read().decode("utf-8", "replace"),
            "code": os.waitstatus_to_exitcode(status),
        }


json.dump([call(request) for request in json.load(sys.stdin)], sys.stdout)
