//! What reached this instance: counts, and the latest requests if somebody wants to know. This is how a test of a proxy
//! sees what its origin saw.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Method, Request};

use super::world::lock;

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its method.
    pub method: Method,
    /// Its target as it stood in the request line, byte for byte.
    pub target: String,
    /// Its fields, in the order of arrival as far as fields of one name are concerned.
    pub fields: HeaderMap,
}

/// The counts and the log of one instance.
#[derive(Debug)]
pub(super) struct Monitor {
    arrived: AtomicU64,
    answered: AtomicU64,
    record: usize,
    log: Mutex<VecDeque<Recorded>>,
}

impl Monitor {
    /// Keeps the latest `record` requests; none for 0.
    pub(super) fn new(record: usize) -> Self {
        Self { arrived: AtomicU64::new(0), answered: AtomicU64::new(0), record, log: Mutex::default() }
    }

    /// Notes a request, before anything is done about it.
    pub(super) fn note<B>(&self, request: &Request<B>) {
        if self.record > 0 {
            let method = request.method().clone();
            let target = request.uri().to_string();
            let mut log = lock(&self.log);
            if log.len() >= self.record {
                log.pop_front();
            }
            log.push_back(Recorded { method, target, fields: request.headers().clone() });
        }
        self.arrived.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts an answer, and says how many that makes.
    pub(super) fn answer(&self) -> u64 {
        self.answered.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::SeqCst)
    }

    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    pub(super) fn recorded(&self) -> Vec<Recorded> {
        lock(&self.log).iter().cloned().collect()
    }

    /// Forgets the log; the counts go on.
    pub(super) fn forget(&self) {
        lock(&self.log).clear();
    }
}
