//! Playing a script, second by second.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::outcome::{Moment, Outcome, Slice};
use super::random::Random;
use super::script::{Happening, Script, ScriptError, What};
use crate::failover::Latch;
use crate::pool::{NoEndpoint, Pool};
use crate::retry::{self, Attempt, Budget, Failure, Repeatable};

/// How many requests are played at most; beyond, each stands for several.
pub const MOST_REQUESTS: f64 = 1_000_000.0;

/// In how many slices an outcome is told.
const SLICES: u32 = 288;

/// For how long a request allows retries, as everywhere.
const LIFETIME: Duration = Duration::from_secs(10);

const SECOND: Duration = Duration::from_secs(1);

/// How long an answer takes unless the script says otherwise.
const USUAL: Duration = Duration::from_millis(20);

/// Plays a script.
///
/// ```
/// use narae_routing::pool::{Endpoint, Policy, Site};
/// use narae_routing::health::ProbePolicy;
/// use narae_routing::simulate::{Script, What, run};
/// use std::time::Duration;
///
/// let mut policy = Policy::of([
///     Site::new("idc", [Endpoint::new("10.0.0.1:80")]),
///     Site::new("cloud", [Endpoint::new("10.1.0.1:80")]).with_priority(1),
/// ]);
/// policy.probes = Some(ProbePolicy::default());
/// let hour = Duration::from_secs(3600);
/// // Few enough that the budget of retries lasts until the probes have noticed.
/// let script = Script::new(policy)
///     .with_load(Duration::ZERO, 20.0)
///     .with_lasting(9 * hour, "idc", What::Down, hour);
/// let outcome = run(&script)?;
/// assert_eq!(outcome.failed, 0);
/// assert!(outcome.svg().starts_with("<svg"));
/// # Ok::<(), narae_routing::simulate::ScriptError>(())
/// ```
///
/// # Errors
///
/// When the script names nobody of the policy, or numbers are out of range.
pub fn run(script: &Script) -> Result<Outcome, ScriptError> {
    script.check()?;
    let seconds = script.duration.as_secs().max(1);
    let rates = (0..seconds).map(|second| script.rate(Duration::from_secs(second)));
    let each = (rates.sum::<f64>() / MOST_REQUESTS).ceil().max(1.0);
    let mut play = Play {
        pool: Pool::new(script.policy.clone())?,
        world: World::new(script),
        random: Random::new(script.seed),
        each,
        retry: script.retry.clone(),
        budget: Budget::of(script.retry_budget.0, script.retry_budget.1, LIFETIME).of_samples(each),
        outcome: Outcome::of(script, each, SLICES),
    };
    let mut due = turns(script).into_iter().peekable();
    let mut owed = 0.0;
    for second in 0..seconds {
        let now = Duration::from_secs(second);
        while let Some(turn) = due.next_if(|turn| turn.at < now + SECOND) {
            if let Some(happening) = script.happenings.get(turn.number) {
                play.turn(&turn, happening);
            }
        }
        owed += script.rate(now) / each;
        play.second(now, whole(owed));
        owed -= owed.floor();
    }
    Ok(play.outcome)
}

struct Play {
    pool: Pool,
    world: World,
    random: Random,
    /// How many requests one stands for.
    each: f64,
    retry: retry::Policy,
    budget: Budget,
    outcome: Outcome,
}

/// A happening begins or ends.
struct Turn {
    at: Duration,
    begins: bool,
    /// Its place in the script.
    number: usize,
}

/// In order of time; what ends does so before what begins.
fn turns(script: &Script) -> Vec<Turn> {
    let mut turns = Vec::new();
    for (number, happening) in script.happenings.iter().enumerate() {
        let turn = |at, begins| Turn { at, begins, number };
        turns.push(turn(happening.at, true));
        let end = happening
            .lasting
            .map(|time| happening.at.saturating_add(time));
        turns.extend(end.map(|end| turn(end, false)));
    }
    turns.sort_by_key(|turn| (turn.at, turn.begins));
    turns
}

impl Play {
    fn second(&mut self, now: Duration, requests: u32) {
        if self.pool.is_due(now) {
            self.pool.look(now);
        }
        self.world.refill(self.each);
        for request in 0..requests {
            let at = now + SECOND * request / requests;
            self.probe(at);
            self.request(at);
        }
        self.probe(now + SECOND);
        for event in self.pool.take_events() {
            self.outcome.moments.push(Moment::of(&event));
        }
    }

    fn probe(&mut self, now: Duration) {
        if now < self.world.next_probe {
            return;
        }
        let mut next = Duration::MAX;
        for endpoint in &mut self.world.endpoints {
            if endpoint.probe_at <= now {
                self.pool.probed(&endpoint.address, !endpoint.down, now);
                let wait = self.pool.next_probe(&endpoint.address, self.random.part());
                endpoint.probe_at = wait.map_or(Duration::MAX, |wait| now + wait);
            }
            next = next.min(endpoint.probe_at);
        }
        self.world.next_probe = next;
    }

    fn request(&mut self, now: Duration) {
        let mut tried: Vec<Arc<str>> = Vec::new();
        let mut served_by = None;
        let mut retries = 0;
        self.budget.deposit(now);
        for number in 1.. {
            let pick = match self.pool.pick(now, &tried) {
                // Better the same endpoint again than nobody.
                Err(NoEndpoint::Tried) => self.pool.pick(now, &[]),
                other => other,
            };
            let Ok(pick) = pick else { break };
            let address = pick.shared_address();
            let Some(&at) = self.world.places.get(&address) else {
                break;
            };
            retries = number - 1;
            let (failure, took) = self.world.serve(at, self.each, self.random.part());
            self.pool.ended(pick, failure.is_none(), took, now + took);
            let Some(failure) = failure else {
                served_by = self.world.endpoints.get(at).map(|e| e.site);
                break;
            };
            let attempt = Attempt {
                number,
                failure,
                repeatable: Repeatable::Yes,
                left: Duration::MAX,
            };
            // It is tried again at once: the waits between are short beside a second.
            let again = self.retry.decide(&attempt, &self.budget, now, 0.0);
            if again.is_err() {
                break;
            }
            tried.push(address);
        }
        self.outcome.count(now, served_by, retries);
    }

    fn turn(&mut self, turn: &Turn, happening: &Happening) {
        let (now, to) = (turn.at, &happening.to);
        self.outcome.moments.push(if turn.begins {
            Moment::said(happening)
        } else {
            Moment::over(happening, now)
        });
        match happening.what {
            What::Latch(latch) => {
                let latch = if turn.begins { latch } else { Latch::Released };
                self.pool.latch(to, latch, now);
            }
            What::Shift(weight) => {
                self.pool.shift(to, turn.begins.then_some(weight), now);
            }
            what if turn.begins => self.world.begin(turn.number, to, what),
            _ => self.world.end(turn.number),
        }
    }
}

/// The endpoints as they really are, which the pool can only find out.
struct World {
    endpoints: Vec<Real>,
    places: HashMap<Arc<str>, usize>,
    sites: Vec<String>,
    capacities: Vec<Option<f64>>,
    /// Of each site, requests it can still serve this second.
    allowances: Vec<f64>,
    next_probe: Duration,
}

struct Real {
    address: Arc<str>,
    site: usize,
    down: bool,
    errors: f64,
    latency: Duration,
    /// What goes on there, by its place in the script, the last one last.
    troubles: Vec<(usize, What)>,
    probe_at: Duration,
}

impl World {
    fn new(script: &Script) -> Self {
        let sites = &script.policy.sites;
        let listed = sites.iter().enumerate();
        let endpoints: Vec<Real> = listed
            .flat_map(|(site, of)| of.endpoints.iter().map(move |endpoint| (site, endpoint)))
            .map(|(site, endpoint)| Real {
                address: Arc::from(endpoint.address.as_str()),
                site,
                down: false,
                errors: 0.0,
                latency: USUAL,
                troubles: Vec::new(),
                probe_at: Duration::ZERO,
            })
            .collect();
        let places = endpoints.iter().enumerate();
        Self {
            places: places.map(|(at, e)| (Arc::clone(&e.address), at)).collect(),
            sites: sites.iter().map(|site| site.name.clone()).collect(),
            capacities: sites.iter().map(|site| site.capacity).collect(),
            allowances: vec![0.0; sites.len()],
            endpoints,
            next_probe: Duration::ZERO,
        }
    }

    /// How an endpoint fails a request that stands for `each`, if it does, and how long that takes.
    fn serve(&mut self, at: usize, each: f64, random: f64) -> (Option<Failure>, Duration) {
        let Some(endpoint) = self.endpoints.get(at) else {
            return (Some(Failure::NotSent), Duration::ZERO);
        };
        if endpoint.down {
            return (Some(Failure::NotSent), Duration::ZERO);
        }
        let over = match self.allowances.get_mut(endpoint.site) {
            Some(left) if *left >= each => {
                *left -= each;
                false
            }
            _ => true,
        };
        let fails = over || random < endpoint.errors;
        let failure = fails.then_some(Failure::Status(503, None));
        (failure, endpoint.latency)
    }

    /// A second's capacity for each site. What is too little for one more request is kept for the next second.
    fn refill(&mut self, each: f64) {
        for (left, capacity) in self.allowances.iter_mut().zip(&self.capacities) {
            *left = match capacity {
                None => f64::INFINITY,
                Some(capacity) => capacity + left.min(each),
            };
        }
    }

    fn begin(&mut self, number: usize, name: &str, what: What) {
        let site = self.sites.iter().position(|site| site == name);
        for endpoint in &mut self.endpoints {
            if Some(endpoint.site) == site || *endpoint.address == *name {
                match what {
                    What::Up => endpoint.troubles.clear(),
                    what => endpoint.troubles.push((number, what)),
                }
                endpoint.suffer();
            }
        }
    }

    fn end(&mut self, number: usize) {
        for endpoint in &mut self.endpoints {
            endpoint.troubles.retain(|(own, _)| *own != number);
            endpoint.suffer();
        }
    }
}

impl Real {
    /// Is as what goes on there has it; of one kind the last counts.
    fn suffer(&mut self) {
        (self.down, self.errors, self.latency) = (false, 0.0, USUAL);
        for (_, what) in &self.troubles {
            match *what {
                What::Down => self.down = true,
                What::Errors(part) => self.errors = part,
                What::Latency(latency) => self.latency = latency,
                What::Up | What::Latch(_) | What::Shift(_) => {}
            }
        }
    }
}

impl Outcome {
    /// A script's outcome before anything has happened.
    fn of(script: &Script, each: f64, slices: u32) -> Self {
        let length = (script.duration / slices).max(SECOND);
        let count = script.duration.as_secs().div_ceil(length.as_secs().max(1));
        let sites: Vec<String> = script.policy.sites.iter().map(|s| s.name.clone()).collect();
        let length = Duration::from_secs(length.as_secs());
        let slices = (0..count).map(|at| Slice {
            begin: length * u32::try_from(at).unwrap_or(u32::MAX),
            served: vec![0; sites.len()],
            failed: 0,
            retries: 0,
        });
        Self {
            duration: script.duration,
            slice: length,
            slices: slices.collect(),
            sites,
            each: f64::from(whole(each)),
            requests: 0,
            failed: 0,
            retries: 0,
            moments: Vec::new(),
        }
    }

    fn count(&mut self, now: Duration, served_by: Option<usize>, retries: u32) {
        let weight = u64::from(whole(self.each));
        let at = now.as_secs() / self.slice.as_secs().max(1);
        let retries = u64::from(retries) * weight;
        self.requests += weight;
        self.retries += retries;
        self.failed += if served_by.is_none() { weight } else { 0 };
        let slice = usize::try_from(at)
            .ok()
            .and_then(|at| self.slices.get_mut(at));
        let Some(slice) = slice else { return };
        slice.retries += retries;
        match served_by.and_then(|site| slice.served.get_mut(site)) {
            Some(served) => *served += weight,
            None => slice.failed += weight,
        }
    }
}

fn whole(number: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what fits"
    )]
    {
        number.floor().clamp(0.0, f64::from(u32::MAX)) as u32
    }
}
