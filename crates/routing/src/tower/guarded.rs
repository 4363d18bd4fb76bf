//! A call that somebody watches: refused at once, or run to its end and reported.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Error, Refusal};

/// What is held while a call runs. Dropped without [`Guard::end`], the call never happened.
pub trait Guard<T, E> {
    /// The call ended.
    fn end(self, result: &Result<T, E>);
}

pin_project! {
    /// The future of a call that is refused or watched.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<F, G> {
        #[pin]
        inner: Option<F>,
        guard: Option<G>,
        refused: Option<Refusal>,
    }
}

impl<F, G> Guarded<F, G> {
    pub(super) fn refused(refusal: impl Into<Refusal>) -> Self {
        Self {
            inner: None,
            guard: None,
            refused: Some(refusal.into()),
        }
    }

    pub(super) fn running(inner: F, guard: G) -> Self {
        Self {
            inner: Some(inner),
            guard: Some(guard),
            refused: None,
        }
    }
}

impl<F, G, T, E> Future for Guarded<F, G>
where
    F: Future<Output = Result<T, E>>,
    G: Guard<T, E>,
{
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(refusal) = this.refused.take() {
            return Poll::Ready(Err(Error::Refused(refusal)));
        }
        // Polled again after its end, it has nothing more to say.
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let result = ready!(inner.poll(context));
        this.inner.set(None);
        if let Some(guard) = this.guard.take() {
            guard.end(&result);
        }
        Poll::Ready(result.map_err(Error::Service))
    }
}
