#!/bin/bash
# The first process inside the kernel that uml.sh boots. Mounts what a program expects, makes the kernel's modules
# loadable, runs the command that uml.sh left in $UML_DIR/.uml, leaves its exit status there and switches off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
unset uml_dir mem

mount -t proc proc /proc
mount -t sysfs sysfs /sys
stty -opost </dev/tty0
exec </dev/null >/dev/tty0 2>&1

mount -t tmpfs tmpfs /run
mkdir /dev/shm && mount -t tmpfs tmpfs /dev/shm
export TMPDIR=/var/tmp
mount -t tmpfs tmpfs $TMPDIR
[ -d "$UML_DIR" ] || mkdir -p "$UML_DIR" # when it was below one of these
mount -t hostfs none "$UML_DIR" -o "$UML_DIR"

# /lib/modules of the machine is for its own kernel, and may not be there.
export MODULES=/run/uml-modules # for modprobe -d
mkdir -p $MODULES/lib/modules
ln -s "/usr/lib/uml/modules/$(uname -r)" "$MODULES/lib/modules/$(uname -r)"
printf '#!/bin/sh\nexec /sbin/modprobe -d %s "$@"\n' $MODULES >/run/uml-modprobe
chmod +x /run/uml-modprobe
echo /run/uml-modprobe >/proc/sys/kernel/modprobe

ip link set lo up
: >"$UML_DIR/.uml/up"
eval "$(<"$UML_DIR/.uml/command")"
echo $? >"$UML_DIR/.uml/status"
sync

# reboot(RB_POWER_OFF): no init system is here to ask, and a first process that just ends is a kernel panic.
perl -e 'syscall(169, 0xfee1dead, 672274793, 0x4321fedc, 0)'
