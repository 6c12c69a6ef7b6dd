"""Makes the kernel of this network namespace forget all flows that it tracks (what `conntrack -F` does): as a translator
does that restarts, so that known flows get new ports."""
import socket
import struct

NETLINK_NETFILTER = 12
NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE = 1, 2
NLM_F_REQUEST, NLM_F_ACK = 1, 4

wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
wire.bind((0, 0))
wire.send(struct.pack("=LHHLLBBH", 20, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, 1, 0,
                      socket.AF_UNSPEC, 0, 0))
error = -struct.unpack("=i", wire.recv(4096)[16:20])[0]
if error:
    raise OSError(error, "conntrack")
