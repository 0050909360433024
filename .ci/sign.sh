#!/usr/bin/env bash
# Signs a file of checksums: sign.sh FILE writes FILE.sig. RELEASE_SIGNING_KEY names the file of an SSH key. Where it is not set, a
# key is made for this run, so that the step is tried at each change; a release (CI_COMMIT_TAG) is refused without it.
set -euo pipefail
file=$1
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
key=$work/key
if [ -n "${RELEASE_SIGNING_KEY:-}" ]; then
  # A file variable of GitLab may be readable for others, which ssh-keygen refuses.
  install -m 600 "$RELEASE_SIGNING_KEY" "$key"
elif [ -n "${CI_COMMIT_TAG:-}" ]; then
  echo 'RELEASE_SIGNING_KEY is not set, and a release has to be signed' >&2
  exit 1
else
  ssh-keygen -q -t ed25519 -N '' -C 'a dry run' -f "$key"
fi
rm -f "$file.sig"
ssh-keygen -q -Y sign -f "$key" -n tagflow-release "$file"
printf 'release %s\n' "$(ssh-keygen -y -f "$key")" >"$work/signers"
ssh-keygen -q -Y verify -f "$work/signers" -I release -n tagflow-release -s "$file.sig" <"$file"
