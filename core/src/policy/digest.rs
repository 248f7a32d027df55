//! A short name for a policy.

use std::fmt;

/// A short name for what a policy says: 64 bits over its canonical document (and the separator that
/// drop-ins set), so equal policies have equal digests, in every process, language and platform of
/// one version of crossgate. It tells policies apart in logs and metrics. It is no security
/// feature: FNV-1a resists nobody who wants two policies to share one.
///
/// ```
/// use crossgate::Policy;
/// let one = Policy::builder().allow_origins(["HTTPS://A.example:443"]).build()?;
/// let same = Policy::builder().allow_origins(["https://a.example"]).build()?;
/// let other = Policy::builder().allow_origins(["https://b.example"]).build()?;
/// assert_eq!(one.digest(), same.digest());
/// assert_ne!(one.digest(), other.digest());
/// assert_eq!(one.digest().to_string().len(), 16); // hexadecimal digits
/// # Ok::<(), crossgate::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyDigest(pub(crate) u64);

impl fmt::Display for PolicyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
