"""Fixtures of the end-to-end tests: they run the real darumad, each test one of its own."""

import pytest

from harness import Daemon

LOG_LINES = 200


@pytest.fixture
def make_daemon(request, tmp_path_factory):
    """Makes daemons, not yet started; ends them, and keeps their logs for a failed test."""
    daemons = []
    request.node.daemons = daemons

    def make(*arguments, **options):
        folder = options.pop("folder", None) or tmp_path_factory.mktemp("daemon")
        daemons.append(Daemon(folder, *arguments, **options))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon.close()


@pytest.fixture
def daemon(make_daemon):
    """A daemon that runs."""
    return make_daemon().start()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for daemon in getattr(item, "daemons", []):
        lines = daemon.log().splitlines()[-LOG_LINES:]
        report.sections.append((f"log of darumad in {daemon.folder}", "\n".join(lines)))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: waits for a time-out of ten seconds or more")
