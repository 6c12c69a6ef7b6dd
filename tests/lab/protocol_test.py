"""The customer's acceptance in small: an RSIP client written from the RFCs alone against a running rsipd.

Run by protocol.sh and native.sh, which make the lab. Arguments: the part to run (protocol or dataplane), then words; if
there are any, only checks with one of them in the title run.
"""
import importlib
import os
import sys

from protocol import harness

HOSTS = {  # name in the checks: (node of the lab, address)
    "x1": ("x1", "10.0.0.11"), "x2": ("x2", "10.0.0.12"), "office": ("x3", "10.0.0.77"), "stray": ("x4", "172.16.0.5"),
    "micro": ("x3", "10.0.0.21"), "macro": ("x3", "10.0.0.22"), "macro2": ("x3", "10.0.0.23"),
    "plain": ("x3", "10.0.0.24"), "small": ("x3", "10.0.0.25"), "tiny1": ("x3", "10.0.0.26"),
    "tiny2": ("x3", "10.0.0.27"), "short1": ("x3", "10.0.0.28"), "short2": ("x3", "10.0.0.29"),
}
PEERS = {"peer": "203.0.113.201", "peer2": "203.0.113.202"}
# Each row: a configuration file (environment variable), the modules whose checks run with it.
PARTS = {
    "protocol": [("RSIP_CONF_EXAMPLE", ["register", "assign", "ipsec", "binding", "malformed", "transport"]),
                 ("RSIP_CONF_POLICIES", ["appendix_c", "policies", "leases"]),
                 ("RSIP_CONF_TCP", ["single"])],
    "dataplane": [("RSIP_CONF_POLICIES", ["dataplane"])],
}


def main(part, *words):
    gateway = harness.Gateway(os.environ["RSIP_BOX_n"], os.environ["BUILDDIR"],
                              os.path.join(os.environ["LAB_TMP"], "rsipd.log"))
    lab, failed = harness.Lab(os.environ["LAB"], HOSTS, PEERS, gateway), 0
    for conf, modules in PARTS[part]:
        gateway.start(os.environ[conf])
        for module in modules:
            importlib.import_module("protocol." + module)
            failed += harness.run(lab, words)
            if gateway.process.poll() is not None:
                print("FAIL: rsipd is alive after %s - exit status %d" % (module, gateway.process.returncode))
                return 1
        if gateway.stop() != 0:
            print("FAIL: rsipd ends well on SIGTERM - exit status %d" % gateway.process.returncode)
            failed += 1
        gateway.forget()
    return failed != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
