//! Whatever a server answers, each record of the batch ends once or is queued again.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use narae_logparse::deliver::{Protocol, Queue, QueueOptions, Response};
use narae_logparse::encode::Item;
use narae_logparse::encode::otlp::Encoding;

fuzz_target!(|input: (u8, u8, u16, &str, &[u8])| {
    let (protocol, records, status, header, body) = input;
    let protocol = match protocol % 4 {
        0 => Protocol::Bulk,
        1 => Protocol::Otlp(Encoding::Json),
        2 => Protocol::Otlp(Encoding::Protobuf),
        _ => Protocol::Loki,
    };
    let mut queue = Queue::new(QueueOptions::default());
    for record in 0..records % 8 {
        let item = Item::new(record.to_string(), Vec::new(), vec![record]);
        assert!(queue.push(item, 1).is_ok());
    }
    let Some((batch, _)) = queue.next_batch(Duration::ZERO) else {
        return;
    };
    let response = Response::new(status, body).with_retry_after(header);
    let answer = protocol.answer(&response, queue.batch(batch));
    let endings = queue.answer(batch, answer, Duration::ZERO);
    assert_eq!(endings.len() + queue.len(), usize::from(records % 8));
});
