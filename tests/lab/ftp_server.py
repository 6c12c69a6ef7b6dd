"""A tiny FTP server for the lab (RFC 959, RFC 2428): active mode only, where the server calls the client back at the
address and port that the client wrote into the control connection. That is what address translation breaks.

    ftp_server.py ADDRESS FILE
"""
import ipaddress
import socket
import socketserver
import sys


class Session(socketserver.StreamRequestHandler):
    timeout = 10

    def say(self, line):
        self.wfile.write((line + "\r\n").encode())

    def handle(self):
        self.say("220 lab")
        while line := self.rfile.readline().decode("ascii", "replace").strip():
            verb, _, words = line.partition(" ")
            getattr(self, "do_" + verb.lower(), self.unknown)(words)
            if verb.upper() == "QUIT":
                return

    def unknown(self, _):
        self.say("502 not here")

    def do_user(self, _):
        self.say("230 welcome")

    def do_pwd(self, _):
        self.say('257 "/"')

    def do_type(self, _):
        self.say("200 as you like")

    def do_quit(self, _):
        self.say("221 bye")

    def do_eprt(self, words):
        _, _, address, port, _ = words.split(words[0])
        self.call_back = address, int(port)
        self.say("200 I will call")

    def do_port(self, words):
        numbers = [int(word) for word in words.split(",")]
        self.call_back = str(ipaddress.IPv4Address(bytes(numbers[:4]))), numbers[4] << 8 | numbers[5]
        self.say("200 I will call")

    def do_retr(self, _):
        self.say("150 calling %s port %d" % self.call_back)
        try:
            with socket.create_connection(self.call_back, timeout=2) as data, open(sys.argv[2], "rb") as file:
                data.sendfile(file)
        except OSError as why:
            self.say("425 cannot call %s port %d: %s" % (*self.call_back, why))
        else:
            self.say("226 done")


if __name__ == "__main__":
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    socketserver.ThreadingTCPServer((sys.argv[1], 21), Session).serve_forever()
