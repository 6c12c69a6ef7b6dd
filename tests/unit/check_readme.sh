#!/bin/sh
# The config files that README.md begins with are good, and the paths that it names are there.
src=${srcdir:-.}/..
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# block NAME: the first fenced text behind the line that names the file.
block() { awk -v name="$1" 'index($0, name "`:") { near = 1 } near && /^```/ { fence++; next } fence == 1' "$src/README.md"; }

for program in rsipd rsipc; do
	block "/etc/rsip/$program.conf" >"$dir/$program.conf"
	[ -s "$dir/$program.conf" ] || { echo "README.md has no $program.conf"; exit 1; }
	"../$program/$program" -t -c "$dir/$program.conf" || exit 1
done
for path in $(grep -o '`[a-z]*/[a-z_.]*`' "$src/README.md" | tr -d '`'); do
	case $path in build/*) continue ;; esac
	[ -e "$src/$path" ] || { echo "README.md names $path, which is not there"; exit 1; }
done
