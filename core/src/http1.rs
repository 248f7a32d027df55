//! The header block of a decision as HTTP/1.1 writes it.

use crate::decision::{Action, Decision};
use crate::headers::{Line, Value};

/// A preflight answered with a status that may have a body says that it has none (RFC 9110, 8.6).
const NO_BODY: &[u8] = b"Content-Length: 0\r\n";

/// The bytes that are copied at once, so that no length needs a call.
const CHUNK: usize = 32;

/// A block of headers, written out as far as the policy knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http1 {
    pieces: Vec<Piece>,
}

/// Text of the policy, then a value of the request.
#[derive(Clone, Debug, Default)]
struct Piece {
    /// Filled up with zeros.
    chunks: Vec<[u8; CHUNK]>,
    length: usize,
    value: Option<Value>,
}

impl Piece {
    fn new(text: &str, value: Option<Value>) -> Self {
        let mut chunks = vec![[0; CHUNK]; text.len().div_ceil(CHUNK)];
        chunks.as_flattened_mut()[..text.len()].copy_from_slice(text.as_bytes());
        Piece { chunks, length: text.len(), value }
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
        Http1 { pieces }
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
        match self.buffer.get_mut(self.used..self.used + piece.chunks.len() * CHUNK) {
            // What the last chunk has too much lies in the free room.
            Some(room) => room.as_chunks_mut().0.iter_mut().zip(&piece.chunks).for_each(|(to, from)| *to = *from),
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
            match (text.first_chunk::<HALF>(), text.last_chunk::<HALF>(), room.len()) {
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
        if used <= buffer.len() { Ok(used) } else { Err(used) }
    }
}
