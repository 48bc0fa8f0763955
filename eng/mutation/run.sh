#!/usr/bin/env bash
# Mutates src/Core/Storage, src/Core/Security and src/Functions/Http, and runs the tests over tables in memory.
# docs/contributing.md has the scores.
#
#   eng/mutation/run.sh [storage|security|http [more options of dotnet stryker]]
set -euo pipefail
cd "$(dirname "$0")"

if [ $# = 0 ]; then
    for folder in storage security http; do
        "./$(basename "$0")" "$folder"
    done
    exit
fi

folder=$1
shift
case $folder in
    storage) project=Core.csproj files='**/Storage/**/*.cs' ;;
    security) project=Core.csproj files='**/Security/*.cs' ;;
    http) project=Functions.csproj files='**/Http/*.cs' ;;
    *) echo "There is no folder $folder." >&2; exit 2 ;;
esac

# A hundred thousand generated requests for each mutant would take too long. No build needs to probe the package feed or to
# analyze code.
export GENERATED_REQUESTS=1000 FunctionsWorker=${FunctionsWorker:-standin} RunAnalyzers=false EnforceCodeStyleInBuild=false
dotnet tool restore
dotnet build --nologo -v q Mutation.csproj
dotnet stryker --project "$project" --mutate "$files" --output "../../artifacts/mutation/$folder" "$@"
