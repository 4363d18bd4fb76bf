//! Limits of time that hardly anybody reaches, for little: all that waits on a thread stands in one queue, and one timer
//! of tokio's runs for whoever is first in it. With a timer each, every request would enter tokio's wheel twice and be
//! taken out again.
//!
//! A deadline belongs to the thread that first polls it, as do the tasks of a worker.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
    /// Up to when everybody has been woken.
    static REACHED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Who waits on this thread.
#[derive(Default)]
struct Queue {
    waiting: BTreeMap<Place, Waker>,
    entered: u64,
    keeper: Option<Keeper>,
}

/// When somebody is woken, and a number that nobody else has.
type Place = (Instant, u64);

/// The task that wakes them.
#[derive(Default)]
struct Keeper {
    /// When it looks next, if it knows.
    looks: Option<Instant>,
    /// Wakes it earlier.
    waker: Option<Waker>,
}

/// Ready from a moment on, to the millisecond.
pub(crate) struct Deadline {
    at: Instant,
    entered: Option<(Place, Waker)>,
}

impl Deadline {
    pub(crate) fn new(at: Instant) -> Self {
        Self { at, entered: None }
    }

    fn leave(&mut self) {
        let place = self.entered.take();
        // The waker goes when the queue is free again: with it a whole task may go.
        let _waker = place
            .and_then(|(place, _)| QUEUE.with_borrow_mut(|queue| queue.waiting.remove(&place)));
    }
}

impl Future for Deadline {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if REACHED.get().is_some_and(|reached| self.at <= reached) {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !matches!(&self.entered, Some((_, own)) if own.will_wake(waker)) {
            self.leave();
            let place = enter(self.at, waker.clone());
            self.entered = Some((place, waker.clone()));
        }
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What comes of a future until then; `None` if it has come to nothing.
pub(crate) async fn until<F: Future>(at: Instant, future: F) -> Option<F::Output> {
    let (mut future, mut deadline) = (pin!(future), Deadline::new(at));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Pin::new(&mut deadline).poll(context).map(|()| None),
    })
    .await
}

/// hyper's timer.
pub(crate) struct Timer;

impl hyper::rt::Sleep for Deadline {}

impl hyper::rt::Timer for Timer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Deadline::new(Instant::now() + duration))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        Box::pin(Deadline::new(Instant::from_std(deadline)))
    }
}

/// Puts somebody in the queue, and sees to it that it is kept.
fn enter(at: Instant, waker: Waker) -> Place {
    let (place, first, wake) = QUEUE.with_borrow_mut(|queue| {
        queue.entered += 1;
        let place = (at, queue.entered);
        queue.waiting.insert(place, waker);
        let (first, keeper) = (queue.keeper.is_none(), queue.keeper.get_or_insert_default());
        let late = keeper.looks.is_none_or(|looks| at < looks);
        (place, first, keeper.waker.take_if(|_| late))
    });
    if first {
        tokio::spawn(keep(Kept));
    }
    if let Some(keeper) = wake {
        keeper.wake();
    }
    place
}

/// Wakes everybody whose time has come, as long as the thread's event loop runs.
async fn keep(_kept: Kept) {
    let mut sleep = pin!(sleep_until(Instant::now()));
    poll_fn(|context| {
        while let Some(next) = QUEUE.with_borrow_mut(|queue| queue.next(context.waker())) {
            if sleep.deadline() != next {
                sleep.as_mut().reset(next);
            }
            ready!(sleep.as_mut().poll(context));
            let now = Instant::now();
            REACHED.set(Some(now));
            for waker in QUEUE.with_borrow_mut(|queue| queue.due(now)) {
                waker.wake();
            }
        }
        Poll::Pending::<()>
    })
    .await;
}

impl Queue {
    /// When somebody is to be woken; an earlier one that comes later wakes the keeper.
    fn next(&mut self, keeper: &Waker) -> Option<Instant> {
        let next = self.waiting.first_key_value().map(|((at, _), _)| *at);
        self.keeper = Some(Keeper {
            looks: next,
            waker: Some(keeper.clone()),
        });
        next
    }

    fn due(&mut self, now: Instant) -> Vec<Waker> {
        let later = self.waiting.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.waiting, later);
        due.into_values().collect()
    }
}

/// With it nobody keeps the queue any more: the event loop has ended.
struct Kept;

impl Drop for Kept {
    fn drop(&mut self) {
        let _waker = QUEUE.with_borrow_mut(|queue| queue.keeper.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting() -> usize {
        QUEUE.with_borrow(|queue| queue.waiting.len())
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn each_comes_in_its_time_whoever_entered_first() {
        let begun = Instant::now();
        let mut ended = Vec::new();
        let (late, early, middle) = (
            Deadline::new(begun + 90 * MILLISECOND),
            Deadline::new(begun + 30 * MILLISECOND),
            Deadline::new(begun + 60 * MILLISECOND),
        );
        let mut all = [
            (3, Box::pin(late)),
            (1, Box::pin(early)),
            (2, Box::pin(middle)),
        ];
        poll_fn(|context| {
            for (name, deadline) in &mut all {
                if !ended.contains(name) && deadline.as_mut().poll(context).is_ready() {
                    assert!(begun.elapsed() >= *name * 30 * MILLISECOND);
                    ended.push(*name);
                }
            }
            if ended.len() == 3 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        assert_eq!(waiting(), 0);
    }

    #[tokio::test]
    async fn what_ends_before_leaves_nothing_behind() {
        let end = Instant::now() + 20 * MILLISECOND;
        for _ in 0..100 {
            let far = end + Duration::from_secs(60);
            assert_eq!(until(far, tokio::task::yield_now()).await, Some(()));
        }
        assert_eq!(waiting(), 0);
        assert_eq!(until(end, std::future::pending::<()>()).await, None);
        assert!(Instant::now() >= end);
        assert_eq!(waiting(), 0);
    }

    #[tokio::test]
    async fn one_that_is_over_already_is_ready() {
        Deadline::new(Instant::now()).await;
    }

    #[tokio::test]
    async fn it_wakes_the_task_that_polled_it_last() {
        let mut deadline = Deadline::new(Instant::now() + 20 * MILLISECOND);
        let polled = Pin::new(&mut deadline).poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        deadline.await;
        assert_eq!(waiting(), 0);
    }
}
