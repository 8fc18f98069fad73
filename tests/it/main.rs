//! The program over real sockets: proxy and origins in one process, no fixed ports, a clock that is turned by hand.

mod levels;
mod smoke;
mod support;
