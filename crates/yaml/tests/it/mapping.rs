//! `Mapping` against the plainest thing that could be one: a list of entries.

use narae_yaml::{Mapping, Value};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, i8),
    GetOrInsert(u8, i8),
    Remove(u8),
    Retain(u8),
    Sort,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..60u8, any::<i8>()).prop_map(|(key, value)| Step::Insert(key, value)),
        4 => (0..60u8, any::<i8>()).prop_map(|(key, value)| Step::GetOrInsert(key, value)),
        4 => (0..60u8).prop_map(Step::Remove),
        1 => (1..5u8).prop_map(Step::Retain),
        1 => Just(Step::Sort),
    ]
}

proptest! {
    #[test]
    fn it_is_a_list_of_entries_with_distinct_keys(steps in prop::collection::vec(step(), 0..120)) {
        let mut mapping = Mapping::new();
        let mut list: Vec<(String, Value)> = Vec::new();
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    let key = format!("k{key}");
                    let old = mapping.insert(key.as_str(), value);
                    match list.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, known)) => prop_assert_eq!(old, Some(std::mem::replace(known, value.into()))),
                        None => {
                            prop_assert_eq!(old, None);
                            list.push((key, value.into()));
                        }
                    }
                }
                Step::GetOrInsert(key, value) => {
                    let key = format!("k{key}");
                    if !list.iter().any(|(known, _)| *known == key) {
                        list.push((key.clone(), value.into()));
                    }
                    let known = list.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
                    prop_assert_eq!(Some(&*mapping.get_or_insert_with(key, || value.into())), known);
                }
                Step::Remove(key) => {
                    let key = format!("k{key}");
                    let place = list.iter().position(|(known, _)| *known == key);
                    prop_assert_eq!(mapping.remove(&key), place.map(|place| list.remove(place).1));
                }
                Step::Retain(every) => {
                    let mut count = 0;
                    mapping.retain(|_, _| { count += 1; count % every != 0 });
                    count = 0;
                    list.retain(|_| { count += 1; count % every != 0 });
                }
                Step::Sort => {
                    mapping.sort_keys();
                    list.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
            }
            prop_assert_eq!(mapping.len(), list.len());
            for key in 0..60u8 {
                let key = format!("k{key}");
                let known = list.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
                prop_assert_eq!(mapping.get(&key), known);
            }
        }
        let entries: Vec<(String, Value)> = mapping.clone().into_iter().collect();
        prop_assert_eq!(&entries, &list);
        let backwards: Mapping = list.into_iter().rev().collect();
        prop_assert_eq!(&backwards, &mapping);
        if let Some((key, _)) = entries.first() {
            let mut other = mapping.clone();
            other.insert(key.as_str(), "another value");
            prop_assert_ne!(&other, &mapping);
            other.remove(key);
            prop_assert_ne!(&other, &mapping);
        }
    }
}
