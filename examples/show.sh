#!/bin/sh
# Open a video for whoever sits in front of the machine; without a screen, say where it is.
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] && command -v xdg-open >/dev/null; then
    xdg-open "$1" && exit
elif [ "$(uname)" = Darwin ]; then
    open "$1" && exit
fi
echo "The video is $1"
