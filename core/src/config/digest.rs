//! The digest of a policy: FNV-1a over its canonical document.

use super::document::OptionValue;
use crate::policy::Policy;
use crate::policy::digest::PolicyDigest;
use crate::policy::settings::ListSeparator;

impl PolicyDigest {
    /// The bits.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) fn of(policy: &Policy) -> Self {
        let mut hash = Fnv::default();
        policy.each_written_origin(|origin| hash.text('s', origin));
        for (name, value) in policy
            .document_with(if policy.any_origin {
                "*".into()
            } else {
                OptionValue::Null
            })
            .entries()
        {
            hash.text('n', name);
            hash.value(value);
        }
        if policy.list_separator != ListSeparator::default() {
            hash.text('p', policy.list_separator.as_str());
        }
        PolicyDigest(hash.0)
    }
}

/// FNV-1a. The standard library's hasher is not the same in every process, and not stable between
/// versions.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    }

    /// What it is, how long it is and itself, so that no two documents are the same bytes.
    fn text(&mut self, what: char, text: &str) {
        self.bytes(&[what as u8]);
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, value: &OptionValue) {
        match value {
            OptionValue::List(items) => {
                self.bytes(b"l");
                self.bytes(&(items.len() as u64).to_le_bytes());
                items.iter().for_each(|item| self.value(item));
            }
            OptionValue::Null => self.text('v', "null"),
            scalar => self.text(
                match scalar {
                    OptionValue::Str(_) => 's',
                    _ => 'v',
                },
                &scalar.shown(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a() {
        let mut hash = Fnv::default();
        hash.bytes(b"foobar");
        assert_eq!(hash.0, 0x8594_4171_f739_67e8);
    }

    #[test]
    fn what_a_policy_says_is_in_its_digest_and_nothing_else() {
        let base = || Policy::builder().allow_origins(["https://a.example", "https://*.b.example"]);
        let digest = base().build().unwrap().digest();
        assert_eq!(digest.to_string(), "819ee6f413cb4d0a");
        assert_eq!(
            Policy::from_document(&base().build().unwrap().document())
                .unwrap()
                .digest(),
            digest
        );
        for other in [
            base().max_age(0),
            base().max_age(1),
            base().allow_methods(["PUT"]),
            base().allow_headers(["PUT"]),
            base().own_origins(["https://a.example"]),
            base().list_separator(ListSeparator::Comma),
            Policy::builder().allow_origins(["https://*.b.example", "https://a.example"]),
            Policy::builder().allow_origins(["*"]),
            Policy::builder().origin_predicate(true),
        ] {
            let other = other.build().unwrap();
            assert_ne!(other.digest(), digest, "{other:?}");
        }
    }
}
