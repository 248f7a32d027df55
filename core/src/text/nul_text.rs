//! Text that C can borrow.

/// A text with a NUL behind it, so that C can borrow it as it is.
#[derive(Clone, Debug)]
pub(crate) struct NulText(Box<str>);

impl NulText {
    pub(crate) fn new(text: &str) -> Self {
        NulText(format!("{text}\0").into_boxed_str())
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.0[..self.0.len() - 1]
    }
}
