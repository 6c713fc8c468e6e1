#!/bin/sh
# Fetch GitHub's published payload examples for the integration tests, once, into a folder that git
# ignores. They are a package of npm's registry; its hash is fixed here. Without npm: says so, fails.
set -eu
package=@octokit/webhooks-examples
version=7.6.1
sha512=De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==
folder=$(cd "$(dirname "$0")/.." && pwd)/.cache/octokit

[ -f "$folder/$version" ] && exit 0
if ! command -v npm >/dev/null 2>&1; then
    echo "GitHub's payload examples are not here: npm is not installed, so their tests are skipped." >&2
    exit 1
fi
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
npm pack --silent "$package@$version" >/dev/null
archive=$(ls ./*.tgz)
hash='import base64, hashlib, sys; print(base64.b64encode(hashlib.sha512(open(sys.argv[1], "rb").read()).digest()).decode())'
if [ "$(python3 -c "$hash" "$archive")" != "$sha512" ]; then
    echo "$package $version is not the file that this project knows; nothing was unpacked." >&2
    exit 1
fi
tar -xzf "$archive"
rm "$archive"
touch "$version"
