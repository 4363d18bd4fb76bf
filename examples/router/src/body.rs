//! Bodies that pass through: frame by frame, never whole, and never still for long.

use std::error::Error;
use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::{HeaderMap, Version};
use tokio::time::{Instant, Sleep};

use crate::flags::Flags;
use crate::stall::{self, Stalled};

/// A body from one side to the other, with something that lives exactly as long.
///
/// `companion` is told of each chunk and dropped with the body: an access log entry, or the end of
/// a channel somebody waits on.
pub(crate) struct Passing<B: Body, C> {
    body: B,
    companion: C,
    timeout: Duration,
    stall: Option<Pin<Box<Sleep>>>,
    deadline: Option<Pin<Box<Sleep>>>,
    /// What was polled before anybody asked, and how much there was to come then.
    ahead: Option<(Polled<B>, SizeHint)>,
    /// The most bytes that pass at once, and what is left of a chunk that had more.
    piece: usize,
    rest: Option<Bytes>,
}

/// A frame of HTTP/2, which counts as progress: with larger ones who reads slowly would look as if it stood still.
const FRAME_BYTES: usize = 16 << 10;

/// What a body gives when it is polled.
type Polled<B> = Option<Result<Frame<<B as Body>::Data>, <B as Body>::Error>>;

/// Hears of every chunk that passes, and of the end.
pub(crate) trait Companion {
    fn passed(&mut self, bytes: usize);

    /// Who takes the body would take more than has come.
    fn wanting(&mut self) {}

    /// What comes after the body, before it passes.
    fn trailers(&mut self, _fields: &mut HeaderMap) {}

    /// It ends before its end.
    fn cut(&mut self, _cut: Cut) {}

    /// All of the body has come. Heard at least once if that happens.
    fn came_whole(&mut self) {}
}

/// Why a body ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It broke off.
    Broken,
    /// Nothing more of it came.
    Still,
    /// Its time is over, and there was more to come.
    Late,
    /// Its time is over, and who takes it had taken what there was late.
    Unread,
}

impl Cut {
    pub(crate) fn flags(self) -> Flags {
        match self {
            Self::Broken => Flags::UC,
            Self::Still => Flags::SI,
            Self::Late | Self::Unread => Flags::UT,
        }
    }
}

/// What is polled ahead is never pinned.
impl<B: Body + Unpin, C: Unpin> Unpin for Passing<B, C> {}

impl<B: Body, C: Companion> Passing<B, C> {
    pub(crate) fn new(body: B, timeout: Duration, mut companion: C) -> Self {
        // One without a byte may never be asked for any.
        if body.is_end_stream() {
            companion.came_whole();
        }
        Self {
            body,
            companion,
            timeout,
            stall: None,
            deadline: None,
            ahead: None,
            piece: usize::MAX,
            rest: None,
        }
    }

    /// The same body, in pieces that are good to send over this version of HTTP.
    pub(crate) fn over(mut self, version: Version) -> Self {
        if version == Version::HTTP_2 {
            self.piece = FRAME_BYTES;
        }
        self
    }

    /// The same body, cut at `deadline` however well it passes.
    pub(crate) fn until(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at)));
        self
    }
}

impl<B: Body + Unpin, C: Companion> Passing<B, C> {
    fn give(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if data.len() > self.piece {
            let first = data.split_to(self.piece);
            self.rest = Some(std::mem::replace(&mut data, first));
        }
        self.companion.passed(data.len());
        stall::given();
        Frame::data(data)
    }

    /// Gives everybody else of this event loop a turn: what came with the head of the message has got here by then,
    /// and leaves with it in one write.
    pub(crate) async fn begin(&mut self) {
        if self.body.is_end_stream() {
            return;
        }
        let (hint, mut waited) = (self.body.size_hint(), false);
        let first = poll_fn(
            |context| match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(first) => Poll::Ready(Some(first)),
                Poll::Pending if waited => Poll::Ready(None),
                Poll::Pending => {
                    waited = true;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            },
        );
        self.ahead = first.await.map(|first| (first, hint));
    }
}

impl<B, C> Body for Passing<B, C>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
    C: Companion + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        stall::asked();
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            let cut = match this.stall {
                Some(_) => Cut::Late,
                None => Cut::Unread,
            };
            this.companion.cut(cut);
            return Poll::Ready(Some(Err(Box::new(Stalled))));
        }
        if let Some(rest) = this.rest.take() {
            return Poll::Ready(Some(Ok(this.give(rest))));
        }
        let polled = match this.ahead.take() {
            Some((first, _)) => Poll::Ready(first),
            None => Pin::new(&mut this.body).poll_frame(context),
        };
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                this.stall = None;
                if this.body.is_end_stream() {
                    this.companion.came_whole();
                }
                let frame = match frame.into_data() {
                    Ok(data) => this.give(data),
                    Err(mut frame) => {
                        if let Some(fields) = frame.trailers_mut() {
                            this.companion.trailers(fields);
                        }
                        frame
                    }
                };
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.companion.cut(Cut::Broken);
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                this.companion.came_whole();
                Poll::Ready(None)
            }
            Poll::Pending => {
                this.companion.wanting();
                let until = Instant::now() + this.timeout;
                let stall = this
                    .stall
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                match stall.as_mut().poll(context) {
                    Poll::Ready(()) => {
                        this.companion.cut(Cut::Still);
                        Poll::Ready(Some(Err(Box::new(Stalled))))
                    }
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_none() && self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = match &self.ahead {
            Some((_, hint)) => *hint,
            None => self.body.size_hint(),
        };
        let rest = self.rest.as_ref().map_or(0, Bytes::len) as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}
