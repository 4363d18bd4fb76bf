//! Packet lines, advertisements, requests and reports as bytes.

use narae_gitops::remote::wire::{
    Capabilities, FetchRequest, FetchResponse, MAX_PACKET_BYTES, MAX_SAID_BYTES, ObjectId, Packet,
    PacketReader, PacketWriter, PushRequest, Pushable, ReferencesRequest, Report, Said, Sideband,
    WireError,
};
use proptest::prelude::*;
use std::io::Read as _;

const ID: &str = "1111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222";

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// Packets of `lines`, `|` standing for a delimiter and `.` for a flush.
fn packets(lines: &[&str]) -> Vec<u8> {
    let mut writer = PacketWriter::new();
    for line in lines {
        match *line {
            "." => writer.flush(),
            "|" => writer.delimiter(),
            line => writer.data(line.as_bytes()).unwrap(),
        }
    }
    writer.into_bytes()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn packets_are_read_as_written(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..10)) {
        let mut writer = PacketWriter::new();
        for message in &messages {
            writer.data(message).unwrap();
        }
        writer.flush();
        let bytes = writer.into_bytes();
        let mut reader = PacketReader::new(bytes.as_slice());
        for message in &messages {
            prop_assume!(!message.starts_with(b"ERR "));
            prop_assert_eq!(reader.read().unwrap(), Packet::Data(message));
        }
        prop_assert_eq!(reader.read().unwrap(), Packet::Flush);
        prop_assert!(matches!(reader.read(), Err(WireError::Ended)));
    }

    #[test]
    fn ids_print_as_they_were(bytes: [u8; 20]) {
        let id = ObjectId::from_bytes(bytes);
        prop_assert_eq!(id.to_string().parse::<ObjectId>().unwrap(), id);
    }
}

#[test]
fn lengths_are_exactly_those_of_the_protocol() {
    let read = |bytes: &[u8]| {
        let mut reader = PacketReader::new(bytes);
        match reader.read() {
            Ok(packet) => Ok(format!("{packet:?}")),
            Err(error) => Err(error.to_string()),
        }
    };
    assert_eq!(read(b"0002").unwrap(), "ResponseEnd");
    assert_eq!(read(b"0004").unwrap(), "Data([])");
    for wrong in [b"0003".as_slice(), b"+004", b"zzzz", b"fff1", b"HTTP/1.1"] {
        let error = read(wrong).unwrap_err();
        assert!(error.contains("length of a packet"), "{error}");
    }
    assert!(
        read(b"0009abc")
            .unwrap_err()
            .contains("ended the connection")
    );
    assert!(read(b"").unwrap_err().contains("ended the connection"));
    assert_eq!(
        read(b"0012ERR no such x\n").unwrap_err(),
        "the server says: no such x"
    );
    let most = vec![0; MAX_PACKET_BYTES - 4];
    let mut writer = PacketWriter::new();
    writer.data(&most).unwrap();
    assert!(writer.into_bytes().starts_with(b"fff0"));
    assert!(PacketWriter::new().data(&[most, vec![0]].concat()).is_err());
}

#[test]
fn capabilities_of_version_2() {
    let lines = [
        "# service=git-upload-pack\n",
        ".",
        "version 2\n",
        "agent=git/2.47\n",
        "ls-refs=unborn\n",
        "fetch=shallow wait-for-done filter\n",
        "object-format=sha1\n",
        ".",
    ];
    // With and without what a web server puts before it.
    for from in [0, 2] {
        let bytes = packets(&lines[from..]);
        let found = Capabilities::read(&mut PacketReader::new(bytes.as_slice()));
        let found = found.unwrap().unwrap();
        assert!(found.has("fetch", "filter"));
        assert!(!found.has("fetch", "filt"));
        assert!(!found.has("agent", "filter"));
        assert_eq!(found.value("object-format"), Some("sha1"));
        assert_eq!(found.value("server-option"), None);
    }
    let old = packets(&[&format!("{ID} HEAD\0multi_ack"), "."]);
    assert_eq!(
        Capabilities::read(&mut PacketReader::new(old.as_slice())).unwrap(),
        None
    );
    let many: Vec<&str> = std::iter::once("version 2\n")
        .chain(std::iter::repeat_n("a=b", 1_001))
        .collect();
    let error = Capabilities::read(&mut PacketReader::new(packets(&many).as_slice())).unwrap_err();
    assert!(matches!(error, WireError::TooMany { .. }), "{error}");
}

#[test]
fn the_tip_and_the_capabilities_of_a_push() {
    let read = |lines: &[&str]| {
        let wanted = ["refs/heads/main", "refs/heads/none", "refs/heads/dev"];
        Pushable::read(&mut PacketReader::new(packets(lines).as_slice()), &wanted)
    };
    let first = format!("{OTHER} refs/heads/dev\0report-status-v2 atomic object-format=sha1");
    let main = format!("{ID} refs/heads/main");
    let found = read(&[&first, &main, "."]).unwrap();
    assert_eq!(found.tip("refs/heads/main"), Some(id(ID)));
    assert_eq!(found.tip("refs/heads/dev"), Some(id(OTHER)));
    assert_eq!(found.tip("refs/heads/none"), None);
    assert!(found.has("atomic"));
    assert!(!found.has("object-format"));
    assert_eq!(found.value("object-format"), Some("sha1"));
    let empty = format!("{} capabilities^{{}}\0report-status", ObjectId::ZERO);
    assert_eq!(read(&[&empty, "."]).unwrap().tip("refs/heads/main"), None);
    let shallow = format!("shallow {OTHER}");
    assert_eq!(
        read(&["version 1\n", &first, &main, &shallow, "."])
            .unwrap()
            .tip("refs/heads/main"),
        Some(id(ID))
    );
    assert_eq!(read(&["."]).unwrap(), Pushable::default());
    assert!(read(&["nonsense", "."]).is_err());
}

#[test]
fn branches_are_asked_for_by_prefix_and_the_rest_is_dropped() {
    let request = ReferencesRequest::new(["refs/heads/main"]);
    let bytes = text(request.to_bytes().unwrap());
    assert!(bytes.starts_with("0014command=ls-refs\n"), "{bytes}");
    assert!(
        bytes.ends_with("001fref-prefix refs/heads/main\n0000"),
        "{bytes}"
    );
    let answer = packets(&[
        &format!("{ID} refs/heads/main\n"),
        &format!("{OTHER} refs/heads/other symref-target:refs/heads/main\n"),
        "unborn refs/heads/mainline symref-target:refs/heads/x\n",
        ".",
    ]);
    let found = request
        .read(&mut PacketReader::new(answer.as_slice()))
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].name.as_str(), found[0].id),
        ("refs/heads/main", Some(id(ID)))
    );
    assert_eq!(
        (found[1].id, found[1].target.as_deref()),
        (None, Some("refs/heads/x"))
    );
    let wrong = packets(&["nonsense", "."]);
    assert!(
        request
            .read(&mut PacketReader::new(wrong.as_slice()))
            .is_err()
    );
}

#[test]
fn objects_are_asked_for_in_one_round() {
    let request = FetchRequest::new(vec![id(ID)])
        .with_depth(1)
        .with_filter("tree:1")
        .with_shallow_haves(vec![id(OTHER)]);
    let bytes = text(request.to_bytes().unwrap());
    let after = bytes.split("0001").nth(1).unwrap();
    assert_eq!(
        after,
        format!(
            "0010no-progress\n000eofs-delta\n000ethin-pack\n0035shallow {OTHER}\n000ddeepen 1\n0012filter tree:1\n0032want {ID}\n0032have {OTHER}\n0009done\n0000"
        )
    );
}

#[test]
fn the_pack_follows_the_sections_before_it() {
    let answer = packets(&[
        "shallow-info\n",
        &format!("shallow {ID}\n"),
        &format!("unshallow {OTHER}\n"),
        "|",
        "packfile\n",
        "\u{2}counting\r\u{2}",
        "\u{1}PA",
        "\u{2}done\n",
        "\u{1}CK",
        ".",
        "after",
    ]);
    let mut reader = PacketReader::new(answer.as_slice());
    let response = FetchResponse::read(&mut reader).unwrap();
    assert_eq!(
        (response.shallow.as_slice(), response.unshallow.as_slice()),
        ([id(ID)].as_slice(), [id(OTHER)].as_slice())
    );
    let mut said = Said::new();
    let mut pack = String::new();
    Sideband::new(&mut reader, &mut said)
        .read_to_string(&mut pack)
        .unwrap();
    assert_eq!(pack, "PACK");
    assert_eq!(said.lines(), ["done"]);
    assert_eq!(reader.read().unwrap(), Packet::Data(b"after"));
}

#[test]
fn last_words_end_a_pack() {
    let answer = packets(&["\u{1}PA", "\u{3}out of memory\n"]);
    let mut reader = PacketReader::new(answer.as_slice());
    let mut said = Said::new();
    let error = Sideband::new(&mut reader, &mut said)
        .read_to_end(&mut Vec::new())
        .unwrap_err();
    assert!(error.to_string().contains("out of memory"), "{error}");
}

#[test]
fn what_a_server_says_to_people_is_bounded_and_printable() {
    let long = format!("\u{2}{}", "x".repeat(60_000));
    let answer = packets(&["\u{2}\u{1b}[31mred\n", &long, &long, "."]);
    let mut reader = PacketReader::new(answer.as_slice());
    let mut said = Said::new();
    Sideband::new(&mut reader, &mut said).finish().unwrap();
    let lines = said.lines();
    assert_eq!(lines[0], "[31mred");
    assert!(lines.iter().map(String::len).sum::<usize>() < MAX_SAID_BYTES);
}

#[test]
fn a_push_names_old_and_new() {
    let server = |words: &str| {
        let line = format!("{ID} refs/heads/main\0{words}");
        let bytes = packets(&[&line, "."]);
        let wanted = ["refs/heads/main"];
        Pushable::read(&mut PacketReader::new(bytes.as_slice()), &wanted).unwrap()
    };
    let all = server("report-status report-status-v2 side-band-64k atomic push-options");
    let request = PushRequest::new("refs/heads/main", Some(id(ID)), id(OTHER))
        .with_options(vec!["ci.skip".to_owned()]);
    let bytes = text(request.to_bytes(&all).unwrap());
    let (command, rest) = bytes[4..].split_once('\0').unwrap();
    assert_eq!(command, format!("{ID} {OTHER} refs/heads/main"));
    assert!(rest.starts_with(" report-status-v2 side-band-64k atomic push-options agent="));
    assert!(rest.ends_with("0000000bci.skip0000"), "{rest}");
    let made = PushRequest::new("refs/heads/main", None, id(OTHER));
    let bytes = text(made.to_bytes(&server("report-status")).unwrap());
    assert!(
        bytes[4..].starts_with(&ObjectId::ZERO.to_string()),
        "{bytes}"
    );
    let both = request.and("refs/heads/dev", None, id(OTHER));
    let bytes = text(both.to_bytes(&all).unwrap());
    let second = format!("{} {OTHER} refs/heads/dev", ObjectId::ZERO);
    assert!(bytes.contains(&format!("{second}0000000b")), "{bytes}");
    let error = both.to_bytes(&server("report-status push-options"));
    assert!(matches!(error, Err(WireError::NotAtomic)), "{error:?}");
    // One that cannot report would leave us guessing.
    assert!(made.to_bytes(&server("atomic")).is_err());
    assert!(both.to_bytes(&server("report-status atomic")).is_err());
}

#[test]
fn only_an_ok_for_the_branch_is_a_yes() {
    let refusal = |lines: &[&str]| {
        let bytes = packets(lines);
        Report::read(&mut PacketReader::new(bytes.as_slice()))
            .map(|report| report.refusal("refs/heads/main").map(str::to_owned))
    };
    let yes = [
        "unpack ok\n",
        "ok refs/heads/main\n",
        "option refname refs/heads/x\n",
        ".",
    ];
    assert_eq!(refusal(&yes).unwrap(), None);
    let no = ["unpack ok\n", "ng refs/heads/main hook declined\n", "."];
    assert_eq!(refusal(&no).unwrap().as_deref(), Some("hook declined"));
    let bad = ["unpack index-pack failed\n", "ok refs/heads/main\n", "."];
    assert_eq!(refusal(&bad).unwrap().as_deref(), Some("index-pack failed"));
    let other = ["unpack ok\n", "ok refs/heads/mainline\n", "."];
    assert!(refusal(&other).unwrap().is_some());
    assert!(refusal(&["ok refs/heads/main\n", "."]).is_err());
    assert!(refusal(&["unpack ok\n", "maybe refs/heads/main\n", "."]).is_err());
    assert!(refusal(&["."]).is_err());
    assert!(refusal(&["unpack ok\n"]).is_err());
}
