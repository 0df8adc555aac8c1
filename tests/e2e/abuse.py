"""One daemon for all tests of a file that treat it badly, and a client that must not notice."""

import pytest

from harness import Daemon


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    """One for all tests of the file."""
    one = Daemon(tmp_path_factory.mktemp("abused")).start()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def nobody_is_disturbed(daemon, request):
    """A client that was there before is served all the time, by the same process."""
    request.node.daemons = [daemon]
    boot_id = daemon.status()["boot_id"]
    with daemon.ws() as steady:
        steady.expect("joint_positions")
        yield
        steady.drain(0)
        steady.expect("joint_positions")
        status = steady.ask({"type": "get_daemon_status"})
    assert status["boot_id"] == boot_id and status["state"] == "running"
    # On a machine that is short of processor time the loop may be slow, and says so.
    assert {c["code"] for c in status["health"]["causes"]} <= {"control_slow"}, status["health"]
    assert status["generation"] == 1
