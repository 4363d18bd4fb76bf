//! What was found true lately, by its digest, so that it need not be found again. Never more than twice
//! [`GENERATION`]: what was asked for least lately goes, half of it at a time.

use std::collections::HashSet;
use std::mem;

/// How many there are before the older half goes.
const GENERATION: usize = 4096;

/// A SHA-256 of something.
pub(super) type Digest = [u8; 32];

/// See the [module](self).
#[derive(Default)]
pub(super) struct Recent {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Recent {
    pub(super) fn contains(&mut self, digest: &Digest) -> bool {
        if self.young.contains(digest) {
            return true;
        }
        let known = self.old.contains(digest);
        if known {
            self.insert(*digest);
        }
        known
    }

    pub(super) fn insert(&mut self, digest: Digest) {
        if self.young.len() >= GENERATION {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::{GENERATION, Recent};

    #[test]
    fn what_is_asked_for_stays_and_nothing_grows_without_end() {
        let mut recent = Recent::default();
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            digest
        };
        recent.insert(digest(0));
        for number in 1..5 * GENERATION {
            recent.insert(digest(number));
            if number % 1000 == 0 {
                assert!(recent.contains(&digest(0)));
            }
        }
        assert!(recent.contains(&digest(0)) && !recent.contains(&digest(1)));
        assert!(recent.young.len() + recent.old.len() <= 2 * GENERATION);
    }
}
