"""A host of a large gateway, for scale.sh: how long it waits for an answer that is durable (EXTEND), again and again.

	scale_probe.py NETNS serve SECONDS           until the gateway answers, but so long at the most: the time it took
	scale_probe.py NETNS stall SECONDS           for so long: how many answers, and the longest wait for one
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lab"))
from rsip_client import Host  # noqa: E402


def leased(netns, until):
    """A session with a binding, as soon as the gateway gives it one. It listens before it has loaded its leases, and answers after."""
    while True:
        try:
            session = Host(netns, "10.0.0.11", rate=5000).tcp()
            session.default_timeout = max(1.0, until - time.monotonic())
            session.register()
            return session, session.rsap().bind_id
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.002)


def main():
    netns, what, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    began = time.monotonic()
    session, binding = leased(netns, began + seconds)
    if what == "serve":
        print("%.2f" % (time.monotonic() - began))
        session.de_register()
        return
    waits = []
    while time.monotonic() < began + seconds:
        at = time.monotonic()
        session.extend(binding)
        waits.append(time.monotonic() - at)
    session.de_register()
    waits.sort()
    print("answers=%d p50_ms=%.1f p99_ms=%.1f longest_ms=%.1f" % (
        len(waits), waits[len(waits) // 2] * 1e3, waits[len(waits) * 99 // 100] * 1e3, waits[-1] * 1e3))


main()
