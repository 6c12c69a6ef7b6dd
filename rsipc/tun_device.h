/* A TUN device: a network interface whose other end is a descriptor, one IP packet a read or write. */
#ifndef RSIPC_TUN_DEVICE_H
#define RSIPC_TUN_DEVICE_H

/* Makes the device in the network namespace of the caller, down and without addresses; it goes with the last copy of the
 * descriptor. Non-blocking. -1 with errno; EBUSY when there is a device of that name. Needs CAP_NET_ADMIN. */
int tun_device_open(const char *name);

#endif
