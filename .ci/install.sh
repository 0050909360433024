# To be sourced by bash in the repository's root: what the full run needs beside Node and Git, on a Debian machine. Installs what
# is missing, puts it on PATH, and defines `retry`.

# Runs a command up to three times, each within a time limit: mirrors and registries have bad moments.
retry() {
  local limit=$1 attempt
  shift
  for attempt in 1 2 3; do
    if timeout "$limit" "$@"; then return 0; fi
    echo "attempt $attempt failed: $*" >&2
    sleep $((attempt * 5))
  done
  return 1
}

packages=()
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || packages+=("$2"); }
need git git
need docker-registry docker-registry
need skopeo skopeo
need umoci umoci
need htpasswd apache2-utils
need sshd openssh-server
need prometheus prometheus
# `kubectl kustomize` judges the overlays. Debian's kubectl is too old for it, so where there is none, kustomize itself is
# built from its Go module; the version is the newest that Debian's Go can build.
if ! command -v kubectl >/dev/null 2>&1; then need go golang-go; fi
# moto, an Amazon ECR that others made, runs in a Python environment of its own; Debian keeps the means for it apart.
if ! command -v moto_server >/dev/null 2>&1; then
  python3 -c 'import ensurepip' >/dev/null 2>&1 || packages+=(python3 python3-venv)
fi
if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
  export DEBIAN_FRONTEND=noninteractive
  retry 300 "${as_root[@]}" apt-get update -qq
  retry 600 "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"
fi

tools=${XDG_CACHE_HOME:-$HOME/.cache}/tagflow-ci
if ! command -v kubectl >/dev/null 2>&1; then
  mkdir -p "$tools"
  [ -x "$tools/kustomize" ] || GOBIN=$tools GOTOOLCHAIN=local retry 600 go install sigs.k8s.io/kustomize/kustomize/v5@v5.0.3
  printf '#!/bin/sh\n[ "$1" = kustomize ] || exit 64\nexec "%s/kustomize" build "$2"\n' "$tools" >"$tools/kubectl"
  chmod +x "$tools/kubectl"
  export PATH="$tools:$PATH"
fi

if ! command -v moto_server >/dev/null 2>&1; then
  # Behind everything else on PATH: the environment has a python3 of its own.
  export PATH="$PATH:$tools/moto/bin"
  if ! command -v moto_server >/dev/null 2>&1; then
    python3 -m venv --clear "$tools/moto"
    retry 600 "$tools/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[server]==5.2.1'
  fi
fi

# distribution 3, the successor of Docker's registry, where Go is new enough to build it; elsewhere its tests are skipped.
if ! command -v distribution >/dev/null 2>&1; then
  go=$(command -v go || echo /usr/local/go/bin/go)
  if [ ! -x "$tools/distribution" ] && "$go" version 2>/dev/null | grep -qE 'go1\.(2[3-9]|[3-9][0-9])'; then
    GOBIN=$tools/distribution-bin GOTOOLCHAIN=local timeout 420 \
      "$go" install github.com/distribution/distribution/v3/cmd/registry@v3.0.0 &&
      mv "$tools/distribution-bin/registry" "$tools/distribution" || echo 'distribution 3 could not be built' >&2
  fi
  export PATH="$PATH:$tools"
fi

# helm renders the values that were pinned, where Go is new enough to build it; elsewhere its tests are skipped.
if ! command -v helm >/dev/null 2>&1; then
  go=$(command -v go || echo /usr/local/go/bin/go)
  if [ ! -x "$tools/helm" ] && "$go" version 2>/dev/null | grep -qE 'go1\.(2[4-9]|[3-9][0-9])'; then
    GOBIN=$tools GOTOOLCHAIN=local retry 600 "$go" install -ldflags='-s -w' helm.sh/helm/v3/cmd/helm@v3.18.6 ||
      echo 'helm could not be built' >&2
  fi
  export PATH="$PATH:$tools"
fi

# gitlab-ci-local checks pipelines and components against GitLab's schema; actionlint workflows, where Go is new enough to build it.
if ! command -v gitlab-ci-local >/dev/null 2>&1; then
  export PATH="$PATH:$tools/npm/node_modules/.bin"
  command -v gitlab-ci-local >/dev/null 2>&1 ||
    retry 300 npm install --prefix "$tools/npm" --ignore-scripts --no-fund --no-audit --silent gitlab-ci-local@4.75.1
fi
if ! command -v actionlint >/dev/null 2>&1; then
  go=$(command -v go || echo /usr/local/go/bin/go)
  if [ ! -x "$tools/actionlint" ] && "$go" version 2>/dev/null | grep -qE 'go1\.(2[4-9]|[3-9][0-9])'; then
    GOBIN=$tools GOTOOLCHAIN=local retry 300 "$go" install github.com/rhysd/actionlint/cmd/actionlint@v1.7.9 ||
      echo 'actionlint could not be built' >&2
  fi
  export PATH="$PATH:$tools"
fi

# What Kubernetes and Tekton say of the files in docs/ci. A linter that cannot be had is skipped by its test.
export PATH="$PATH:$tools/kubernetes-validate/bin:$tools"
if ! command -v kubernetes-validate >/dev/null 2>&1; then
  python3 -m venv --clear "$tools/kubernetes-validate" &&
    retry 300 "$tools/kubernetes-validate/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0 ||
    echo 'kubernetes-validate could not be installed' >&2
fi
if ! command -v tekton-lint >/dev/null 2>&1; then
  go=$(command -v go || echo /usr/local/go/bin/go)
  if "$go" version 2>/dev/null | grep -qE 'go1\.(2[4-9]|[3-9][0-9])'; then
    (cd .ci/tekton-lint && GOTOOLCHAIN=local timeout 420 "$go" build -ldflags='-s -w' -o "$tools/tekton-lint" .) ||
      echo 'tekton-lint could not be built' >&2
  fi
fi

retry 600 npm ci --ignore-scripts --no-fund --no-audit
