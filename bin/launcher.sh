# Read by bin/millrace and bin/flume-ng, which set $home (the installation) and $program. POSIX sh.
#
# Finds the Node that came with the installation, or one of at least version 24 in PATH, and becomes it. What flume-ng's own launcher
# does with --conf, flume-env.sh, JAVA_OPTS, FLUME_JAVA_OPTS and --dryrun is done here; everything else is passed on as it stands.

# For little memory: young objects get 1 MB, and they are looked through when much was read (io/read-memory.ts).
# A package of the hdfs sink uses url.parse, of which Node would warn in the middle of the log (DEP0169).
node_flags='--max-semi-space-size=1 --expose-gc --disable-warning=DEP0169'

fail() {
  printf '%s: %s\n' "$program" "$1" >&2
  exit 69
}

find_node() {
  if [ -n "${MILLRACE_NODE:-}" ]; then
    node=$MILLRACE_NODE
    [ -x "$node" ] || fail "MILLRACE_NODE is set to $node, which cannot be run"
    return
  fi
  # npm installs the one for this machine. It needs the GNU C library, which has its loader at a fixed place.
  for arch in x64:/lib64/ld-linux-x86-64.so.2 arm64:/lib/ld-linux-aarch64.so.1; do
    [ -e "${arch#*:}" ] || continue
    at=$home
    while [ -n "$at" ]; do
      node=$at/node_modules/node-linux-${arch%%:*}/bin/node
      [ -x "$node" ] && return
      at=${at%/*}
    done
  done
  node=$(command -v node) || fail "there is no Node. Run 'npm ci' in $home, which brings one, or install Node 24 or newer"
  version=$("$node" -p 'process.versions.node' 2>/dev/null) || version=unknown
  case ${version%%.*} in
    '' | *[!0-9]*) fail "$node does not answer with its version. Run 'npm ci' in $home, which brings a Node of its own" ;;
  esac
  [ "${version%%.*}" -ge 24 ] ||
    fail "Node 24 or newer is needed; $node is $version. Run 'npm ci' in $home, which brings one, or set MILLRACE_NODE"
}

# The compiled program, or in a checkout the sources themselves where they are newer or MILLRACE_DEV=1.
find_main() {
  main=$home/dist/bin/millrace.js
  [ -f "$home/agent/cli.ts" ] || return 0
  if [ "${MILLRACE_DEV:-}" = 1 ] || [ ! -f "$main" ] || [ -n "$(newer_source)" ]; then main=$home/bin/millrace.ts; fi
}

newer_source() {
  [ -f "$home/dist/build.json" ] || { echo none; return; }
  ( cd "$home" && find agent bin channels core interceptors io monitoring protocols serializers sinks sources package.json \
    -newer dist/build.json -name '*.[tj]s*' -print -quit 2>/dev/null )
}

# As Flume does: flume-env.sh of the configuration directory is read as a part of this script, and only what it says of JAVA_OPTS and
# FLUME_CLASSPATH counts.
read_environment_file() {
  JAVA_OPTS= FLUME_CLASSPATH=
  [ -n "$conf" ] || return 0
  if [ ! -d "$conf" ]; then
    printf 'Warning: the configuration directory %s does not exist.\n' "$conf" >&2
  elif [ -f "$conf/flume-env.sh" ]; then
    # A name without a slash would be looked for in PATH.
    case $conf in */*) ;; *) conf=./$conf ;; esac
    . "$conf/flume-env.sh"
  fi
}

# For --dryrun: each word so that a shell would read it as it is.
print_command() {
  line=
  for word in "$@"; do
    case $word in
      '' | *[!A-Za-z0-9_./:=,@%+-]*) word="'$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'" ;;
    esac
    line="$line${line:+ }$word"
  done
  printf '%s\n' "$line"
}

run_millrace() {
  verb=${1:-}
  conf= dryrun=
  case $verb in
    agent | node | check)
      shift
      left=$#
      while [ "$left" -gt 0 ]; do
        word=$1
        shift
        left=$((left - 1))
        case $word in
          -d | --dryrun) dryrun=1 && continue ;;
          -c | --conf)
            [ "$left" -gt 0 ] || { printf 'Error: option %s needs a directory\n' "$word" >&2; exit 1; }
            conf=$1
            ;;
        esac
        set -- "$@" "$word"
      done
      # Written for bash by many people, and a fault in it would end another shell.
      if [ -f "$conf/flume-env.sh" ] && [ -z "${BASH_VERSION:-}" ] && command -v bash >/dev/null; then
        exec bash "$0" "$verb" ${dryrun:+-d} "$@"
      fi
      read_environment_file
      set -f
      [ -z "$FLUME_CLASSPATH" ] || [ "$verb" = check ] || set -- --classpath "$FLUME_CLASSPATH" "$@"
      # shellcheck disable=SC2086 # words are meant
      set -- "$verb" ${JAVA_OPTS:-} ${FLUME_JAVA_OPTS:-} "$@"
      set +f
      ;;
  esac
  [ "$program" = millrace ] || set -- "--program=$program" "$@"
  find_node
  find_main
  # shellcheck disable=SC2086 # words are meant
  if [ -n "$dryrun" ]; then
    print_command "$node" $node_flags "$main" "$@"
  else
    exec "$node" $node_flags "$main" "$@"
  fi
}
