#!/usr/bin/env bash
# Mutates src/Core/Storage and src/Core/Security (core), or src/Functions/Http (http), and runs the tests that are fast enough
# for each mutant. Works in a copy of the repository, because Stryker replaces the assemblies that it tests.
# docs/contributing.md has the scores and the mutants that survive.
#
#   build/mutation/run.sh core|http|units [more options of dotnet stryker]
#
# units mutates the files of the membership protocol and runs only the tests that need no server: the fastest.
set -euo pipefail
cd "$(dirname "$0")/../.."

mode=${1:?core, http or units}
config="$PWD/build/mutation/$mode.json"
shift
work=$(mktemp -d)
git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- | tar --extract --directory "$work"
cd "$work"

# The tests run on tables in memory, without Azurite, and those that need more than that are skipped or left out.
git init --quiet
git apply build/mutation/in-memory.patch
while read -r suite; do rm "tests/$suite"; done < build/mutation/left-out.txt
if [ "$mode" = units ]; then
    rm tests/Api/*Tests.cs tests/Storage/{CredentialStore,StoredRow}Tests.cs
fi

# No build needs to probe the package feed, to analyze code or to mind its warnings.
export FunctionsWorker=${FunctionsWorker:-standin} RunAnalyzers=false
sed -i 's#<TreatWarningsAsErrors>true<#<TreatWarningsAsErrors>false<#' Directory.Build.props
dotnet tool restore
dotnet build --nologo tests/Tests.csproj
cd tests
dotnet stryker --config-file "$config" --output "$work/report" "$@"
echo "The report is in $work/report."
