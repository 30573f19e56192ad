"""Entry point of ``python -m hook``."""

from __future__ import annotations

from hook.cli import main

if __name__ == "__main__":
    main()
