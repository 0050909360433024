#!/bin/sh
# A promotion as pipelines usually do it: clone everything, merge, edit, commit, push.
# usual.sh URL FOLDER OLD_DIGEST NEW_DIGEST
set -e
git clone -q -b stg "$1" "$2"
cd "$2"
git merge -q --no-ff -m 'promote stg' origin/dev
sed -i "s|$3|$4|; s|newTag: V4.0|newTag: V4.2|" environments/stg/kustomization.yaml
git commit -q -a -m 'promote stg: pins'
git push -q origin stg
