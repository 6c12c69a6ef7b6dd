#!/bin/bash
# uml.sh: runs a script as root in a kernel of its own: Debian's user-mode-linux, a kernel that is a plain process. It
# brings what the running kernel may lack (ESP, AH, ipip, gre, netem); boot takes about three seconds.
#
#   uml.sh [-m MEGABYTES] [-t SECONDS] [-w DIR] -- SCRIPT [ARG...]
#
# SCRIPT sees this machine's files, read-only but for fresh tmpfs on /run and /var/tmp ($TMPDIR), and for DIR, which is
# the same directory inside and outside (a temporary one when not given); inside, its path is in $UML_DIR. What SCRIPT
# prints comes out on our standard output. A kernel that SCRIPT puts to sleep (/sys/power/state) is woken as long as there is a
# file .uml/asleep in DIR. The environment stays outside: say `-- /usr/bin/env NAME=VALUE SCRIPT`.
#
# Exit status: SCRIPT's own; 124 = the time was over; 125 = the kernel did not boot, 126 = it crashed, the reason in the
# last line of standard error.
# Needs the packages user-mode-linux and kmod, and to be allowed to use ptrace(2).
set -u

memory=1024 seconds=600 dir=
usage() { sed -n '5s/^# *//p' "$0" >&2; exit 2; }
while getopts m:t:w: option; do
	case $option in
	m) memory=$OPTARG ;;
	t) seconds=$OPTARG ;;
	w) dir=$OPTARG ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || usage

cannot_boot() { echo "uml.sh: cannot boot user-mode-linux: $*" >&2; exit 125; }

# UML keeps its memory in an unlinked file that it maps executable: a tmpfs with room is best, any disk will do.
memory_dir() {
	local place room
	for place in /dev/shm "${TMPDIR:-/tmp}" /tmp /var/tmp; do
		[ -d "$place" ] && [ -w "$place" ] || continue
		case ,$(findmnt -nro OPTIONS -T "$place"), in *,noexec,*) continue ;; esac
		room=$(df --output=avail -m "$place" | tail -n 1)
		[ "$room" -gt "$memory" ] && echo "$place" && return
	done
	return 1
}

kernel=$(command -v linux.uml) || cannot_boot "linux.uml is not installed: apt-get install user-mode-linux"
command -v modprobe >/dev/null || cannot_boot "modprobe is not installed: apt-get install kmod"
tmp=$(memory_dir) || cannot_boot "no directory with $memory MB free, and not mounted noexec, for its memory"
init=$(realpath "$(dirname "$0")/uml-init.sh")

made=
if [ -z "$dir" ]; then dir=$(mktemp -d) && made=$dir || exit 125; fi
dir=$(realpath "$dir") || exit 125
own=$dir/.uml # the command on its way in, its status on the way out, the kernel's messages
rm -rf "$own" && mkdir -p "$own" || exit 125
printf '%q ' "$@" >"$own/command"

# The kernel makes itself the leader of a process group that all its processes are in.
pid=
finish() {
	if [ -n "$pid" ]; then
		kill -KILL -- "-$pid" || kill -KILL "$pid"
		wait "$pid"
	fi 2>/dev/null
	rm -rf "$made" "$dir/.uml"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP

# con0 is the script's output, con1 the kernel's own messages.
exec 3>&1
TMPDIR=$tmp "$kernel" mem="${memory}M" uml_dir="$own" ssl=null quiet \
	con=null con0=null,fd:3 con1=null,fd:1 console=tty1 \
	root=/dev/root rootfstype=hostfs rootflags=/ ro init="$init" UML_DIR="$dir" \
	</dev/null >"$own/boot.log" 2>&1 &
pid=$!
exec 3>&-

running() { kill -0 "$pid" 2>/dev/null; }
deadline=$((SECONDS + seconds)) boot_deadline=$((SECONDS + 60)) up=
while running; do
	[ ! -e "$own/up" ] || up=1
	if [ -z "$up" ] && [ $SECONDS -ge $boot_deadline ]; then break; fi
	if [ $SECONDS -ge $deadline ]; then
		echo "uml.sh: stopped after $seconds seconds" >&2
		exit 124
	fi
	[ ! -e "$own/asleep" ] || kill -USR1 "$pid"
	sleep 0.2
done

[ ! -e "$own/up" ] || up=1
if [ -z "$up" ]; then
	sed 's/^/    | /' "$own/boot.log" | tail -n 20 >&2
	cannot_boot "$(tail -n 1 "$own/boot.log") (is ptrace allowed here?)"
fi
wait "$pid" 2>/dev/null
pid=
status=$(cat "$own/status" 2>/dev/null) || {
	sed 's/^/    | /' "$own/boot.log" >&2
	echo "uml.sh: the kernel ended before the script did" >&2
	exit 126
}
exit "$status"
