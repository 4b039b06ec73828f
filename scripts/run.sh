#!/bin/sh
# Sets up what is missing, says so, and runs one task.
# Works with any POSIX shell and any Node >= 20, as root or not. Exit status 3: a package is missing and we are not root.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$root"
task=${1:-test}
[ $# -gt 0 ] && shift

say() { printf '%s\n' "$*" >&2; }
usage() {
  echo "Usage: sh scripts/run.sh demo | test | unit | lab | real-az | long | mutate | bench [ARGUMENTS]"
  echo "'npm run' has them too, as demo, test, test:unit, test:lab, test:real-az, test:long, mutate and bench. TASK --help says more."
}
case $task in
  demo | test | unit | lab | real-az | long | mutate | bench) ;;
  --help | -h) usage; exit 0 ;;
  *) say "run.sh: there is no task '$task'."; usage >&2; exit 2 ;;
esac
# A usage needs Node alone.
help=
for word; do case $word in --help | -h) help=yes ;; esac done

[ "$(uname -s)" = Linux ] || { say "Postern needs a Linux kernel. On a Mac use a Linux VM, on Windows WSL 2: see README.md."; exit 1; }
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) say "Postern runs on x86_64 and aarch64; this machine is $(uname -m)."; exit 1 ;;
esac

# Command -> Debian package. The sbin folders are not on every user's PATH.
PATH=$PATH:/usr/sbin:/sbin
export PATH
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
if [ -z "$help" ]; then
  need nft nftables
  need ip iproute2
  need unshare util-linux
  need curl curl
  need dig bind9-dnsutils
fi
if [ "$task" != demo ] && [ -z "$help" ]; then
  need openssl openssl
  # The example of a policy repository compares with an earlier commit.
  need git git
  need ping iputils-ping
  need setpriv util-linux
  # The library is tried in a browser.
  need chromium chromium
fi
# Large, and needed by nothing else.
if [ "$task" = real-az ] && [ -z "$help" ]; then need az azure-cli; fi
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ]; then
    say "Installing Debian packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    # shellcheck disable=SC2086 # one word a package
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
  else
    say "Missing packages. Install them and run this again:"
    say "  sudo apt-get install -y$missing"
    exit 3
  fi
fi

stamp=node_modules/.postern-lock
if ! cmp -s package-lock.json "$stamp" || [ ! -x "node_modules/node-linux-$arch/bin/node" ]; then
  say "Installing npm packages (npm ci)"
  npm ci --no-audit --no-fund --loglevel=error >&2
  cp package-lock.json "$stamp"
fi

# Root's tests also run Postern as a user without privileges, who must be able to read the checkout. Where he cannot (a
# clone under /root, a strict umask), the tests run in a readable copy that is removed afterwards.
run_tests() {
  if [ "$(id -u)" != 0 ] || setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$root/bin/postern" -a -r "$root/node_modules/koffi/package.json"; then
    exec scripts/node scripts/test.ts "$@"
  fi
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT INT TERM
  say "This checkout cannot be read by other users; the tests run in a copy of it under $copy."
  cp -a "$root" "$copy/checkout"
  [ ! -d "$root/../shared" ] || ln -s "$(cd "$root/../shared" && pwd -P)" "$copy/shared"
  chmod -R a+rX "$copy"
  cd "$copy/checkout"
  status=0
  scripts/node scripts/test.ts "$@" || status=$?
  cd /
  exit "$status"
}

case $task in
  demo) exec scripts/node scripts/demo.ts "$@" ;;
  test) run_tests all "$@" ;;
  unit | lab) run_tests "$task" "$@" ;;
  bench) exec scripts/node --expose-gc bench/main.ts "$@" ;;
  mutate) exec scripts/node scripts/mutate.ts "$@" ;;
  long) exec scripts/node test/differential/long-run.ts "$@" ;;
  real-az) exec scripts/node scripts/test.ts real-az "$@" ;;
esac
