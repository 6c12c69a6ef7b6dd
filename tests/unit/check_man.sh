#!/bin/sh
# The manual pages have no fault that mandoc knows of.
command -v mandoc >/dev/null || { echo "SKIP: mandoc is not installed"; exit 77; }
faults=$(mandoc -T lint -W warning "${srcdir:-.}"/../man/*.[1-8])
[ -z "$faults" ] || { echo "$faults"; exit 1; }
