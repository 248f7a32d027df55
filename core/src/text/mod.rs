//! Text and bytes: what HTTP field values are made of. Knows nothing of CORS.

pub(crate) mod escape;
pub(crate) mod list;
pub(crate) mod merge;
pub(crate) mod nul_text;
pub(crate) mod prefix;
