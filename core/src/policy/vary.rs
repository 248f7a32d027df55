//! What a policy writes into `Vary`.

/// The `Vary` of a policy: constant for each of its two kinds of method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vary {
    /// For OPTIONS, preflight or not.
    pub(crate) options: String,
    /// For every other method.
    pub(crate) other: Option<&'static str>,
}

impl Vary {
    pub(crate) fn new(constant: bool, echoes_names: bool, private_network: bool) -> Self {
        let mut options = String::from("Origin, Access-Control-Request-Method");
        if echoes_names {
            options.push_str(", Access-Control-Request-Headers");
        }
        if private_network {
            options.push_str(", Access-Control-Request-Private-Network");
        }
        Vary {
            options,
            other: (!constant).then_some("Origin"),
        }
    }
}
