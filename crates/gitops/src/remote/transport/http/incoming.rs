//! The body of an answer as a stream that respects a deadline.

use std::io::{self, Read};

use bytes::{Buf as _, Bytes};

use super::super::super::error::Error;
use super::super::super::watch::Watch;
use crate::web::Response;

/// Bytes from a server.
pub(super) struct Incoming {
    response: Response,
    chunk: Bytes,
    watch: Watch,
}

impl Incoming {
    pub(super) fn new(response: Response, watch: Watch) -> Self {
        Self {
            response,
            chunk: Bytes::new(),
            watch,
        }
    }
}

impl Read for Incoming {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let chunk = self.response.chunk::<Error>(|| self.watch.slice())?;
            let Some(chunk) = chunk else {
                return Ok(0);
            };
            self.chunk = chunk;
        }
        let count = self.chunk.as_ref().read(bytes)?;
        self.chunk.advance(count);
        Ok(count)
    }
}
