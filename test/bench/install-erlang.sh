#!/usr/bin/env sh
# Installs Erlang, so that `npm run bench` measures against it too. It needs an Erlang/OTP with
# `erl` and `erlc` on the PATH; nothing else of it is used, so the smallest package will do.
set -eu
if command -v erl >/dev/null && command -v erlc >/dev/null; then
  echo "Erlang is here: $(command -v erl)"
elif command -v apt-get >/dev/null; then
  if [ "$(id -u)" = 0 ]; then
    apt-get update && apt-get install -y --no-install-recommends erlang-base
  else
    sudo apt-get update && sudo apt-get install -y --no-install-recommends erlang-base
  fi
elif command -v brew >/dev/null; then
  brew install erlang
else
  echo 'install Erlang/OTP 25 or newer: https://www.erlang.org/downloads' >&2
  exit 1
fi
