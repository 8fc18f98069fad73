//! The sample origin.
