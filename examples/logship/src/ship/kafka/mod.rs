//! A topic of Kafka: a record for each event, its key the event's id, its value the document that OpenSearch would get.
//!
//! All replicas must have a record before it counts as arrived (`acks=all`). After a lost answer or a kill it may be there twice, under one key:
//! all of one source goes to one partition, in order, so compaction or a consumer that looks at keys keeps one.
//!
//! Requests are of versions that every broker since Kafka 2.4 takes, so nothing is negotiated. What was learnt of the cluster is forgotten when
//! something goes wrong and asked for again.

mod access;
mod connection;
mod scram;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail, ensure};
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    ApiKey, MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use narae_logparse::Event;
use narae_logparse::deliver::{Answer, Outcome};
use narae_logparse::encode::{Item, Origin, bulk};
use narae_logparse::hash::fnv1a;

use super::Sink;
pub(crate) use access::{Access, Login, Mechanism};
use connection::Connection;

const METADATA_VERSION: i16 = 9;
const PRODUCE_VERSION: i16 = 9;
/// How long the leader may wait for the other replicas.
const REPLICAS_MS: i32 = 30_000;
/// Brokers take batches of 1 MiB unless told otherwise; with room for what is around the records.
const BATCH_BYTES: usize = 900_000;

/// A topic being written to.
pub(crate) struct Kafka {
    /// Asked for the others: `host:port`.
    brokers: Vec<String>,
    topic: TopicName,
    access: Arc<Access>,
    cluster: Option<Cluster>,
}

/// What is known of the topic.
struct Cluster {
    /// Partitions and their leaders, in order.
    partitions: Vec<(i32, i32)>,
    addresses: HashMap<i32, String>,
    access: Arc<Access>,
    connections: HashMap<i32, Connection>,
}

impl Kafka {
    /// `brokers` is `host:port,…`; nothing is connected to yet.
    pub(crate) fn new(brokers: &str, topic: String, access: Access) -> anyhow::Result<Self> {
        let brokers: Vec<String> = brokers.split(',').map(str::to_owned).collect();
        for broker in &brokers {
            let port = broker.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(_))) {
                bail!("{broker:?} is no broker: expected host:port, and commas between several");
            }
        }
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        ensure!(
            !topic.is_empty() && topic.len() <= 249 && topic.bytes().all(legal),
            "{topic:?} is no name of a topic: letters, digits, `.`, `_` and `-`, 249 at most"
        );
        Ok(Self {
            brokers,
            topic: TopicName(StrBytes::from_string(topic)),
            access: Arc::new(access),
            cluster: None,
        })
    }

    fn produce(&mut self, items: &[&Item]) -> anyhow::Result<Vec<Outcome>> {
        let mut cluster = match self.cluster.take() {
            Some(cluster) => cluster,
            None => self.find()?,
        };
        let mut outcomes = vec![Outcome::Later(String::new()); items.len()];
        let mut by_partition: BTreeMap<(i32, i32), Vec<usize>> = BTreeMap::new();
        for (at, item) in items.iter().enumerate() {
            let partition = cluster.partition(item.group());
            by_partition.entry(partition).or_default().push(at);
        }
        for ((partition, leader), positions) in by_partition {
            for batch in batches(items, &positions) {
                let told = self.send_batch(&mut cluster, (partition, leader), items, batch)?;
                for (at, outcome) in batch.iter().zip(told) {
                    if let Some(place) = outcomes.get_mut(*at) {
                        *place = outcome;
                    }
                }
            }
        }
        // A record that must wait may have a new leader by then.
        let waits = |outcome: &Outcome| matches!(outcome, Outcome::Later(_));
        if !outcomes.iter().any(waits) {
            self.cluster = Some(cluster);
        }
        Ok(outcomes)
    }

    /// Sends a batch and, if something in it spoils the rest, its halves.
    fn send_batch(
        &self,
        cluster: &mut Cluster,
        (partition, leader): (i32, i32),
        items: &[&Item],
        positions: &[usize],
    ) -> anyhow::Result<Vec<Outcome>> {
        let chosen: Vec<&Item> = positions
            .iter()
            .filter_map(|at| items.get(*at).copied())
            .collect();
        let data = PartitionProduceData::default()
            .with_index(partition)
            .with_records(Some(encode(&chosen)?));
        let topic = TopicProduceData::default()
            .with_name(self.topic.clone())
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(REPLICAS_MS)
            .with_topic_data(vec![topic]);
        let connection = cluster.connection(leader)?;
        let response: ProduceResponse =
            connection.ask(ApiKey::Produce, &request, PRODUCE_VERSION)?;
        let mut partitions = response
            .responses
            .iter()
            .flat_map(|topic| &topic.partition_responses);
        let answer = partitions
            .find(|answer| answer.index == partition)
            .context("the answer is about something else")?;
        match judge(answer, chosen.len()) {
            Verdict::Each(outcomes) => Ok(outcomes),
            Verdict::Split => {
                let (first, second) = positions.split_at(positions.len() / 2);
                let mut outcomes = self.send_batch(cluster, (partition, leader), items, first)?;
                outcomes.extend(self.send_batch(cluster, (partition, leader), items, second)?);
                Ok(outcomes)
            }
        }
    }

    /// Asks any broker for the topic's partitions, which makes the topic where that is allowed.
    fn find(&self) -> anyhow::Result<Cluster> {
        let mut failure = None;
        for broker in &self.brokers {
            match self.ask(broker) {
                Ok(cluster) => return Ok(cluster),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.context("there are no brokers")?)
    }

    fn ask(&self, broker: &str) -> anyhow::Result<Cluster> {
        let topic = MetadataRequestTopic::default().with_name(Some(self.topic.clone()));
        let request = MetadataRequest::default()
            .with_topics(Some(vec![topic]))
            .with_allow_auto_topic_creation(true);
        let mut connection = Connection::open(broker, &self.access)?;
        let response: MetadataResponse =
            connection.ask(ApiKey::Metadata, &request, METADATA_VERSION)?;
        let topic = response.topics.first().context("no word of the topic")?;
        if let Some(error) = ResponseError::try_from_code(topic.error_code) {
            bail!("{}: {error}", self.topic.as_str());
        }
        let leaders = topic.partitions.iter();
        let mut partitions: Vec<(i32, i32)> = leaders
            .map(|partition| (partition.partition_index, partition.leader_id.0))
            .collect();
        partitions.sort_unstable();
        ensure!(!partitions.is_empty(), "the topic has no partitions yet");
        let brokers = response.brokers.iter();
        let address = |host: &str, port: i32| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        };
        let addresses =
            brokers.map(|broker| (broker.node_id.0, address(&broker.host, broker.port)));
        Ok(Cluster {
            partitions,
            addresses: addresses.collect(),
            access: Arc::clone(&self.access),
            connections: HashMap::new(),
        })
    }
}

impl Cluster {
    /// The partition of a source, also after a restart, and its leader.
    fn partition(&self, source: &[u8]) -> (i32, i32) {
        let count = self.partitions.len().max(1) as u64;
        let at = usize::try_from(fnv1a(source) % count).unwrap_or(0);
        self.partitions.get(at).copied().unwrap_or_default()
    }

    fn connection(&mut self, broker: i32) -> anyhow::Result<&mut Connection> {
        if !self.connections.contains_key(&broker) {
            let address = self.addresses.get(&broker);
            let address = address.context("the partition has no leader now")?;
            let connection = Connection::open(address, &self.access)?;
            self.connections.insert(broker, connection);
        }
        let connection = self.connections.get_mut(&broker);
        connection.context("the partition has no leader now")
    }
}

impl Sink for Kafka {
    fn encode(&self, event: &Event<'_>, origin: &Origin<'_>) -> Item {
        bulk::document(event, origin)
    }

    fn send(&mut self, items: &[&Item]) -> Answer {
        match self.produce(items) {
            Ok(outcomes) => Answer::Each(outcomes),
            Err(error) => Answer::unknown(format!("{error:#}")),
        }
    }
}

enum Verdict {
    Each(Vec<Outcome>),
    Split,
}

/// What a broker's answer means for each of so many records.
fn judge(answer: &PartitionProduceResponse, records: usize) -> Verdict {
    let Some(error) = ResponseError::try_from_code(answer.error_code) else {
        return Verdict::Each(vec![Outcome::Done; records]);
    };
    let spoils = matches!(
        error,
        ResponseError::MessageTooLarge
            | ResponseError::RecordListTooLarge
            | ResponseError::InvalidRecord
            | ResponseError::InvalidTimestamp
    );
    match (spoils, records) {
        (true, 1) => {
            let why = answer.error_message.as_ref().map(|text| text.as_str());
            let why = why.map_or_else(|| error.to_string(), |why| format!("{error}: {why}"));
            Verdict::Each(vec![Outcome::Refused(why)])
        }
        (true, _) => Verdict::Split,
        // The leader moved, too few replicas, wrong credentials: nothing is wrong with the records.
        (false, _) => Verdict::Each(vec![Outcome::Later(error.to_string()); records]),
    }
}

/// Runs of positions whose items fit into one batch.
fn batches<'p>(items: &[&Item], positions: &'p [usize]) -> Vec<&'p [usize]> {
    let (mut found, mut from, mut bytes) = (Vec::new(), 0, 0);
    for (number, at) in positions.iter().enumerate() {
        let item = items.get(*at).map_or(0, |item| item.bytes());
        if number > from && bytes + item > BATCH_BYTES {
            found.extend(positions.get(from..number));
            (from, bytes) = (number, 0);
        }
        bytes += item;
    }
    found.extend(positions.get(from..).filter(|rest| !rest.is_empty()));
    found
}

fn encode(items: &[&Item]) -> anyhow::Result<Bytes> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    let record = |(at, item): (i32, &&Item)| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(at),
        // One less than the offset makes the batch's first one -1: none.
        sequence: at - 1,
        // When the event happened is in the document. As the record's time it could be out of what the topic allows or keeps.
        timestamp: now,
        key: Some(Bytes::copy_from_slice(item.id().as_bytes())),
        value: Some(Bytes::copy_from_slice(item.body())),
        headers: IndexMap::new(),
    };
    let records: Vec<Record> = (0_i32..).zip(items).map(record).collect();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::Gzip,
    };
    let mut out = BytesMut::new();
    RecordBatchEncoder::encode(&mut out, &records, &options)?;
    Ok(out.freeze())
}
