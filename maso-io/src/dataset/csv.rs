//! Tables as text: one row a line, numbers between commas, semicolons, tabs or single spaces, with or
//! without a line of names. The text is read once to find the lines, then block by block.

use std::io;
use std::ops::Range;

use csv::{ByteRecord, ReaderBuilder};

use super::columns::Columns;
use crate::bytes::Store;
use crate::limits::Limits;

/// A place in the text is kept for each so many rows.
const STRIDE: usize = 64;

/// A table whose lines are known to have equally many fields.
#[derive(Debug)]
pub(super) struct Table {
    store: Store,
    delimiter: u8,
    rows: usize,
    /// Names, or nothing without a line of them.
    names: Vec<String>,
    /// Which fields are used.
    fields: Vec<usize>,
    /// Where rows 0, STRIDE, 2·STRIDE, … begin, the line of each, and where the last one ends.
    places: Vec<(u64, u64)>,
    end: u64,
}

impl Table {
    pub(super) fn open(
        store: Store,
        columns: Option<&Columns>,
        limits: &Limits,
    ) -> Result<Self, String> {
        let delimiter = delimiter(&store.front(1 << 16).map_err(|error| error.to_string())?);
        let mut reader = reader(delimiter, io::BufReader::with_capacity(1 << 16, store.cursor()));
        let mut record = ByteRecord::new();
        let read = |reader: &mut csv::Reader<_>, record: &mut ByteRecord| {
            reader.read_byte_record(record).map_err(|error| error.to_string())
        };
        if !read(&mut reader, &mut record)? {
            return Err("it has no lines".to_owned());
        }
        let width = record.len();
        if width > limits.columns {
            return Err(format!(
                "its first line has {width} fields, the limit is {}",
                limits.columns
            ));
        }
        let has_names = record.iter().any(|field| parse(field).is_none() && !field.is_empty());
        let text = |field: &[u8]| String::from_utf8_lossy(field).trim().to_owned();
        let names: Vec<String> =
            if has_names { record.iter().map(text).collect() } else { Vec::new() };
        let mut more = if has_names { read(&mut reader, &mut record)? } else { true };
        let (mut rows, mut places) = (0, Vec::new());
        while more {
            let (line, at) = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
            if record.len() != width {
                let found = record.len();
                return Err(format!(
                    "line {line} has {found} fields, the first line has {width}; every row needs as \
                     many"
                ));
            }
            if rows % STRIDE == 0 {
                places.push((at, line));
            }
            rows += 1;
            more = read(&mut reader, &mut record)?;
        }
        let fields = match columns {
            Some(columns) => columns.of(width, &names)?,
            None => (0..width).collect(),
        };
        let end = reader.position().byte().min(store.len());
        Ok(Self { store, delimiter, rows, names, fields, places, end })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.fields.len()
    }

    /// The numbers of some rows.
    pub(super) fn numbers(&self, range: Range<usize>) -> Result<Vec<f64>, String> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let first = range.start / STRIDE;
        let end = self.places.get(range.end.div_ceil(STRIDE)).map_or(self.end, |place| place.0);
        let (start, first_line) = self.places[first];
        let mut buffer = Vec::new();
        let text = self.store.read(start..end, &mut buffer).map_err(|error| error.to_string())?;
        let mut reader = reader(self.delimiter, text);
        let mut record = ByteRecord::new();
        let mut numbers = Vec::with_capacity(range.len() * self.fields.len());
        for row in first * STRIDE..range.end {
            let there = reader.read_byte_record(&mut record).map_err(|error| error.to_string())?;
            if !there {
                return Err(format!("row {row} has gone: the file was changed while it was read"));
            }
            if row < range.start {
                continue;
            }
            let line = first_line + record.position().map_or(0, |at| at.line() - 1);
            for &field in &self.fields {
                numbers.push(self.number(&record, field, line)?);
            }
        }
        Ok(numbers)
    }

    fn number(&self, record: &ByteRecord, field: usize, line: u64) -> Result<f64, String> {
        let text = record.get(field).unwrap_or_default();
        parse(text).ok_or_else(|| {
            let name = self.names.get(field).map_or(String::new(), |name| format!(" ({name})"));
            let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
            let found = if shown.trim().is_empty() { "is empty" } else { "is no number" };
            format!(
                "line {line}, column {field}{name} {found}: {shown:?}; leave such columns out with \
                 --columns, or clean the table first"
            )
        })
    }
}

fn reader<R: io::Read>(delimiter: u8, text: R) -> csv::Reader<R> {
    let mut builder = ReaderBuilder::new();
    builder.has_headers(false).flexible(true).delimiter(delimiter).comment(Some(b'#'));
    builder.from_reader(text)
}

fn parse(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

/// What separates the fields of the first line that is no comment.
fn delimiter(front: &[u8]) -> u8 {
    let lines = front.split(|&byte| byte == b'\n');
    let line = lines.into_iter().find(|line| !line.starts_with(b"#") && !line.is_empty());
    let line = line.unwrap_or_default();
    let there = |wanted: &u8| line.contains(wanted);
    [b',', b';', b'\t', b' '].into_iter().find(there).unwrap_or(b',')
}
