# What a demo says and shows, in the lines that ipsec/demo_view.sh reads. Source this file.

say() {
	printf 'SAY: %s\n' "$1"
	shift
	[ $# = 0 ] || printf 'MORE: %s\n' "$@"
}

# show TITLE COMMAND...: what a command prints, under a title.
show() {
	printf 'SHOW: $ %s\n' "$1"
	shift
	"$@" 2>&1 | cut -c 1-125 | sed 's/^/SHOW: /'
}
