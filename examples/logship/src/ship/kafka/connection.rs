//! One connection to a broker: a request, then its response, each after its length in four bytes (Kafka protocol guide, "Network").

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, StrBytes, encode_request_header_into_buffer,
};

/// The longest response that is read.
const MAX_RESPONSE_BYTES: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(10);
/// Longer than a broker may take for the other replicas.
const ANSWER: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    stream: TcpStream,
    requests: i32,
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) fn open(address: &str) -> anyhow::Result<Self> {
        let about = || format!("cannot connect to {address}");
        let addresses = address.to_socket_addrs().with_context(about)?;
        let mut failure = None;
        for socket_address in addresses {
            match TcpStream::connect_timeout(&socket_address, CONNECT) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(ANSWER))?;
                    stream.set_write_timeout(Some(ANSWER))?;
                    return Ok(Self {
                        stream,
                        requests: 0,
                    });
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error).with_context(about),
            None => bail!("{}: it has no address", about()),
        }
    }

    /// Sends a request of this version and waits for its response.
    pub(super) fn ask<Answer: Decodable + HeaderVersion>(
        &mut self,
        kind: ApiKey,
        request: &impl Encodable,
        version: i16,
    ) -> anyhow::Result<Answer> {
        self.requests = self.requests.wrapping_add(1);
        let header = RequestHeader::default()
            .with_request_api_key(kind as i16)
            .with_request_api_version(version)
            .with_correlation_id(self.requests)
            .with_client_id(Some(StrBytes::from_static_str("logship")));
        let mut body = BytesMut::new();
        encode_request_header_into_buffer(&mut body, &header)?;
        request.encode(&mut body, version)?;
        let mut frame = BytesMut::with_capacity(body.len() + 4);
        frame.put_i32(i32::try_from(body.len()).context("a request of more than 2 GiB")?);
        frame.extend_from_slice(&body);
        self.stream.write_all(&frame)?;

        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
        ensure!(
            length <= MAX_RESPONSE_BYTES,
            "what answers is no Kafka, or it answers too much"
        );
        let mut response = vec![0; length];
        self.stream.read_exact(&mut response)?;
        let mut response = Bytes::from(response);
        let header = ResponseHeader::decode(&mut response, Answer::header_version(version))?;
        ensure!(
            header.correlation_id == self.requests,
            "an answer to another request"
        );
        Answer::decode(&mut response, version)
    }
}
