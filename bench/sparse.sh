#!/bin/sh
# A promotion by somebody who clones as little as Git allows, and edits with sed: nothing is checked, tagged or recorded.
# sparse.sh URL FOLDER OLD_DIGEST NEW_DIGEST
set -e
git clone -q --depth=1 --filter=blob:none --sparse --no-tags -b stg "$1" "$2"
cd "$2"
git sparse-checkout set environments/stg
sed -i "s|$3|$4|; s|newTag: V4.0|newTag: V4.2|" environments/stg/kustomization.yaml
git commit -q -a -m 'promote stg: pins'
git push -q origin stg
