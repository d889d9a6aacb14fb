#!/bin/sh
# Gives the Job its sheet, and the sheet's hash as its name: one sheet, one Job, one run directory.
#
#   name-job.sh SHEET        copies the sheet to sheet/ and writes sheet/name/suffix.yaml
#   name-job.sh DIRECTORY    copies 0.xlsx and 0.toml, 1.xlsx and 1.toml, … to workspaces/, and writes workspaces/name/suffix.yaml
#
# The hash is the beginning of what summary.json calls sheet_sha256 (of several sheets: of the list of theirs).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

refuse() {
    echo "name-job.sh: $*" >&2
    exit 2
}

hash_of() { # of standard input
    if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-12
}

name() { # the component, the hash
    cat >"$here/$1/name/suffix.yaml" <<END
# Written by name-job.sh.
apiVersion: builtin
kind: SuffixTransformer
metadata:
  name: hash
suffix: -$2
fieldSpecs:
- kind: Job
  path: metadata/name
- kind: ConfigMap
  path: metadata/name
- kind: PersistentVolumeClaim
  path: metadata/name
- kind: Pod
  path: spec/volumes/persistentVolumeClaim/claimName
END
    echo "The Job is named bulkjob-run-$2."
}

one_sheet() {
    cp -- "$1" "$here/sheet/sheet"
    name sheet "$(hash_of <"$1")"
}

workspaces() {
    [ "$(CDPATH='' cd -- "$1" && pwd)" != "$here/workspaces" ] || refuse "keep the sheets in a directory of their own; $1 is replaced."
    count=0
    while [ -f "$1/$count.xlsx" ] && [ -f "$1/$count.toml" ]; do count=$((count + 1)); done
    [ "$count" -gt 0 ] || refuse "$1 holds no 0.xlsx with its 0.toml."
    for file in "$1"/*.xlsx "$1"/*.toml; do
        number=${file##*/}
        number=${number%.*}
        case $number in *[!0-9]*) refuse "$file is not named by a number." ;; esac
        [ "$number" -lt "$count" ] || refuse "$file: there is no $count.xlsx with its $count.toml, and every number before the last must be there."
    done
    rm -f "$here"/workspaces/*.xlsx "$here"/workspaces/*.toml
    sheets='' settings='' hashes='' number=0
    while [ "$number" -lt "$count" ]; do
        cp -- "$1/$number.xlsx" "$1/$number.toml" "$here/workspaces/"
        sheets="$sheets $number.xlsx," settings="$settings $number.toml,"
        hashes="$hashes $(hash_of <"$1/$number.xlsx")"
        number=$((number + 1))
    done
    cat >"$here/workspaces/kustomization.yaml" <<END
# Written by name-job.sh: one sheet and one file of settings for each workspace, and as many completions.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
configMapGenerator:
- name: bulkjob-sheets
  files: [${sheets# }]
  options:
    disableNameSuffixHash: true
    immutable: true
- name: bulkjob-workspaces
  files: [${settings# }]
  options:
    disableNameSuffixHash: true
patches:
- target:
    kind: Job
  patch: |
    - op: add
      path: /spec/completions
      value: $count
END
    name workspaces "$(echo "$hashes" | hash_of)"
}

[ $# -eq 1 ] || refuse "name one sheet, or one directory with the sheets and settings of several workspaces."
if [ -d "$1" ]; then workspaces "$1"; elif [ -f "$1" ]; then one_sheet "$1"; else refuse "there is no $1."; fi
