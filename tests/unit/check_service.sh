#!/bin/sh
# A service unit lets its daemon open each kind of socket that its sources ask for.
src=${srcdir:-.}/..
status=0

for daemon in rsipd rsipc; do
	allowed=" $(sed -n 's/^RestrictAddressFamilies=//p' "$src/contrib/$daemon.service.in" | tr '\n' ' ') "
	for family in $(grep -rhoE --include='*.c' '\<socket\(AF_[A-Z0-9]+' "$src/$daemon" "$src/common" |
	                sed 's/.*(//' | sort -u); do
		case $allowed in *" $family "*) continue ;; esac
		echo "contrib/$daemon.service.in does not allow $family, which $daemon opens"
		status=1
	done
done
exit $status
