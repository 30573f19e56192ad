"""The files of a release: names, versions, checksums, configuration and callbacks."""
