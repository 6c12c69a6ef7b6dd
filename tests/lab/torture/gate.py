"""Lets hosts act, and holds them while the gateway's word is compared with its deeds."""
import threading


class Gate:
    def __init__(self):
        self.change = threading.Condition()
        self.open, self.ending, self.waiting, self.members = False, False, set(), set()

    def enter(self, who):
        """Before each step: returns when hosts may act; False at the end."""
        with self.change:
            self.members.add(who)
            self._rest(who)
            while not self.open and not self.ending:
                self.change.wait()
            self.waiting.discard(who)
            return not self.ending

    def wait_for_audit(self, who):
        """For one that cannot go on before it: until the gate has been shut and opened again."""
        with self.change:
            self._rest(who)
            while self.open and not self.ending:
                self.change.wait()

    def _rest(self, who):
        self.waiting.add(who)
        self.change.notify_all()

    def leave(self, who):
        with self.change:
            self.members.discard(who)
            self.waiting.discard(who)
            self.change.notify_all()

    def start(self):
        with self.change:
            self.open = True
            self.change.notify_all()

    def stop(self, seconds):
        """Holds every host, each with no request under way. False when one takes longer than that."""
        with self.change:
            self.open = False
            return self.change.wait_for(lambda: self.waiting >= self.members, seconds)

    def end(self):
        with self.change:
            self.open, self.ending = False, True
            self.change.notify_all()
