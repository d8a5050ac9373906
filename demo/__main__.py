"""`python -m demo`: serve the demo's sites by hand."""

from demo.server import main

raise SystemExit(main())
