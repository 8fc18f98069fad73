//! The distrustful back: what an origin may do to the proxy, and how much of that reaches others. `cases` named in the
//! tests are kinds of faults; each is played by an origin of raw bytes.

mod deadlines;
mod overload;
mod panics;
mod retry;
mod slow_client;
mod wire;
