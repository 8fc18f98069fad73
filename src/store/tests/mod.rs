//! Tests of the room, one file for each part.
