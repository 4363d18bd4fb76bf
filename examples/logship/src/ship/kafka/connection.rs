//! One connection to a broker: a request, then its response, each after its length in four bytes (Kafka protocol guide, "Network").

use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut as _, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    ApiKey, RequestHeader, ResponseHeader, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{
    Decodable, Encodable, HeaderVersion, StrBytes, encode_request_header_into_buffer,
};

use super::access::{Access, Login, Stream};
use super::scram::Scram;

/// The longest response that is read.
const MAX_RESPONSE_BYTES: usize = 16 << 20;
const CONNECT: Duration = Duration::from_secs(10);
/// Longer than a broker may take for the other replicas.
const ANSWER: Duration = Duration::from_secs(60);

pub(super) struct Connection {
    stream: Box<dyn Stream>,
    requests: i32,
}

impl Connection {
    /// Connects to `host:port` and says who asks.
    pub(super) fn open(address: &str, access: &Access) -> anyhow::Result<Self> {
        let about = || format!("cannot connect to {address}");
        let addresses = address.to_socket_addrs().with_context(about)?;
        let mut failure = None;
        for socket_address in addresses {
            match TcpStream::connect_timeout(&socket_address, CONNECT) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(ANSWER))?;
                    stream.set_write_timeout(Some(ANSWER))?;
                    let mut connection = Self {
                        stream: access.over(stream, address)?,
                        requests: 0,
                    };
                    if let Some(login) = access.login() {
                        connection.log_in(login).with_context(about)?;
                    }
                    return Ok(connection);
                }
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error).with_context(about),
            None => bail!("{}: it has no address", about()),
        }
    }

    fn log_in(&mut self, login: &Login) -> anyhow::Result<()> {
        let mechanism = login.mechanism.name();
        let request =
            SaslHandshakeRequest::default().with_mechanism(StrBytes::from_static_str(mechanism));
        let answer: SaslHandshakeResponse = self.ask(ApiKey::SaslHandshake, &request, 1)?;
        if let Some(error) = ResponseError::try_from_code(answer.error_code) {
            bail!("it does not take {mechanism}: {error}");
        }
        let (user, password) = (&login.user[..], &login.password[..]);
        let Some(hash) = login.mechanism.scram() else {
            self.authenticate(&format!("\0{user}\0{password}"))?;
            return Ok(());
        };
        let mut nonce = [0; 24];
        rand::fill(&mut nonce).context("no random numbers")?;
        let scram = Scram::new(hash, user, STANDARD.encode(nonce));
        let challenge = self.authenticate(&scram.first())?;
        let (answer, proof) = scram.answer(&challenge, password)?;
        proof.check(&self.authenticate(&answer)?)
    }

    fn authenticate(&mut self, message: &str) -> anyhow::Result<String> {
        let bytes = Bytes::copy_from_slice(message.as_bytes());
        let request = SaslAuthenticateRequest::default().with_auth_bytes(bytes);
        let answer: SaslAuthenticateResponse = self.ask(ApiKey::SaslAuthenticate, &request, 1)?;
        if let Some(error) = ResponseError::try_from_code(answer.error_code) {
            // Nothing of what it says: that can repeat what was sent.
            bail!("the name or the password is wrong: {error}");
        }
        String::from_utf8(answer.auth_bytes.to_vec()).context("its answer is no text")
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
        self.stream.flush()?;

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
