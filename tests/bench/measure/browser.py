"""Rows that need Chromium: sessions and restarts, and what they leave behind."""

import json
import subprocess
from pathlib import Path

from . import daemon as darumad
from .figures import Row, spread, spread_text

BENCH = Path(__file__).resolve().parent.parent


def install():
    """playwright-core; it drives Debian's Chromium and downloads none."""
    lock, mark = BENCH / "package-lock.json", BENCH / "node_modules/.package-lock.json"
    if mark.exists() and mark.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=BENCH,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"npm ci failed: is the npm registry reachable?\n{done.stderr[-500:]}")
    mark.touch()


def restarts(folder, count):
    install()
    with darumad.running(folder) as daemon:
        url = f"ws://127.0.0.1:{daemon.status()['signalling_port']}"
        done = subprocess.run(["node", "browser.mjs", url, str(daemon.pid), str(count)], cwd=BENCH,
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the browser's part failed; darumad's last words:\n"
                               f"{daemon.log.read_text()[-1500:]}")
    seen = json.loads(done.stdout)
    rounds = seen["rounds"]
    return [acknowledgements(rounds), durations(rounds, False), durations(rounds, True),
            *remains(seen, count), *memory(seen)]


def acknowledgements(rounds):
    """In time: before the page hears of the end of its session, and may throw everything away."""
    acked = sum(r.get("acked", False) for r in rounds)
    late = sum("ack_ms" in r and not r["acked"] for r in rounds)
    times = spread([r["ack_ms"] for r in rounds if r.get("acked")])
    return Row(f"ack received, {len(rounds):,} restarts, Chromium on loopback", f"{len(rounds):,}",
               f"{acked:,} ({spread_text(times, 'ms', 1)})" + (f"; {late} too late" if late else ""),
               acked == len(rounds),
               {"acked": acked, "late": late, "restarts": len(rounds), "ack_ms": times})


def durations(rounds, renew):
    errors = [r["error"] for r in rounds if r["renew"] == renew and "error" in r]
    chosen = [r for r in rounds if r["renew"] == renew and "error" not in r]
    with_restart = spread([r["restart_ms"] for r in chosen])
    without = spread([r["open_ms"] for r in chosen])
    ratio = with_restart["p50"] / without["p50"]
    socket = "a new signalling socket" if renew else "signalling socket kept"
    return Row(f"restart asked until a fresh channel answers get_state, {socket}",
               "p50 <= 1.5 x without restart, < 150 ms",
               f"{spread_text(with_restart, 'ms')}; without: p50 {without['p50']:.0f}; {ratio:.2f} x"
               + (f"; {len(errors)} failed" if errors else ""),
               ratio <= 1.5 and with_restart["p50"] < 150 and not errors,
               {"restart_ms": with_restart, "open_ms": without, "ratio": ratio,
                "ack_ms": spread([r["ack_ms"] for r in chosen if "ack_ms" in r]),
                "over_ms": spread([r["over_ms"] for r in chosen]),
                "redial_ms": spread([r["restart_ms"] - r["over_ms"] for r in chosen]),
                "errors": errors, "refusals": sum(r["refusals"] for r in chosen)})


def remains(seen, count):
    early, late = seen["early"], seen["late"]
    figures = {"early": early, "late": late, "trend": seen["trend"]}
    more = late["rss_mb"] - early["rss_mb"]
    when = f"after {count:,} restarts with sessions, against after 10"
    return [Row(f"RSS {when}", "<= 1 MB more",
                f"{more:+.2f} MB ({early['rss_mb']:.1f} -> {late['rss_mb']:.1f})", more <= 1, figures),
            *(Row(f"{name} {when}", "equal", f"{early[name]} -> {late[name]}",
                  early[name] == late[name], figures) for name in ("threads", "descriptors"))]


def memory(seen):
    return [Row(f"RSS {what}", f"<= {goal} MB", f"{seen[key]['rss_mb']:.1f} MB",
                seen[key]["rss_mb"] <= goal, seen[key])
            for what, goal, key in (("before the first WebRTC session", 15, "before"),
                                    ("with one data peer", 40, "one_peer"))]
