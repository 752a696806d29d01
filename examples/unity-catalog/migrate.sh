#!/bin/sh
# Moves a workspace model registry to Unity Catalog, in steps that can each be repeated:
#
#   migrate.sh look      what is there, what would become of it, and what does not fit; writes nothing
#   migrate.sh keep      a backup of the whole registry in one file, with comments, permissions and webhooks
#   migrate.sh move      the migration; the same again goes on where it was cut off, and at its end does nothing
#   migrate.sh prove     both sides are read again and compared, and a table of old and new URIs is written for whoever loads models
#
# SOURCE and TARGET are profiles of ~/.databrickscfg; they may be one workspace: then runs stay where they are. mlferry must be on the PATH.
set -eu

SOURCE=${SOURCE:-databricks://old}
TARGET=${TARGET:-databricks-uc://new}
MAP=${MAP:-$(dirname "$0")/map.yaml}

case ${1:-} in
look)
  mlferry doctor "$SOURCE" "$TARGET"
  # Exit code 3: something would not fit. `move` goes without it, and names it once more.
  mlferry plan "$SOURCE" "$TARGET" --map "$MAP" || [ $? -eq 3 ]
  ;;
keep)
  mlferry export "$SOURCE" -o registry.tar --include-deleted
  mlferry verify registry.tar
  ;;
move)
  mlferry copy "$SOURCE" "$TARGET" --map "$MAP" --on-loss drop
  ;;
prove)
  mlferry verify "$SOURCE" "$TARGET" --level bytes
  mlferry report --uris csv >uris.csv
  ;;
*)
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
