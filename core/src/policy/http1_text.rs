//! A header set as HTTP/1.1 writes it, as far as the policy knows it.

use super::header_line::{HeaderLine, LineValue};
use crate::fetch::header::HeaderName;

/// The bytes that are copied at once, so that no length needs a call.
pub(crate) const CHUNK: usize = 32;

/// A block of headers, written out as far as the policy knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Http1Text {
    pub(crate) pieces: Box<[Piece]>,
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
pub(crate) struct Piece {
    /// Filled up with zeros.
    pub(crate) chunks: Box<[[u8; CHUNK]]>,
    pub(crate) length: usize,
    pub(crate) value: Option<LineValue>,
}

impl Piece {
    fn new(text: &str, value: Option<LineValue>) -> Self {
        let mut chunks = vec![[0; CHUNK]; text.len().div_ceil(CHUNK)];
        chunks.as_flattened_mut()[..text.len()].copy_from_slice(text.as_bytes());
        Piece {
            chunks: chunks.into_boxed_slice(),
            length: text.len(),
            value,
        }
    }
}

impl Http1Text {
    pub(crate) fn new(lines: &[HeaderLine]) -> Self {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        for line in lines {
            text.push_str(line.name.as_str());
            text.push_str(": ");
            match &line.value {
                LineValue::Fixed(value) => text.push_str(value.as_str()),
                value => pieces.push(Piece::new(&std::mem::take(&mut text), Some(value.clone()))),
            }
            text.push_str("\r\n");
        }
        if !text.is_empty() {
            pieces.push(Piece::new(&text, None));
        }
        let names_origin = pieces.first().is_some_and(|piece| {
            piece.length == START_LENGTH && matches!(piece.value, Some(LineValue::Origin))
        });
        let is_usual = pieces.len() == usize::from(names_origin) + 1
            && pieces.last().is_some_and(|piece| piece.value.is_none());
        Http1Text {
            pieces: pieces.into_boxed_slice(),
            names_origin,
            is_usual,
        }
    }

    /// Writes a usual block in few steps, if the buffer has room for whole chunks.
    #[inline(always)]
    pub(crate) fn write_at_once(&self, origin: &[u8], buffer: &mut [u8]) -> Option<usize> {
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
