#!/bin/sh
# Chromium that leaves the processor to others: a process inherits this only at its start.
exec nice -n 10 "$CHROMIUM" "$@"
