//! The header block of a decision as HTTP/1.1 writes it.

use crate::decision::{Action, Decision};
use crate::headers::{HeaderName, Line, Value};

/// A preflight answered with a status that may have a body says that it has none (RFC 9110, 8.6).
const NO_BODY: &[u8] = b"Content-Length: 0\r\n";

/// The bytes that are copied at once, so that no length needs a call.
const CHUNK: usize = 32;

/// A block of headers, written out as far as the policy knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http1 {
    pieces: Box<[Piece]>,
    /// The first line is [`START`] and the origin.
    names_origin: bool,
    /// There is no other value of the request than that origin, so that the last piece holds
    /// everything behind it.
    is_usual: bool,
}

/// How a block starts that names the request's origin.
const START: [u8; CHUNK] = {
    let mut start = [0; CHUNK];
    let name = HeaderName::AllowOrigin.as_str().as_bytes();
    start.split_at_mut(name.len()).0.copy_from_slice(name);
    start[name.len()] = b':';
    start[name.len() + 1] = b' ';
    start
};
const START_LENGTH: usize = HeaderName::AllowOrigin.as_str().len() + 2;

/// Text of the policy, then a value of the request.
#[derive(Clone, Debug, Default)]
struct Piece {
    /// Filled up with zeros.
    chunks: Box<[[u8; CHUNK]]>,
    length: usize,
    value: Option<Value>,
}

impl Piece {
    fn new(text: &str, value: Option<Value>) -> Self {
        let mut chunks = vec![[0; CHUNK]; text.len().div_ceil(CHUNK)];
        chunks.as_flattened_mut()[..text.len()].copy_from_slice(text.as_bytes());
        Piece {
            chunks: chunks.into_boxed_slice(),
            length: text.len(),
            value,
        }
    }
}

impl Http1 {
    pub(crate) fn new(lines: &[Line]) -> Self {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        for line in lines {
            text.push_str(line.name.as_str());
            text.push_str(": ");
            match &line.value {
                Value::Fixed(value) => text.push_str(value.as_str()),
                value => pieces.push(Piece::new(&std::mem::take(&mut text), Some(value.clone()))),
            }
            text.push_str("\r\n");
        }
        if !text.is_empty() {
            pieces.push(Piece::new(&text, None));
        }
        let names_origin = pieces.first().is_some_and(|piece| {
            piece.length == START_LENGTH && matches!(piece.value, Some(Value::Origin))
        });
        let is_usual = pieces.len() == usize::from(names_origin) + 1
            && pieces.last().is_some_and(|piece| piece.value.is_none());
        Http1 {
            pieces: pieces.into_boxed_slice(),
            names_origin,
            is_usual,
        }
    }

    /// Writes a usual block in few steps, if the buffer has room for whole chunks.
    #[inline(always)]
    fn write_at_once(&self, origin: &[u8], buffer: &mut [u8]) -> Option<usize> {
        const HALF: usize = CHUNK / 2;
        const LONGEST: usize = 3 * HALF;
        let tail = self.pieces.last().filter(|_| self.is_usual)?;
        let mut used = 0;
        if self.names_origin {
            // Halves of a chunk that may overlap cover every length from one to three.
            let (first, last) = (origin.first_chunk::<HALF>()?, origin.last_chunk::<HALF>()?);
            let room = buffer.first_chunk_mut::<{ START_LENGTH + LONGEST }>()?;
            used = START_LENGTH + origin.len();
            room[..CHUNK].copy_from_slice(&START);
            room[START_LENGTH..START_LENGTH + HALF].copy_from_slice(first);
            if let Some(second) = origin[HALF..].first_chunk::<HALF>() {
                room[START_LENGTH + HALF..START_LENGTH + CHUNK].copy_from_slice(second);
            }
            *room.get_mut(..used)?.last_chunk_mut::<HALF>()? = *last;
        }
        let room = buffer
            .get_mut(used..)?
            .get_mut(..tail.chunks.len() * CHUNK)?;
        room.as_chunks_mut()
            .0
            .iter_mut()
            .zip(&tail.chunks)
            .for_each(|(to, from)| *to = *from);
        Some(used + tail.length)
    }
}

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
    /// hosts that write a response themselves; one that merges into the application's uses
    /// [`Decision::apply`].
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
    /// assert_eq!(
    ///     &buffer[..length],
    ///     b"Access-Control-Allow-Origin: https://a.example\r\nVary: Origin\r\n"
    /// );
    /// # Ok::<(), crossgate::PolicyError>(())
    /// ```
    #[inline]
    pub fn write_http1(&self, buffer: &mut [u8]) -> Result<usize, usize> {
        self.write_http1_at_once(buffer)
            .map_or_else(|| self.write_pieces(buffer), Ok)
    }

    /// The same where it takes few steps: `None` says nothing. For bindings, beside
    /// [`Policy::evaluate_at_once`].
    ///
    /// [`Policy::evaluate_at_once`]: crate::Policy::evaluate_at_once
    #[inline(always)]
    pub fn write_http1_at_once(&self, buffer: &mut [u8]) -> Option<usize> {
        let says_no_body = self.action == Action::Answer && self.status != 204;
        if says_no_body {
            None
        } else {
            self.block
                .http1
                .write_at_once(self.origin.as_bytes(), buffer)
        }
    }

    #[inline(never)]
    fn write_pieces(&self, buffer: &mut [u8]) -> Result<usize, usize> {
        let mut writer = Writer { buffer, used: 0 };
        for piece in &self.block.http1.pieces {
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
            Err(used)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Policy, Request};

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
                                Err(needed) => assert!(
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
