use std::sync::Arc;

use proptest::prelude::*;

use super::entry;
use crate::store::{
    Budget, KeyHash, Variants,
    table::{Change, Table},
};

#[derive(Clone, Debug)]
enum Step {
    Put(u64),
    Get(u64),
    Remove(u64),
    Evict,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0u64..8;
    prop_oneof![
        4 => key.clone().prop_map(Step::Put),
        4 => key.clone().prop_map(Step::Get),
        1 => key.prop_map(Step::Remove),
        2 => Just(Step::Evict),
    ]
}

fn variants(budget: &Arc<Budget>, number: u32) -> Variants<u32> {
    Variants::new(entry(budget, "a", number, b"body"), [].into_iter(), 1, u64::MAX)
}

proptest! {
    #[test]
    fn what_was_used_longest_ago_goes_first(
        steps in prop::collection::vec(step(), 1..120),
        are_in_one_shard in any::<bool>(),
    ) {
        let budget = Budget::new(1 << 20);
        let table = Table::empty();
        let hash = |key: u64| KeyHash::from_bits(if are_in_one_shard { key } else { key << 32 });
        // What is held: the key, the number, and the count of puts at its last use; the one used last is last.
        let mut held: Vec<(u64, u32, u32)> = Vec::new();
        let mut puts = 0;
        for step in steps {
            match step {
                Step::Put(key) => {
                    puts += 1;
                    table.change(hash(key), |_| Change::Put(variants(&budget, puts)));
                    held.retain(|(other, ..)| *other != key);
                    held.push((key, puts, puts));
                }
                Step::Get(key) => {
                    let found = table.get(hash(key)).map(|found| *found.newest().meta());
                    let at = held.iter().position(|(other, ..)| *other == key);
                    prop_assert_eq!(found, at.map(|at| held[at].1));
                    if let Some(at) = at {
                        let (key, number, _) = held.remove(at);
                        held.push((key, number, puts));
                    }
                }
                Step::Remove(key) => {
                    table.change(hash(key), |_| Change::Remove);
                    held.retain(|(other, ..)| *other != key);
                }
                Step::Evict => {
                    prop_assert_eq!(table.evict(), !held.is_empty());
                    let is_held = |key| {
                        let mut is_held = false;
                        table.change(hash(key), |found| {
                            is_held = found.is_some();
                            Change::Keep
                        });
                        is_held
                    };
                    let gone: Vec<_> = held.iter().filter(|(key, ..)| !is_held(*key)).copied().collect();
                    prop_assert_eq!(gone.len(), usize::from(!held.is_empty()));
                    if are_in_one_shard {
                        prop_assert_eq!(gone.first(), held.first());
                    } else {
                        // Between shards it is as exact as the count of puts.
                        prop_assert_eq!(gone.first().map(|(.., used)| used), held.first().map(|(.., used)| used));
                    }
                    held.retain(|held| !gone.contains(held));
                }
            }
            prop_assert_eq!(table.len(), held.len());
            prop_assert_eq!(table.bytes(), budget.resident());
        }
    }
}

#[test]
fn a_table_that_was_full_once_still_finds_all_that_is_left() {
    let budget = Budget::new(1 << 30);
    let table = Table::empty();
    let hash = |key: u32| KeyHash::from_bits(u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for key in 0..20_000 {
        table.change(hash(key), |_| Change::Put(variants(&budget, key)));
    }
    for _ in 0..19_900 {
        assert!(table.evict());
    }
    for key in 0..20_000 {
        let found = table.get(hash(key)).map(|found| *found.newest().meta());
        assert_eq!(found, (key >= 19_900).then_some(key));
    }
    assert_eq!(table.bytes(), budget.resident());
}
