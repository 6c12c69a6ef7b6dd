"""What was asked and what was told, in the order in which it happened, one JSON line each.

A line is on disk before the next one is begun, so that the file tells of a run that ended badly what the clients knew.
"""
import json
import os
import threading
import time


class Journal:
    def __init__(self, path):
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.lock, self.written = threading.Lock(), 0

    def note(self, who, what, **fields):
        line = json.dumps({"t": round(time.monotonic(), 4), "who": who, "what": what, **fields}) + "\n"
        with self.lock:
            os.write(self.fd, line.encode())
            self.written += 1

    def sync(self):
        os.fdatasync(self.fd)

    def close(self):
        self.sync()
        os.close(self.fd)
