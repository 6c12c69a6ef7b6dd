# Makes the lines of a lab readable for a person, and a table of its RESULT lines at the end. Source this file.

if [ -t 1 ]; then
	view_bold=$'\e[1m' view_green=$'\e[32m' view_red=$'\e[31m' view_plain=$'\e[0m'
else
	view_bold='' view_green='' view_red='' view_plain=''
fi

# demo_picture: the drawing in topology.sh and the line below it.
demo_picture() { sed -n '/[┌│└]/s/^#//p; /^# x1, x2:/s/^#/\n   /p' "$here/topology.sh"; }

# demo_view: reads a lab's output; leaves its exit status in $view_status. SAY: words (MORE: their next line); SHOW: output of a command; RESULT and the verdicts: one line
# each. STATUS: the lab's exit status.
demo_view() {
	local line rest
	view_status=1
	declare -gA view_rsip=() view_nat=()
	declare -ga view_features=()
	while IFS= read -r line; do
		rest=${line#*: }
		case $line in
		"SAY: "*) printf '\n%s%s%s\n' "$view_bold" "$rest" "$view_plain" ;;
		"MORE: "*) printf '%s%s%s\n' "$view_bold" "$rest" "$view_plain" ;;
		"SHOW: "*) printf '      %s\n' "$rest" ;;
		"RESULT: "*) view_result "$rest" ;;
		"PASS: "*" works" | "PASS: "*" fails") ;; # its RESULT is shown
		"PASS: "*) printf '   %s✔%s %s\n' "$view_green" "$view_plain" "$rest" ;;
		"FAIL: "*) printf '   %s✘ not as it should be: %s%s\n' "$view_red" "$rest" "$view_plain" ;;
		"STATUS: "*) view_status=$rest ;;
		"SKIP: "*) printf '   - %s\n' "$rest" ;;
		esac
	done
}

# view_result "WHO FEATURE works|fails[ - WHY]"
view_result() {
	local who=${1%% *} sign=$view_green✔ why
	[[ ${1#* } =~ ^(.*)\ (works|fails)(\ -\ (.*))?$ ]] || return
	why=${BASH_REMATCH[4]}
	[ "${BASH_REMATCH[2]}" = works ] || sign=$view_red✘
	printf '   %s%s %s%s\n' "$sign" "$view_plain" "${BASH_REMATCH[1]}" "${why:+: $why}"
	if [ "$who" = rsip ]; then
		view_features+=("${BASH_REMATCH[1]}")
		view_rsip[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}
	else
		view_nat[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]}${why:+: $why}
	fi
}

# demo_table: what worked, RSIP against NAT; after demo_view, in the same shell.
demo_table() {
	local feature
	[ ${#view_features[@]} -gt 0 ] || return
	printf '\n%sBoth hosts on one public address, with the one peer, at the same time:%s\n\n' "$view_bold" "$view_plain"
	printf '   %-48s %-6s %s\n' '' RSIP 'NAT (masquerade)'
	for feature in "${view_features[@]}"; do
		printf '   %-48s %-6s %s\n' "$feature" "${view_rsip[$feature]}" "${view_nat[$feature]:-not tried}"
	done
}
