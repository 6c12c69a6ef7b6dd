"""Lines of standard input to a server, and what comes back to standard output: echo_client.py ADDRESS PORT."""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    answers = server.makefile()
    for line in sys.stdin:
        server.sendall(line.encode())
        sys.stdout.write(answers.readline())
        sys.stdout.flush()
