//! Files of a new plugin.
