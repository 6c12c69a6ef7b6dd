"""many_connections.py ADDRESS PORT N: has N connections open at the same time, waiting for a free port where there is none, and
prints from how many different ports the peer, which tells, has seen them."""
import errno
import socket
import sys
import time

end = time.monotonic() + 60
connections = []
while len(connections) < int(sys.argv[3]):
    try:
        connections.append(socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=20))
    except OSError as error:
        if error.errno not in (errno.EADDRNOTAVAIL, errno.EADDRINUSE) or time.monotonic() > end:
            raise
        time.sleep(0.1)
for connection in connections:
    connection.sendall(b"\n")
print(len({connection.makefile().readline() for connection in connections}))
