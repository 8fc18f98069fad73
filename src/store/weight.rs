//! The weights by which the table counts: bytes, in units so large that a capacity fits 32 bits.

/// The key under which so much room is kept: its weight, which is all that there is of it, and a number of its own.
pub(super) fn place(number: u64, weight: u32) -> u64 {
    number << u32::BITS | u64::from(weight)
}

pub(super) fn weight_of_place(place: u64) -> u32 {
    u32::try_from(place & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// By how many bits weights are shifted so that a capacity fits the table's 32 bits: none below 4 GiB.
pub(super) fn weight_unit(capacity: u64) -> u32 {
    (u64::BITS - capacity.leading_zeros()).saturating_sub(u32::BITS)
}

/// The weight of `bytes`, rounded up: many small entries must not weigh nothing.
pub(super) fn weight(bytes: u64, unit: u32) -> u32 {
    let rounded = bytes.div_ceil(1 << unit);
    u32::try_from(rounded).unwrap_or(u32::MAX)
}
