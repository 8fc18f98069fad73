//! `plimsoll check`: validates a config.
