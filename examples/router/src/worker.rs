//! Threads that serve, each with an event loop of its own: a request stays on one thread from its client to its
//! endpoint. What they share is read, or counted; nothing that a request needs is behind a lock that another worker
//! holds for long.

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};

use crate::server::Connection;

/// After how many steps of tasks a busy worker looks for events of sockets and timers; a request takes about five.
const EVENT_INTERVAL: u32 = 200;

/// Which worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorkerId(usize);

/// One of something for each worker.
pub(crate) struct PerWorker<T>(Box<[T]>);

impl<T: Default> PerWorker<T> {
    pub(crate) fn new(workers: NonZeroUsize) -> Self {
        Self((0..workers.get()).map(|_| T::default()).collect())
    }
}

impl<T> PerWorker<T> {
    pub(crate) fn of(&self, worker: WorkerId) -> &T {
        #[expect(
            clippy::indexing_slicing,
            reason = "there is at least one, and the remainder is below their number"
        )]
        &self.0[worker.0 % self.0.len()]
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// All workers. With this they end, and what they serve is cut.
pub(crate) struct Workers {
    all: Box<[Worker]>,
}

struct Worker {
    connections: mpsc::UnboundedSender<Connection>,
    /// Connections that it has.
    busy: Arc<AtomicUsize>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    pub(crate) fn start(count: NonZeroUsize) -> io::Result<Self> {
        let all = (0..count.get()).map(|id| Worker::start(WorkerId(id)));
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
        })
    }

    /// Gives a connection to the one with the fewest.
    pub(crate) fn take(&self, connection: Connection) {
        let busy = |worker: &&Worker| worker.busy.load(Ordering::Relaxed);
        if let Some(worker) = self.all.iter().min_by_key(busy) {
            worker.busy.fetch_add(1, Ordering::Relaxed);
            // One that is gone was told to end.
            let _ = worker.connections.send(connection);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.all {
            drop(worker.end.take());
        }
        for worker in &mut self.all {
            // A thread that panicked has ended as well.
            let _ = worker.thread.take().map(JoinHandle::join);
        }
    }
}

impl Worker {
    fn start(id: WorkerId) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .event_interval(EVENT_INTERVAL)
            .build()?;
        // Bounded by the places of connections.
        let (connections, mut queue) = mpsc::unbounded_channel::<Connection>();
        let (end, ended) = oneshot::channel();
        let busy = Arc::<AtomicUsize>::default();
        let serving = Arc::clone(&busy);
        let serve = async move {
            while let Some(connection) = queue.recv().await {
                let serving = Serving(Arc::clone(&serving));
                tokio::spawn(async move {
                    connection.serve(id).await;
                    drop(serving);
                });
            }
        };
        let thread = std::thread::Builder::new().name(format!("worker {}", id.0));
        let thread = thread.spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = ended => {}
                    () = serve => {}
                }
            });
            // Tasks are dropped here; what blocks elsewhere is left behind.
            runtime.shutdown_background();
        })?;
        Ok(Self {
            connections,
            busy,
            end: Some(end),
            thread: Some(thread),
        })
    }
}

/// Counts among a worker's connections, however it ends.
struct Serving(Arc<AtomicUsize>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
