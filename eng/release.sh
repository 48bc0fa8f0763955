#!/usr/bin/env bash
# Builds into artifacts/release: the package of the tool sessions, LocalHost for six platforms, and the zip of the function app.
#
#   eng/release.sh [platform ...]       for example: eng/release.sh linux-x64
set -euo pipefail
cd "$(dirname "$0")/.."

# The function app for Azure needs the real worker packages.
export FunctionsWorker=packages
if [ $# = 0 ]; then
    set -- win-x64 win-arm64 linux-x64 linux-arm64 osx-x64 osx-arm64
fi

version=$(dotnet msbuild src/Cli -getProperty:Version)
release="$PWD/artifacts/release"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$release"
mkdir -p "$release"

dotnet pack src/Cli --nologo --configuration Release --output "$release"

for platform in "$@"; do
    folder="sessions-localhost-$version-$platform"
    dotnet publish src/LocalHost --nologo --configuration Release --runtime "$platform" --self-contained true --output "$work/$folder"
    cp LICENSE "$work/$folder"
    case $platform in
        win-*) (cd "$work" && zip -qr "$release/$folder.zip" "$folder") ;;
        *) tar -C "$work" -czf "$release/$folder.tar.gz" "$folder" ;;
    esac
done

dotnet publish src/Functions --nologo --configuration Release --output "$work/functions"
# Includes the hidden folder .azurefunctions.
(cd "$work/functions" && zip -qr "$release/sessions-functions-$version.zip" .)

(cd "$release" && sha256sum -- * > SHA256SUMS)
ls -l "$release"
