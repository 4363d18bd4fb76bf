//! The public API of narae-secrets, from outside.
