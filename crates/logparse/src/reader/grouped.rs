//! The reader's second half when lines are grouped: framing, joining, then [`multiline`](crate::multiline).

use std::borrow::Cow;

use super::{Event, Formats, Raw, Reader, ReaderOptions, check, enter, fragment};
use crate::format::container::{Message, Stream};
use crate::format::{Format, container};
use crate::line::{Line, Located, Part};
use crate::multiline::{Group, Grouper, Limits, Rules};
use crate::record::{Escaping, Field, Record, Value};

/// What groups are made of.
#[derive(Debug, Clone)]
pub(super) struct Grouping {
    lines: Grouper<u64>,
    /// Messages of a container, one grouper per stream; the note is the first message without its text.
    streams: [Grouper<Message<'static>>; 2],
    /// The group that the last event was read from.
    current: Option<Group<u64>>,
    /// A line that is no part of a group, behind the groups it ended.
    held_line: Option<Located>,
    held_message: Option<Message<'static>>,
}

impl Grouping {
    pub(super) fn new(rules: Rules, options: &ReaderOptions) -> Self {
        let limits = Limits::default().with_max_bytes(options.max_message_bytes);
        let stream = Grouper::with_limits(rules.clone(), limits);
        Self {
            lines: Grouper::with_limits(rules, limits),
            streams: [stream.clone(), stream],
            current: None,
            held_line: None,
            held_message: None,
        }
    }

    /// What comes next does not follow the lines so far.
    pub(super) fn end_lines(&mut self) {
        self.lines.flush();
    }

    fn next_message(&mut self) -> Option<Message<'static>> {
        let group = self.streams.iter_mut().find_map(Grouper::next_group);
        match group {
            Some(group) => {
                let (text, spans, part, note) = group.into_parts();
                Some(Message {
                    text: Cow::Owned(text),
                    spans,
                    part,
                    ..note
                })
            }
            None => self.held_message.take(),
        }
    }

    fn push_message(&mut self, mut message: Message<'static>) {
        let [stdout, stderr] = &mut self.streams;
        let grouper = match message.stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        };
        if message.part == Part::Whole {
            let text = std::mem::take(&mut message.text);
            let spans = std::mem::take(&mut message.spans);
            grouper.push(&text, container::JOINED_BY, spans, message);
        } else {
            grouper.flush();
            self.held_message = Some(message);
        }
    }
}

impl Reader {
    pub(super) fn next_grouped_line(&mut self) -> Option<Event<'_>> {
        let grouping = self.grouping.as_mut()?;
        grouping.current = loop {
            if let Some(group) = grouping.lines.next_group() {
                break Some(group);
            }
            if grouping.held_line.is_some() {
                break None;
            }
            if let Some(located) = self.framer.advance() {
                let line = self.framer.view(located);
                if line.part() == Part::Whole && line.prefix().is_empty() {
                    grouping
                        .lines
                        .push(line.bytes(), line.ending(), line.span(), line.number());
                } else {
                    grouping.lines.flush();
                    grouping.held_line = Some(located);
                }
            } else if std::mem::take(&mut self.flushing) {
                grouping.lines.flush();
            } else {
                return None;
            }
        };
        let event = match &grouping.current {
            Some(group) => grouped(group, &mut self.formats),
            None => self
                .formats
                .event(self.framer.view(grouping.held_line.take()?)),
        };
        enter(&mut self.ledger, &event);
        Some(event)
    }

    pub(super) fn next_grouped_message(&mut self) -> Option<Event<'_>> {
        let grouping = self.grouping.as_mut()?;
        loop {
            if let Some(message) = grouping.next_message() {
                let event = Event::Record(message.into_record());
                enter(&mut self.ledger, &event);
                return Some(event);
            }
            if let Some(located) = self.framer.advance() {
                let line = self.framer.view(located);
                match fragment(self.formats.first, &line) {
                    Ok(entry) => {
                        let message = self.joiner.push(entry, line.span());
                        message
                            .into_iter()
                            .for_each(|message| grouping.push_message(message.into_owned()));
                    }
                    Err(error) => {
                        let line = self.framer.view(located);
                        let event = Event::Raw(Raw { line, error });
                        enter(&mut self.ledger, &event);
                        return Some(event);
                    }
                }
                continue;
            }
            if !self.flushing {
                return None;
            }
            let mut streams = [Stream::Stdout, Stream::Stderr].into_iter();
            match streams.find_map(|stream| self.joiner.flush(stream)) {
                Some(message) => grouping.push_message(message),
                None => {
                    self.flushing = false;
                    grouping.streams.iter_mut().for_each(Grouper::flush);
                }
            }
        }
    }
}

/// A group as its format has it, or its first line with the others beside it, or raw.
fn grouped<'g>(group: &'g Group<u64>, formats: &mut Formats) -> Event<'g> {
    let line = Line {
        prefix: b"",
        bytes: group.text(),
        ending: group.ending(),
        part: group.part(),
        offset: group.spans().start(),
        number: *group.note(),
    };
    let origin = |record: Record<'g>| record.with_origin(group.part(), group.spans().clone());
    let blank = match formats.first {
        Format::Plain => Ok(()),
        _ if line.bytes.is_empty() => check(&line),
        _ => Ok(()),
    };
    let read = blank.and_then(|()| match formats.first {
        // A pattern that ends somewhere in the group would lose the rest.
        Format::Grok => formats.patterns.record(
            group.first_line(),
            group.text(),
            group.continuation(),
            &formats.context,
        ),
        _ => formats.parse(group.text()),
    });
    match (read, group.continuation()) {
        (Ok(record), _) => Event::Record(origin(record)),
        (Err(error), None) => Event::Raw(Raw { line, error }),
        (Err(error), _) if formats.first == Format::Grok => Event::Raw(Raw { line, error }),
        (Err(_), Some(continuation)) => match formats.parse(group.first_line()) {
            Ok(record) => {
                let rest = Field::new("continuation", Value::text(continuation, Escaping::None));
                Event::Record(origin(record.with_field(rest)))
            }
            Err(error) => Event::Raw(Raw { line, error }),
        },
    }
}
