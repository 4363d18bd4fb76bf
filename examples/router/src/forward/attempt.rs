//! One request, tried until it is answered or nobody may try again.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Response, StatusCode};
use narae_routing::matching::Kept;
use narae_routing::pool::{NoEndpoint, Pick};
use narae_routing::retry::{Attempt, Failure, GiveUp, Policy, retry_after};
use tokio::time::Instant;

use super::Order;
use crate::access::Entry;
use crate::connections::{Failed, Held, Patience};
use crate::exchange::Refused;
use crate::flags::Flags;
use crate::outbound::Outbound;
use crate::router::Router;
use crate::upstream::Settings;
use crate::verdict::Verdict;
use crate::worker::WorkerId;

/// What an endpoint answered, or why none did.
type Answered = Result<Answer, Refused>;

/// What an endpoint answered.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    pub(super) held: Held,
    pub(super) came: Instant,
    /// Of its endpoint, unless it is told.
    pub(super) verdict: Option<Verdict>,
    /// When it must have passed.
    pub(super) until: Option<Instant>,
}

/// One request on its way to an answer.
pub(super) struct Attempts<'r> {
    pub(super) router: &'r Router,
    pub(super) worker: WorkerId,
    pub(super) order: &'r Order,
    pub(super) settings: &'r Settings,
    pub(super) outbound: &'r mut Outbound,
    pub(super) entry: &'r mut Entry,
    pub(super) deadline: Option<Instant>,
    /// Endpoints that have failed it.
    pub(super) tried: Vec<Arc<str>>,
}

/// An attempt that may be worth another: what the client gets if there is none, and what went wrong.
struct Unserved {
    answered: Answered,
    failure: Failure,
}

impl Attempts<'_> {
    /// Tries until there is an answer to pass on.
    pub(super) async fn run(mut self) -> Answered {
        // Reading the clock is a part of what a request costs: once for each end of an attempt.
        let mut began = Instant::now();
        self.settings.budget.deposit(self.at(began));
        let mut last = None;
        let mut number = 1;
        loop {
            let pick = match self.pick(self.at(began)) {
                Ok(pick) => pick,
                Err(nobody) => return Err(last.unwrap_or(nobody)),
            };
            let address = pick.shared_address();
            let Unserved { answered, failure } = match self.attempt(pick, began).await {
                Ok(answer) => return Ok(answer),
                Err(unserved) => unserved,
            };
            let Some(wait) = self.next(number, failure) else {
                return answered;
            };
            last = answered.err();
            self.tried.push(address);
            number += 1;
            tokio::time::sleep(wait).await;
            began = Instant::now();
        }
    }

    fn at(&self, moment: Instant) -> Duration {
        self.router.at(moment.into_std())
    }

    fn pick(&self, now: Duration) -> Result<Pick, Refused> {
        let upstream = &self.order.upstream;
        let at = self.order.session.as_ref().and_then(Kept::endpoint);
        if let Some(at) = at.filter(|_| self.tried.is_empty())
            && let Some(pick) = upstream.pick_kept(at, now)
        {
            return Ok(pick);
        }
        let pick = match upstream.pick(now, &self.tried) {
            // Better the same endpoint again than nobody.
            Err(NoEndpoint::Tried) => upstream.pick(now, &[]),
            other => other,
        };
        pick.map_err(|none| {
            let flags = match none {
                NoEndpoint::Broken => Flags::UO,
                _ => Flags::UH,
            };
            let reason = format!("service {}: {none}", upstream.name());
            Refused::new(StatusCode::SERVICE_UNAVAILABLE, flags, reason)
        })
    }

    /// Sends it once, and tells the pool how that went.
    async fn attempt(&mut self, pick: Pick, began: Instant) -> Result<Answer, Unserved> {
        let upstream = &self.order.upstream;
        let address = pick.shared_address();
        let connections = upstream.connections_to(&address);
        self.entry.sent_to(address);
        let patience = self.patience(began);
        let Some(parcel) = self.outbound.parcel(patience) else {
            let reason = "the request cannot be sent again";
            return Err(Unserved {
                answered: Err(Refused::new(StatusCode::BAD_GATEWAY, Flags::UC, reason)),
                failure: Failure::Unknown,
            });
        };
        let sent = connections.send(self.worker, parcel).await;
        let ended = Instant::now();
        let (took, now) = (ended.saturating_duration_since(began), self.at(ended));
        match sent {
            Ok((response, held)) => {
                let status = response.status();
                let mut answer = Answer {
                    response,
                    held,
                    came: ended,
                    verdict: None,
                    until: patience.end,
                };
                if !status.is_server_error() {
                    answer.verdict = Some(Verdict {
                        upstream: Arc::clone(upstream),
                        pick,
                        took,
                        began: ended,
                        now,
                    });
                    return Ok(answer);
                }
                upstream.ended(pick, false, took, now);
                let after = self.asked_to_wait(&answer.response);
                Err(Unserved {
                    answered: Ok(answer),
                    failure: Failure::Status(status.as_u16(), after),
                })
            }
            Err(Failed { failure, unsent }) => {
                if failure.is_the_endpoints() {
                    upstream.ended(pick, false, took, now);
                }
                let left = unsent.is_none();
                self.outbound.take_back(unsent);
                let reason = if failure.is_timeout() && self.is_over() {
                    Cow::Borrowed("the route's time is over")
                } else {
                    Cow::Owned(format!("backend {} {failure}", upstream.name()))
                };
                Err(Unserved {
                    answered: Err(Refused::new(failure.status(), failure.flags(), reason)),
                    failure: if left {
                        Failure::Unknown
                    } else {
                        Failure::NotSent
                    },
                })
            }
        }
    }

    /// A route's time for an attempt is for all of it, from connecting to the last byte of the answer.
    fn patience(&self, began: Instant) -> Patience {
        let attempt = self.order.attempt_timeout;
        let end = attempt.map(|limit| began + limit);
        Patience {
            from: began,
            response: match attempt {
                None => Some(self.router.limits.response_timeout),
                Some(_) => None,
            },
            end: end.into_iter().chain(self.deadline).min(),
        }
    }

    /// Whether the route's time for the request is.
    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// How long to wait for the next attempt, if there may be one.
    fn next(&mut self, number: u32, failure: Failure) -> Option<Duration> {
        let attempt = Attempt {
            number,
            failure,
            repeatable: self.outbound.repeatable(),
            left: self.deadline.map_or(Duration::MAX, |deadline| {
                deadline.saturating_duration_since(Instant::now())
            }),
        };
        let policy: &Policy = self.order.retry.as_ref().unwrap_or(&self.settings.retry);
        let (now, random) = (self.router.now(), fastrand::f64());
        let wait = policy.decide(&attempt, &self.settings.budget, now, random);
        match wait {
            Err(GiveUp::Attempts) if number > 1 => self.entry.went_wrong(Flags::URX),
            Err(GiveUp::Budget) => self.entry.went_wrong(Flags::UO),
            _ => {}
        }
        let wait = wait.ok().filter(|_| self.outbound.is_here())?;
        let retries = &self.order.upstream.counters.retries;
        retries.fetch_add(1, Ordering::Relaxed);
        Some(wait)
    }

    fn asked_to_wait(&self, response: &Response<Incoming>) -> Option<Duration> {
        let written = response.headers().get(hyper::header::RETRY_AFTER)?;
        retry_after(written.to_str().ok()?, self.router.wall_clock())
    }
}
