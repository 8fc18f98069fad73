//! What an operator sees of a running proxy: metrics, the access log, decisions as they happen.

mod access_log;
mod events;
mod metrics;
