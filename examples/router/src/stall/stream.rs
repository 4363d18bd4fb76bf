//! HTTP/2 streams whose other end must go on giving room. A connection may be as lively as can be while one stream
//! of it has no window: hyper then keeps the frame that it got last and asks the body for no other, so that nothing
//! about the body can end it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep};

use super::stands_still;

/// Where hyper runs the streams of a connection, each a task. One whose body gave a frame, and is not asked for the
/// next in time, is dropped: that resets the stream.
#[derive(Clone)]
pub(crate) struct Streams {
    limit: Duration,
    count: Arc<Count>,
}

#[derive(Default)]
struct Count {
    begun: AtomicU64,
    running: AtomicU64,
}

impl Streams {
    pub(crate) fn new(limit: Duration) -> Self {
        let count = Arc::default();
        Self { limit, count }
    }

    /// Returns once the connection has had no stream for as long as one may stand still.
    pub(crate) fn unused(&self) -> impl Future<Output = ()> + use<> {
        let (limit, count) = (self.limit, Arc::clone(&self.count));
        stands_still(limit, move || {
            let begun = count.begun.load(Ordering::Relaxed);
            (count.running.load(Ordering::Relaxed) == 0).then_some(begun)
        })
    }
}

/// Counts among the streams that run, however it ends.
struct Running(Arc<Count>);

impl Running {
    fn of(count: &Arc<Count>) -> Self {
        count.begun.fetch_add(1, Ordering::Relaxed);
        count.running.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many frames the bodies that a task polls have given, and whether the last is still to be sent.
#[derive(Clone, Copy, Default)]
struct Turn {
    frames: u64,
    unsent: bool,
}

thread_local! {
    /// Of the task that runs.
    static TURN: Cell<Turn> = const { Cell::new(Turn { frames: 0, unsent: false }) };
}

/// A body is asked for a frame: whatever it gave before is sent.
pub(crate) fn asked() {
    let turn = TURN.get();
    TURN.set(Turn {
        unsent: false,
        ..turn
    });
}

/// A body gives a frame.
pub(crate) fn given() {
    let frames = TURN.get().frames.wrapping_add(1);
    TURN.set(Turn {
        frames,
        unsent: true,
    });
}

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut clock = Clock::new(self.limit);
        let running = Running::of(&self.count);
        tokio::spawn(async move {
            let _running = running;
            let mut stream = pin!(stream);
            poll_fn(|context| {
                TURN.set(clock.turn);
                match stream.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => clock.poll(TURN.get(), context),
                }
            })
            .await;
        });
    }
}

/// How long it has been the same side's turn.
struct Clock {
    limit: Duration,
    turn: Turn,
    /// Runs while a frame is unsent.
    running: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    fn new(limit: Duration) -> Self {
        Self {
            limit,
            turn: Turn::default(),
            running: None,
        }
    }

    /// Ready once a frame has been unsent for too long.
    fn poll(&mut self, turn: Turn, context: &mut Context<'_>) -> Poll<()> {
        let before = std::mem::replace(&mut self.turn, turn);
        if !turn.unsent {
            self.running = None;
            return Poll::Pending;
        }
        let end = Instant::now() + self.limit;
        let running = self
            .running
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
        if before.frames != turn.frames {
            running.as_mut().reset(end);
        }
        running.as_mut().poll(context)
    }
}
