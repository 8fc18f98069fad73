//! The sweep after a purge: it gives back the memory of what nobody asks for any more. Look-ups need it for nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{decision::Stored, store::Store};

const IDLE: u8 = 0;
const SWEEPING: u8 = 1;
/// Something was purged since the sweep began.
const AGAIN: u8 = 2;

/// The time between two sweeps: who purges without end must not have a processor swept away from the requests.
const PAUSE: Duration = Duration::from_millis(50);

/// Sweeps, one at a time.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    state: Arc<AtomicU8>,
}

impl Sweeper {
    /// Sweeps the store for what was purged before now: in a thread of its own, which the end of the process does not wait
    /// for.
    pub(super) fn sweep(&self, store: &Arc<dyn Store<Stored>>) {
        if self.state.swap(AGAIN, Ordering::SeqCst) != IDLE {
            // Who sweeps will see it.
            return;
        }
        let turn = Turn { state: Arc::clone(&self.state), store: Arc::clone(store) };
        if let Err(error) = thread::Builder::new().name("sweep".to_owned()).spawn(move || turn.take()) {
            tracing::warn!(%error, "no thread to sweep: what was purged takes memory until it is asked for or evicted");
        }
    }
}

/// The turn of a thread. It ends however the thread ends, also where it never began.
struct Turn {
    state: Arc<AtomicU8>,
    store: Arc<dyn Store<Stored>>,
}

impl Turn {
    fn take(mut self) {
        loop {
            self.state.store(SWEEPING, Ordering::SeqCst);
            self.store.sweep();
            let done = self.state.compare_exchange(SWEEPING, IDLE, Ordering::SeqCst, Ordering::SeqCst);
            if done.is_ok() {
                // The next turn may be another's already.
                self.state = Arc::default();
                return;
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.state.store(IDLE, Ordering::SeqCst);
    }
}
