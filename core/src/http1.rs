//! The header block of a decision as HTTP/1.1 writes it.

use crate::decision::{Action, Decision};
use crate::headers::Piece;

/// A preflight answered with a status that may have a body says that it has none (RFC 9110, 8.6).
const NO_BODY: &str = "Content-Length: 0\r\n";

impl Decision<'_> {
    /// Writes the headers as `Name: value` lines, each with its CRLF and without the empty line that ends a header
    /// section. An answer whose status is not 204 gets `Content-Length: 0`. For hosts that write a response
    /// themselves; one that merges into the application's uses [`Decision::apply`].
    ///
    /// # Errors
    /// The size needed, if the buffer is smaller; nothing useful is in it then.
    ///
    /// ```
    /// # use crossgate::{Policy, Request};
    /// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let request = Request::new("GET").header("Origin", b"https://a.example");
    /// let mut buffer = [0; 256];
    /// let length = policy.evaluate(&request).write_http1(&mut buffer).unwrap();
    /// assert_eq!(&buffer[..length], b"Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n");
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[inline]
    pub fn write_http1(&self, buffer: &mut [u8]) -> Result<usize, usize> {
        let mut used = 0;
        let mut put = |text: &str| {
            if let Some(target) = buffer.get_mut(used..used + text.len()) {
                target.copy_from_slice(text.as_bytes());
            }
            used += text.len();
        };
        for piece in &self.block.http1 {
            match piece {
                Piece::Text(text) => put(text),
                Piece::Line(head, value) => {
                    if let Some((value, _)) = self.value(value) {
                        put(head);
                        put(value);
                        put("\r\n");
                    }
                }
            }
        }
        if self.action == Action::Answer && self.status != 204 {
            put(NO_BODY);
        }
        if used <= buffer.len() { Ok(used) } else { Err(used) }
    }
}
