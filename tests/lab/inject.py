"""Puts one packet into a host's tunnel device, as a careless application would: from a port or an address that is not
the host's.

    inject.py NAMESPACE DEVICE port|address PUBLIC PEER
"""
import socket
import sys

import ip_packet
from rsip_client import namespace
from tunnel import ETH_P_IP

netns, device, what, public, peer = sys.argv[1:]
packet = ip_packet.udp(public if what == "port" else "198.51.100.99", 79, peer, 9, b"not mine")
with namespace(netns):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    sock.sendto(packet, (device, ETH_P_IP))
