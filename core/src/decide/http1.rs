//! The headers of a decision as HTTP/1.1 writes them.

use std::fmt;

use super::{Action, Decision};
use crate::policy::http1_text::{CHUNK, Piece};

/// A preflight answered with a status that may have a body says that it has none
/// ([RFC 9110, 8.6](https://www.rfc-editor.org/rfc/rfc9110#section-8.6)).
const NO_BODY: &[u8] = b"Content-Length: 0\r\n";

/// A buffer is too small for the headers of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BufferTooSmall {
    /// The size needed, in bytes.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the headers need a buffer of {} bytes", self.needed)
    }
}

impl std::error::Error for BufferTooSmall {}

/// A buffer that is filled as far as it goes, while the length is counted on.
struct Writer<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl Writer<'_> {
    #[inline(always)]
    fn piece(&mut self, piece: &Piece) {
        let end = self.used + piece.length;
        match self
            .buffer
            .get_mut(self.used..self.used + piece.chunks.len() * CHUNK)
        {
            // What the last chunk has too much lies in the free room.
            Some(room) => room
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip(&piece.chunks)
                .for_each(|(to, from)| *to = *from),
            None => self.piece_at_the_end(piece),
        }
        self.used = end;
    }

    #[cold]
    fn piece_at_the_end(&mut self, piece: &Piece) {
        if let Some(room) = self.buffer.get_mut(self.used..self.used + piece.length) {
            room.copy_from_slice(&piece.chunks.as_flattened()[..piece.length]);
        }
    }

    /// An origin or another value: two chunks that may overlap cover every length from one to two.
    #[inline(always)]
    fn value(&mut self, text: &[u8]) {
        const HALF: usize = CHUNK / 2;
        let end = self.used + text.len();
        if let Some(room) = self.buffer.get_mut(self.used..end) {
            match (
                text.first_chunk::<HALF>(),
                text.last_chunk::<HALF>(),
                room.len(),
            ) {
                (Some(first), Some(last), HALF..=CHUNK) => {
                    room[..HALF].copy_from_slice(first);
                    let start = room.len() - HALF;
                    room[start..].copy_from_slice(last);
                }
                _ => room.copy_from_slice(text),
            }
        }
        self.used = end;
    }
}

impl Decision<'_> {
    /// Writes the headers as `Name: value` lines, each with its CRLF and without the empty line
    /// that ends a header section. An answer whose status is not 204 gets `Content-Length: 0`. For
    /// servers that write a response themselves; one that merges into the application's uses
    /// [`Decision::apply`].
    ///
    /// # Errors
    /// [`BufferTooSmall`] with the size needed; nothing useful is in the buffer then.
    ///
    /// ```
    /// # use crossgate::{Policy, Request};
    /// # let policy = Policy::builder().allow_origins(["https://a.example"]).build()?;
    /// let request = Request::new("GET").header("Origin", b"https://a.example");
    /// let mut buffer = [0; 256];
    /// let length = policy.evaluate(&request).write_http1(&mut buffer).unwrap();
    /// assert_eq!(
    ///     &buffer[..length],
    ///     b"Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n"
    /// );
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[inline]
    pub fn write_http1(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        self.write_http1_at_once(buffer)
            .map_or_else(|| self.write_pieces(buffer), Ok)
    }

    /// [`Decision::write_http1`] where a few copies of whole chunks do it; `None`: not written, use
    /// that one. For bindings that want the short way in line.
    #[doc(hidden)]
    #[inline(always)]
    pub fn write_http1_at_once(&self, buffer: &mut [u8]) -> Option<usize> {
        let says_no_body = self.action == Action::Answer && self.status != 204;
        if says_no_body {
            None
        } else {
            self.set.http1.write_at_once(self.origin.as_bytes(), buffer)
        }
    }

    #[inline(never)]
    fn write_pieces(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let mut writer = Writer { buffer, used: 0 };
        for piece in &self.set.http1.pieces {
            writer.piece(piece);
            // A block only has values that its decisions have.
            if let Some((value, _)) = piece.value.as_ref().and_then(|value| self.value(value)) {
                writer.value(value.as_bytes());
            }
        }
        if self.action == Action::Answer && self.status != 204 {
            writer.value(NO_BODY);
        }
        let Writer { buffer, used } = writer;
        if used <= buffer.len() {
            Ok(used)
        } else {
            Err(BufferTooSmall { needed: used })
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{BufferTooSmall, Policy, Request};

    /// Both ways of writing a block, into buffers of every size.
    #[test]
    fn blocks_are_the_same_however_they_are_written() {
        let builder = Policy::builder()
            .allow_origins(["https://*.a.example", "app://*"])
            .allow_methods(["PUT"])
            .expose_headers(["X-B"]);
        for policy in [
            builder.clone().build().unwrap(),
            builder.max_age(5).preflight_status(200).build().unwrap(),
        ] {
            for origin in (1..70)
                .map(|length| format!("app://{}", "x".repeat(length)))
                .chain(["https://x.a.example".into(), "https://evil.example".into()])
            {
                for method in ["GET", "OPTIONS"] {
                    let request = Request::new(method)
                        .header("Origin", &origin)
                        .header("Access-Control-Request-Method", "PUT");
                    let decision = policy.evaluate(&request);
                    let mut expected: String = decision
                        .headers()
                        .map(|header| format!("{}: {}\r\n", header.name, header.value))
                        .collect();
                    if decision.status().is_some_and(|status| status != 204) {
                        expected.push_str("Content-Length: 0\r\n");
                    }
                    for size in 0..expected.len() + 100 {
                        for write in [crate::Decision::write_http1, crate::Decision::write_pieces] {
                            let mut buffer = vec![b'#'; size];
                            match write(&decision, &mut buffer) {
                                Ok(length) => {
                                    assert_eq!(String::from_utf8_lossy(&buffer[..length]), expected)
                                }
                                Err(BufferTooSmall { needed }) => assert!(
                                    needed == expected.len() && needed > size,
                                    "{needed} {size}"
                                ),
                            }
                        }
                    }
                }
            }
        }
    }
}
