#!/usr/bin/env bash
# Builds the image where no registry of images can be reached: its two bases are made from Debian's
# packages, its wheels are fetched by pip here. Needs root, and Debian's buildah and mmdebstrap.
#   deploy/image/build.sh PYTHON NAME      PYTHON: an interpreter with pip
set -euo pipefail
cd "$(dirname "$0")/../.."
python=$1 name=$2
suite=trixie # with Python 3.13, as the image that the Dockerfile names
bases=build/image-bases
wheels=$PWD/build/image-wheels
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

# A base is made once: it changes with Debian, not with the broker. `make clean` removes it.
base() { # KIND PACKAGES
  local archive="$bases/$1.tar" container
  if [ ! -s "$archive" ]; then
    echo "Making the base '$1' from Debian's packages"
    mmdebstrap --quiet --format=tar --mode=root --variant=essential --include="$2" "$suite" "$archive.part"
    mv "$archive.part" "$archive"
  fi
  container=$(buildah from scratch)
  # shellcheck disable=SC2064 # the container of now
  trap "buildah rm $container > /dev/null" EXIT
  buildah add --quiet "$container" "$archive" / > /dev/null
  buildah commit --quiet --rm "$container" "localhost/broker-base-$1" > /dev/null
  trap - EXIT
}

mkdir -p "$bases" "$wheels"
echo "Fetching wheels"
fetch() {
  "$python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
    --only-binary=:all: --python-version 3.13 --dest "$wheels" -r "$1"
}
fetch requirements/runtime.txt
fetch requirements/build.txt
base build python3,python3-venv
base run python3,ca-certificates,libstdc++6
echo "Building $name"
buildah build --quiet --layers=false --volume "$wheels:/mnt:ro" \
  --build-arg BUILD_BASE=localhost/broker-base-build --build-arg BASE=localhost/broker-base-run \
  --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/mnt --tag "$name" .
