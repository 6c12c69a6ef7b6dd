#!/bin/bash
# The first process of the kernel that uml.sh boots, from where uml-init.sh hands over (exec init.sh LAB): puts Debian's
# systemd on this machine's files, with the installed suite over them and a tmpfs over both that takes what is written.
# LAB is what systemd then runs, as a service; its exit status is the lab's.
set -u
root=/mnt/root

modprobe -d "$MODULES" -a overlay veth tun ipip
mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work $root &&
	mount -t overlay overlay -o "lowerdir=$UML_DIR/root:/,upperdir=/mnt/upper,workdir=/mnt/work" $root || exit 125

# As after a first install: no user _rsip, no config, no state. The machine's own services are none of the lab's.
sed -i '/^_rsip:/d' $root/etc/passwd $root/etc/group $root/etc/shadow $root/etc/gshadow
rm -rf $root/etc/rsip $root/usr/local/etc/rsip $root/var/lib/rsip $root/etc/systemd/system/*.wants
: >$root/etc/fstab
echo 5ec0de5ec0de5ec0de5ec0de5ec0de5e >$root/etc/machine-id # without one systemd takes this for its first start ever

# /run goes with us, and with it what the kernel calls to load a module, and a way to the files outside.
mkdir -p /run/uml /run/systemd/system/multi-user.target.wants
mount --bind "$UML_DIR" /run/uml
cat >/run/systemd/system/lab.service <<END
[Unit]
Description=The lab
After=multi-user.target

[Service]
Type=oneshot
ExecStart=$1
StandardOutput=file:/run/uml/lab.out
StandardError=file:/run/uml/lab.err
ExecStopPost=/bin/sh -c 'journalctl -b -o short-precise --no-pager >/run/uml/journal; echo "\$EXIT_STATUS" >/run/uml/.uml/status; sync; systemctl --force --force poweroff'
END
ln -s ../lab.service /run/systemd/system/multi-user.target.wants/
# Devices, name services and logins are of no use here, and starting them takes longer than the lab.
for unit in getty.target systemd-udevd.service systemd-udev-trigger.service systemd-hwdb-update.service ldconfig.service \
	systemd-timesyncd.service systemd-networkd.service systemd-resolved.service systemd-logind.service \
	systemd-journal-catalog-update.service systemd-update-done.service systemd-update-utmp.service; do
	ln -s /dev/null "/run/systemd/system/$unit"
done
exec switch_root $root /lib/systemd/systemd --unit=multi-user.target --show-status=no
