//! DORA's measures, of commits whose times and trailers are known; the numbers were computed by hand.

use narae_gitops::edit::Image;
use narae_gitops::history::{Delivery, Measures, Spread, measure};
use narae_gitops::message::{Message, key};
use narae_gitops::repository::{
    Commit, CommitId, History, Outcome, Repository, Signature, Timestamp,
};

use crate::fixture::{bare, commit};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// A repository in which deliveries happen.
struct Past {
    _directory: tempfile::TempDir,
    repository: Repository,
}

impl Past {
    fn new() -> Self {
        let (directory, repository) = bare();
        Self {
            _directory: directory,
            repository,
        }
    }

    /// One commit at `seconds` with trailers, as promote writes them.
    fn commit(&self, seconds: i64, what: &str, trailers: &[(&str, &str)]) -> CommitId {
        let (app, environment) = what.split_once('/').unwrap();
        let mut message = Message::new(what)
            .unwrap()
            .with_trailer(key::APP, app)
            .unwrap()
            .with_trailer(key::ENVIRONMENT, environment)
            .unwrap();
        for (key, value) in trailers {
            message = message.with_trailer(key, value).unwrap();
        }
        let tip = self.repository.tip("main").unwrap();
        let count = self.repository.history("main", &History::new()).unwrap();
        let count = count.len().to_string();
        let changes = commit("x", &[(what, Some(&count))]).changes().clone();
        let time = Timestamp::new(seconds, 0).unwrap();
        let who = Signature::new("Ada", "ada@example.com", time).unwrap();
        let commit = Commit::new(changes, message, who);
        match self.repository.commit("main", tip, &commit).unwrap() {
            Outcome::Committed(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// `app/environment`, the new tag.
    fn deliver(&self, seconds: i64, what: &str, tag: &str) -> CommitId {
        self.commit(seconds, what, &[(key::IMAGE, tag)])
    }

    fn roll_back(&self, seconds: i64, what: &str, reverts: CommitId, tag: &str) -> CommitId {
        let reverts = reverts.to_string();
        self.commit(
            seconds,
            what,
            &[(key::IMAGE, tag), (key::REVERTS, &reverts)],
        )
    }

    fn deliveries(&self) -> Vec<Delivery> {
        let records = self.repository.history("main", &History::new()).unwrap();
        records.iter().filter_map(Delivery::of).collect()
    }

    /// Whatever the order of the deliveries.
    fn measure(&self, environment: &str, since: i64, now: i64) -> Measures {
        let mut all = self.deliveries();
        let measured = measure(&all, environment, since, now);
        all.reverse();
        assert_eq!(measure(&all, environment, since, now), measured);
        let middle = all.len() / 2;
        all.rotate_left(middle);
        assert_eq!(measure(&all, environment, since, now), measured);
        measured
    }
}

/// count, least, median, most.
fn spread(spread: Option<Spread>) -> Option<(usize, i64, i64, i64)> {
    spread.map(|it| (it.count, it.least, it.median, it.most))
}

#[test]
fn several_applications_in_several_environments() {
    let past = Past::new();
    // A week. shop and cart go through dev and rc to master.
    past.deliver(0, "shop/dev", "a000001");
    past.deliver(HOUR, "cart/dev", "c000001");
    past.deliver(6 * HOUR, "shop/rc", "a000001"); // 6 h
    let shop_1 = past.deliver(DAY, "shop/master", "a000001"); // 24 h
    past.deliver(DAY + HOUR, "cart/rc", "c000001"); // 24 h
    past.deliver(2 * DAY, "shop/dev", "a000002");
    past.deliver(2 * DAY + 2 * HOUR, "shop/rc", "a000002"); // 2 h
    let shop_2 = past.deliver(3 * DAY, "shop/master", "a000002"); // 24 h
    past.roll_back(3 * DAY + 2 * HOUR, "shop/master", shop_2, "a000001"); // 2 h
    let cart_1 = past.deliver(4 * DAY, "cart/master", "c000001"); // 95 h
    past.roll_back(4 * DAY + HOUR / 2, "cart/master", cart_1, "c000000"); // 30 min
    past.deliver(5 * DAY, "shop/dev", "a000003");
    past.deliver(5 * DAY + HOUR, "shop/rc", "a000003"); // 1 h
    past.deliver(5 * DAY + 12 * HOUR, "shop/master", "a000003"); // 12 h
    past.roll_back(6 * DAY, "shop/master", shop_1, "a000000"); // 5 days: an older one

    let dev = past.measure("dev", 0, 7 * DAY);
    assert_eq!((dev.deliveries, dev.rollbacks), (4, 0));
    assert!((dev.per_day - 4.0 / 7.0).abs() < 1e-12);
    // All of it was seen here first.
    assert_eq!(dev.lead_time, None);
    assert_eq!(
        (dev.change_failure_rate, dev.time_to_restore),
        (Some(0.0), None)
    );

    let rc = past.measure("rc", 0, 7 * DAY);
    assert_eq!((rc.deliveries, rc.rollbacks), (4, 0));
    // 1 h, 2 h, 6 h, 24 h: of four, the third.
    assert_eq!(spread(rc.lead_time), Some((4, HOUR, 6 * HOUR, 24 * HOUR)));

    let master = past.measure("master", 0, 7 * DAY);
    assert_eq!((master.deliveries, master.rollbacks), (4, 3));
    assert!((master.per_day - 4.0 / 7.0).abs() < 1e-12);
    // 12 h, 24 h, 24 h, 95 h.
    assert_eq!(
        spread(master.lead_time),
        Some((4, 12 * HOUR, 24 * HOUR, 95 * HOUR))
    );
    // Three of four were rolled back: after 30 min, 2 h and 5 days.
    assert_eq!(master.change_failure_rate, Some(0.75));
    assert_eq!(
        spread(master.time_to_restore),
        Some((3, HOUR / 2, 2 * HOUR, 5 * DAY))
    );

    // The last three days: one delivery of master, no failure of it; but an older one's end.
    let late = past.measure("master", 4 * DAY + HOUR, 7 * DAY + HOUR);
    assert_eq!((late.deliveries, late.rollbacks), (1, 1));
    assert!((late.per_day - 1.0 / 3.0).abs() < 1e-12);
    assert_eq!(
        spread(late.lead_time),
        Some((1, 12 * HOUR, 12 * HOUR, 12 * HOUR))
    );
    assert_eq!(late.change_failure_rate, Some(0.0));
    assert_eq!(
        spread(late.time_to_restore),
        Some((1, 5 * DAY, 5 * DAY, 5 * DAY))
    );

    // cart alone, as `history cart` has it.
    let mut cart = past.deliveries();
    cart.retain(|delivery| delivery.application == "cart");
    let cart = measure(&cart, "master", 0, 7 * DAY);
    assert_eq!((cart.deliveries, cart.change_failure_rate), (1, Some(1.0)));
    assert_eq!(
        spread(cart.lead_time),
        Some((1, 95 * HOUR, 95 * HOUR, 95 * HOUR))
    );
}

#[test]
fn nothing_and_one_delivery() {
    let past = Past::new();
    let nothing = past.measure("master", 0, DAY);
    assert_eq!(nothing, Measures::default());
    past.deliver(HOUR, "shop/master", "a000001");
    let one = past.measure("master", 0, 2 * DAY);
    assert_eq!((one.deliveries, one.rollbacks), (1, 0));
    assert!((one.per_day - 0.5).abs() < 1e-12);
    assert_eq!((one.lead_time, one.time_to_restore), (None, None));
    assert_eq!(one.change_failure_rate, Some(0.0));
    // The same tag of another application was no earlier delivery of it.
    past.deliver(0, "cart/dev", "a000001");
    assert_eq!(past.measure("master", 0, DAY).lead_time, None);
    // Looking at no time at all divides by nothing.
    assert!(past.measure("master", HOUR, HOUR).per_day.is_finite());
}

#[test]
fn a_rollback_of_a_rollback_is_no_failed_delivery() {
    let past = Past::new();
    past.deliver(0, "shop/rc", "a000001");
    let delivered = past.deliver(HOUR, "shop/master", "a000001");
    let back = past.roll_back(2 * HOUR, "shop/master", delivered, "a000000");
    past.roll_back(3 * HOUR, "shop/master", back, "a000001");
    let measured = past.measure("master", 0, DAY);
    assert_eq!((measured.deliveries, measured.rollbacks), (1, 2));
    assert_eq!(measured.change_failure_rate, Some(1.0));
    assert_eq!(
        spread(measured.time_to_restore),
        Some((1, HOUR, HOUR, HOUR))
    );
}

#[test]
fn sites_that_go_back_one_by_one_are_one_failure() {
    let past = Past::new();
    let at = |seconds, what, tag, sites: &[&str], reverts: Option<CommitId>| {
        let reverts = reverts.map(|id| id.to_string());
        let mut trailers = vec![(key::IMAGE, tag)];
        trailers.extend(sites.iter().map(|site| (key::SITE, *site)));
        trailers.extend(reverts.iter().map(|id| (key::REVERTS, id.as_str())));
        past.commit(seconds, what, &trailers)
    };
    at(0, "shop/rc", "a000001", &["idc", "aws"], None);
    // One site first, the other a day later: two arrivals.
    at(2 * HOUR, "shop/master", "a000001", &["idc"], None);
    let both = at(DAY, "shop/master", "a000001", &["idc", "aws"], None);
    at(DAY + HOUR, "shop/master", "a000000", &["idc"], Some(both));
    at(
        DAY + 3 * HOUR,
        "shop/master",
        "a000000",
        &["aws"],
        Some(both),
    );
    // It comes again, to places where it has been: no new arrival.
    at(2 * DAY, "shop/master", "a000001", &["idc", "aws"], None);
    let measured = past.measure("master", 0, 3 * DAY);
    assert_eq!((measured.deliveries, measured.rollbacks), (3, 2));
    assert_eq!(spread(measured.lead_time), Some((2, 2 * HOUR, DAY, DAY)));
    assert_eq!(measured.change_failure_rate, Some(1.0 / 3.0));
    assert_eq!(
        spread(measured.time_to_restore),
        Some((1, 3 * HOUR, 3 * HOUR, 3 * HOUR))
    );
}

#[test]
fn an_image_in_part_is_read_as_it_was_written() {
    let past = Past::new();
    let digest = format!("sha256:{}", "a1".repeat(32));
    let image = |tag: Option<&str>, digest: Option<&str>| {
        let mut image = Image::default();
        (image.tag, image.digest) = (tag.map(str::to_owned), digest.map(str::to_owned));
        image
    };
    for (seconds, image) in [
        image(Some("3f2a9c1"), Some(&digest)),
        image(None, Some(&digest)),
        image(Some("3f2a9c1"), None),
    ]
    .into_iter()
    .enumerate()
    {
        past.deliver(seconds as i64, "shop/dev", &image.to_string());
        let newest = past.deliveries().remove(0);
        assert_eq!(newest.images().collect::<Vec<_>>(), [image]);
    }
}
