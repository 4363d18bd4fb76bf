//! Whatever a server sends, packet lines are read or refused; what was read is written the same, and no reader of
//! advertisements, answers and reports takes more than it was sent.
#![no_main]

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use narae_gitops::remote::wire::{
    Capabilities, FetchResponse, MAX_SAID_BYTES, Packet, PacketReader, PacketWriter, Pushable,
    ReferencesRequest, Report, Said, Sideband,
};

fuzz_target!(|bytes: &[u8]| {
    let written = rewritten(bytes);
    assert!(written.len() <= bytes.len());
    assert_eq!(rewritten(&written), written);

    let _ = Capabilities::read(&mut PacketReader::new(bytes));
    let _ = Pushable::read(&mut PacketReader::new(bytes), &["refs/heads/main"]);
    let _ = ReferencesRequest::new(["refs/"]).read(&mut PacketReader::new(bytes));
    yes_is_heard(bytes);
    let (mut packets, mut said) = (PacketReader::new(bytes), Said::new());
    let mut band = Vec::new();
    if Sideband::new(&mut packets, &mut said)
        .read_to_end(&mut band)
        .is_ok()
    {
        yes_is_heard(&band);
    }
    let mut packets = PacketReader::new(bytes);
    let mut said = Said::new();
    let mut pack = Vec::new();
    if FetchResponse::read(&mut packets).is_ok() {
        let _ = Sideband::new(&mut packets, &mut said).read_to_end(&mut pack);
    }
    assert!(pack.len() <= bytes.len());
    let heard: usize = said.lines().iter().map(String::len).sum();
    // A byte that is not UTF-8 is shown as a sign of three.
    assert!(heard <= 3 * MAX_SAID_BYTES);
});

/// A yes is never made up.
fn yes_is_heard(bytes: &[u8]) {
    if let Ok(report) = Report::read(&mut PacketReader::new(bytes))
        && report.refusal("refs/heads/main").is_none()
    {
        let yes = b"ok refs/heads/main";
        assert!(bytes.windows(yes.len()).any(|window| window == yes));
    }
}

/// The packets of `bytes` up to the first that is not one, or that only a server sends.
fn rewritten(bytes: &[u8]) -> Vec<u8> {
    let mut packets = PacketReader::new(bytes);
    let mut again = PacketWriter::new();
    while let Ok(packet) = packets.read() {
        match packet {
            Packet::Data(data) => again.data(data).expect("it came in one packet"),
            Packet::Flush => again.flush(),
            Packet::Delimiter => again.delimiter(),
            Packet::ResponseEnd => break,
        }
    }
    again.into_bytes()
}
