# Sourced by the scripts here. Sets: root (the repository), cache (what outlives a build folder).
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${KPAY_DEPS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kpay}
JOBS=${JOBS:-$(nproc)}

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# sha256_is FILE SUM
sha256_is() { [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

# The lines of deps.lock without comments.
lock_lines() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/deps.lock"; }
