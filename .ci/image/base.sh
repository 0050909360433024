#!/usr/bin/env bash
# Makes the root file system of the image from what a Debian machine has: `base.sh DIR TAGFLOW`. It holds Git, its transports
# over https and ssh, the certificates, and the libraries they name; no shell, no package manager, no interpreter.
# DIR-shell gets what the variant `debug` adds: a shell and its tools.
set -euo pipefail
root=$1
shell=$1-shell
core=$(git --exec-path)
rm -rf "$root" "$shell"
umask 022
mkdir -p "$root"/{etc/ssl/certs,home/tagflow,tmp,usr/bin,usr/lib/git-core,usr/local/bin,work} "$shell/bin"

# Copies a program and every library that it names, each to the place where the loader looks for it.
program() {
  local from to=$2
  from=$(readlink -f "$1")
  install -D -m 0755 "$from" "$root$to"
  { ldd "$from" 2>/dev/null || true; } | grep -oE '/[^ ]+\.so[^ ]*' | sort -u | while read -r library; do
    [ -e "$root$library" ] || install -D -m 0755 "$(readlink -f "$library")" "$root$library"
  done
}

program "$(command -v git)" /usr/bin/git
program "$core/git-remote-http" /usr/lib/git-core/git-remote-http
ln -s git-remote-http "$root/usr/lib/git-core/git-remote-https"
for name in git-upload-pack git-receive-pack; do ln -s git "$root/usr/bin/$name"; done
ln -s ../../bin/git "$root/usr/lib/git-core/git"
program "$(command -v ssh)" /usr/bin/ssh
# The libraries of tagflow alone: the Dockerfile copies the executable, on every base.
program "$2" /usr/local/bin/tagflow && rm "$root/usr/local/bin/tagflow"

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf 'root:x:0:0:root:/root:/sbin/nologin\ntagflow:x:65532:65532:tagflow:/home/tagflow:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\ntagflow:x:65532:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
chmod 1777 "$root/tmp"
chmod 0777 "$root/work" "$root/home/tagflow"

busybox=$(command -v busybox)
install -m 0755 "$busybox" "$shell/bin/busybox"
for name in sh ls cat cp mkdir mktemp rm mv chmod grep sed test printf env sleep id tr head date true false '['; do
  ln -sf busybox "$shell/bin/$name"
done
mkdir -p "$shell/usr/bin"
ln -s ../../bin/busybox "$shell/usr/bin/env"
