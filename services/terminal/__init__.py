"""A program's terminal, offered on a Unix socket; docs/terminal.md describes what goes over it."""
