//! The lines of a header field, and the elements of a comma-separated list in them.

use std::ops::ControlFlow;

use crate::text::list::{each_of_line, trim_field};

/// The first line of a header field and whether there are more. An empty field is present.
///
/// ```
/// use crossgate::Field;
/// let mut field = Field::one(b" https://a.example ");
/// assert_eq!(field.single(), Some(&b"https://a.example"[..]));
/// field.push(b"https://b.example");
/// assert!(field.is_repeated() && field.single().is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field<'a> {
    first: Option<&'a [u8]>,
    more: bool,
}

impl<'a> Field<'a> {
    /// No line.
    pub const ABSENT: Field<'static> = Field {
        first: None,
        more: false,
    };

    /// One line.
    #[inline]
    pub const fn one(value: &'a [u8]) -> Self {
        Field {
            first: Some(value),
            more: false,
        }
    }

    /// Takes another line.
    #[inline]
    pub fn push(&mut self, value: &'a [u8]) {
        match self.first {
            None => self.first = Some(value),
            Some(_) => self.more = true,
        }
    }

    /// Whether there is a line, an empty one included.
    #[inline]
    pub const fn is_present(&self) -> bool {
        self.first.is_some()
    }

    /// Whether there are several lines.
    #[inline]
    pub const fn is_repeated(&self) -> bool {
        self.more
    }

    /// The first line, as it was sent.
    #[doc(hidden)]
    pub fn first_line(&self) -> Option<&'a [u8]> {
        self.first
    }

    /// The only line, without white space around it (330 bytes of it on each side; more stays, and
    /// no value begins or ends so); `None` if there is none or more than one.
    #[inline]
    pub fn single(&self) -> Option<&'a [u8]> {
        if self.more {
            None
        } else {
            self.first.map(trim_field)
        }
    }
}

/// The lines of a field that may have several, for servers that keep them in a shape of their own.
/// `Sync`, so that a request may be held across an `await`.
///
/// ```
/// use crossgate::{Lines, Request};
/// let lines = vec!["x-a", "x-b"]; // a server's own shape; Vec implements it
/// let request = Request::new("OPTIONS").with_acrh(Lines::Many(&lines));
/// ```
pub trait LineSource: Sync {
    /// Calls `each` with every line in order, until it returns false.
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool);
}

impl<T: AsRef<[u8]> + Sync> LineSource for Vec<T> {
    fn each_line(&self, each: &mut dyn FnMut(&[u8]) -> bool) {
        let _ = self.iter().all(|line| each(line.as_ref()));
    }
}

/// The lines of `Access-Control-Request-Headers`.
///
/// ```
/// use crossgate::{Lines, Policy, Request};
/// let policy = Policy::builder()
///     .allow_origins(["https://a.example"])
///     .allow_headers(["X-A"])
///     .build()?;
/// let asked = |acrh| {
///     let request = Request::new("OPTIONS")
///         .header("Origin", "https://a.example")
///         .header("Access-Control-Request-Method", "GET");
///     policy.evaluate(&request.with_acrh(acrh)).allowed()
/// };
/// assert_eq!(asked(Lines::Absent), Some(true));
/// assert_eq!(asked(Lines::One(b"x-a")), Some(true));
/// assert_eq!(asked(Lines::Many(&vec!["x-a", "x-b"])), Some(false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub enum Lines<'a> {
    /// No line.
    #[default]
    Absent,
    /// One line.
    One(&'a [u8]),
    /// Several lines, borrowed.
    Many(&'a dyn LineSource),
    /// Several lines, collected by [`Request::header`](crate::Request::header).
    Collected(Vec<&'a [u8]>),
}

impl<'a> Lines<'a> {
    pub(crate) fn push(&mut self, value: &'a [u8]) {
        match self {
            Lines::Absent => *self = Lines::One(value),
            Lines::One(first) => *self = Lines::Collected(vec![first, value]),
            Lines::Collected(lines) => lines.push(value),
            Lines::Many(_) => {}
        }
    }

    /// Calls `each` with every line in order, until it returns false.
    #[inline]
    pub(crate) fn each(&self, mut each: impl FnMut(&[u8]) -> bool) {
        match self {
            Lines::Absent => {}
            Lines::One(line) => {
                each(line);
            }
            Lines::Many(source) => source.each_line(&mut each),
            Lines::Collected(lines) => lines.each_line(&mut each),
        }
    }
}

impl std::fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut list = f.debug_list();
        self.each(|line| {
            list.entry(&line.escape_ascii().to_string());
            true
        });
        list.finish()
    }
}

/// Calls `each` with every element of the list, trimmed. The end of a line ends an element.
pub(crate) fn each_element(
    lines: &Lines<'_>,
    mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut flow = ControlFlow::Continue(());
    lines.each(|line| {
        flow = each_of_line(line, &mut each);
        flow.is_continue()
    });
    flow
}
