//! HTTP/2 streams whose other end must go on giving room. A connection may be as lively as can be while one stream
//! of it has no window: hyper then keeps the frame that it got last and asks the body for no other, so that nothing
//! about the body can end it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep};

/// Where hyper runs the streams of a connection, each a task. One whose body gave a frame, and is not asked for the
/// next in time, is dropped: that resets the stream.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) limit: Duration,
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
        tokio::spawn(async move {
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
