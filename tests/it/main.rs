//! The program over real sockets: proxy and origins in one process, no fixed ports, a clock that is turned by hand.

mod faulty_origin;
mod freshness;
mod revalidation;
mod smoke;
mod streaming;
mod support;
