//! What all connections share: the configuration that serves, the clock, the counters, the limits.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use crate::access::AccessLog;
use crate::arguments::Limits;
use crate::live::{Live, LoadError, Source, Stamp, stamp_of};
use crate::metrics::{Counters, Metrics};
use crate::state::{StateError, StateFile};

pub(crate) struct Router {
    live: ArcSwap<Live>,
    source: Source,
    /// One load at a time: each begins where the last one ended.
    loading: Mutex<()>,
    pub(crate) limits: Arc<Limits>,
    /// If anything is logged.
    pub(crate) log: Option<AccessLog>,
    /// Of answers that no service gave.
    pub(crate) own: Arc<Counters>,
    pub(crate) metrics: Metrics,
    /// If anything outlives the process.
    state: Option<StateFile>,
    origin: Instant,
}

impl Router {
    /// Reads the configuration, which must be sound at the start.
    pub(crate) fn new(
        source: Source,
        limits: Arc<Limits>,
        log: Option<AccessLog>,
        state: Option<StateFile>,
    ) -> Result<(Self, Vec<String>), LoadError> {
        let router = Self {
            live: ArcSwap::default(),
            source,
            loading: Mutex::default(),
            own: Arc::new(Counters::new(limits.workers())),
            limits,
            log,
            metrics: Metrics::default(),
            state,
            origin: Instant::now(),
        };
        let notes = router.load()?;
        Ok((router, notes))
    }

    /// The configuration of this moment.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The ports of gateways to listen to.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let named = self.source.ports();
        named.unwrap_or_else(|| self.live().ports.keys().copied().collect())
    }

    /// Reads the configuration again and puts it in place, or keeps the one that is there.
    pub(crate) fn load(&self) -> Result<Vec<String>, LoadError> {
        let _one = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.live();
        let loaded = self
            .source
            .read()
            .map_err(LoadError::from)
            .and_then(|files| {
                let state = self.state.as_ref().map(StateFile::read);
                Live::compile(files, &last, state, &self.limits, self.now())
            });
        match loaded {
            Ok((live, mut notes)) => {
                let new = |port: &&u16| !last.ports.contains_key(*port);
                let new = live.ports.keys().filter(new);
                // A cluster's listeners say it in their status.
                let started = !last.ports.is_empty() && self.source.ports().is_none();
                notes.extend(new.filter(|_| started).map(|port| {
                    format!("port {port} is new: it is listened to from the next start on")
                }));
                self.live.store(Arc::new(live));
                self.metrics.reloads.fetch_add(1, Ordering::Relaxed);
                Ok(notes)
            }
            Err(error) => {
                self.metrics.reload_failures.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Writes what should outlive the process, if there is a file for it.
    pub(crate) fn save(&self) -> Result<(), StateError> {
        match &self.state {
            Some(state) => state.write(&self.live(), self.now()),
            None => Ok(()),
        }
    }

    /// What changes when a file of the configuration does.
    pub(crate) fn stamp(&self) -> Stamp {
        let mut stamp = self.source.stamp();
        stamp.extend(self.live().referenced.iter().map(|path| stamp_of(path)));
        stamp
    }

    /// Time since the start, which never goes back.
    pub(crate) fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// The same for a moment that is known.
    pub(crate) fn at(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.origin)
    }

    /// Time since the Unix epoch.
    pub(crate) fn wall_clock(&self) -> Duration {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default()
    }
}
