#!/bin/sh
# FFmpeg in, FFmpeg out, nothing in between on disk but the .gvc file.
#
#   examples/pipe.sh talk.mp4 talk.gvc back.mkv
set -e
ffmpeg=$(python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
"$ffmpeg" -v error -i "$1" -c:v rawvideo -c:a pcm_s16le -f nut - | gvc encode - "$2"
gvc decode "$2" - -f nut | "$ffmpeg" -v error -f nut -i - -c:v libx264 -c:a copy "$3"
