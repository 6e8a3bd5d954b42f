//! Shared pieces of the cross-module tests.
