#!/bin/sh
# A promotion with nothing but the Git commands that it needs: what tagflow cannot be quicker than, as it runs Git too.
# bare.sh URL FOLDER OLD_DIGEST NEW_DIGEST
set -e
mkdir -p "$2/objects" "$2/refs"
cd "$2"
echo 'ref: refs/heads/none' >HEAD
printf '[core]\n\tbare = true\n\trepositoryformatversion = 0\n[remote "origin"]\n\turl = %s\n' "$1" >config
lazy='-c remote.origin.promisor=true -c remote.origin.partialclonefilter=blob:none'

git ls-remote --symref origin HEAD 'refs/heads/*' >heads
id() { sed -n "s|\trefs/heads/$1\$||p" heads; }
main=$(id main) dev=$(id dev) stg=$(id stg)
git $lazy fetch -q --depth=1 --filter=blob:none --no-tags --no-write-fetch-head \
  origin "$main:refs/b/main" "$dev:refs/b/dev" "$stg:refs/b/stg"

# The configuration, the records and the manifests, all in one request.
{
  git ls-tree "$main" tagflow.yaml
  git ls-tree -r "$dev" environments/dev environments/stg environments/base
  git ls-tree -r "$stg" environments/stg environments/base .tagflow/releases
} | sed 's|.* blob \([0-9a-f]*\).*|\1|' | sort -u >blobs
git $lazy -c fetch.negotiationAlgorithm=noop fetch -q --no-tags --no-write-fetch-head --stdin origin <blobs
git cat-file --batch <blobs >contents

replace() { sed "s|[0-9a-f]*\t$1\$|$2\t$1|"; }
file=$(git cat-file blob "$dev:environments/stg/kustomization.yaml" |
  sed "s|$3|$4|; s|newTag: V4.0|newTag: V4.2|" | git hash-object -w --stdin)
record=$(git cat-file blob "$stg:.tagflow/releases/stg.yaml" |
  sed 's|^sequence: 1|sequence: 2|' | git hash-object -w --stdin)
tree=$(git ls-tree "$dev:environments/stg" | replace kustomization.yaml "$file" | git mktree --missing)
tree=$(git ls-tree "$dev:environments" | replace stg "$tree" | git mktree --missing)
records=$(git ls-tree "$stg:.tagflow/releases" | replace stg.yaml "$record" | git mktree --missing)
records=$(git ls-tree "$stg:.tagflow" | replace releases "$records" | git mktree --missing)
tree=$(git ls-tree "$dev" | replace environments "$tree" | replace .tagflow "$records" | git mktree --missing)
commit=$(git commit-tree "$tree" -p "$stg" -p "$dev" -m 'promote stg')
git push -q --no-verify "--force-with-lease=refs/heads/stg:$stg" origin "$commit:refs/heads/stg"
git ls-remote --heads origin refs/heads/stg >after
