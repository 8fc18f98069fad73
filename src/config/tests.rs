//! What a config may say, and what it is told.
