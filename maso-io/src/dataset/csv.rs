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
    /// Fields of a line, used or not.
    columns: usize,
    /// Names, or nothing without a line of them.
    names: Vec<String>,
    /// The option that chooses columns, for messages.
    option: &'static str,
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
        option: &'static str,
        limits: &Limits,
    ) -> Result<Self, String> {
        let delimiter = delimiter(&store.front(1 << 16).map_err(|error| error.to_string())?);
        let mut reader = reader(delimiter, io::BufReader::with_capacity(1 << 16, store.cursor()));
        let mut record = ByteRecord::new();
        let read = |reader: &mut csv::Reader<_>, record: &mut ByteRecord| {
            reader.read_byte_record(record).map_err(|error| error.to_string())
        };
        if !read(&mut reader, &mut record)? {
            return Err("it has no lines; copy or save it again".to_owned());
        }
        let width = record.len();
        if width > limits.columns {
            return Err(format!(
                "its first line has {width} fields, the limit is {} (Limits::columns); save it as .npy",
                limits.columns
            ));
        }
        let first = First { line: record.position().map_or(1, |at| at.line()), record: &record };
        let (names, fields) = first.choose(columns, option)?;
        let unsure = if names.is_empty() { first.words_beside(&fields) } else { Vec::new() };
        let mut more = names.is_empty() || read(&mut reader, &mut record)?;
        let (mut rows, mut places) = (0, Vec::new());
        while more {
            let (line, at) = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
            if record.len() != width {
                let found = record.len();
                return Err(format!(
                    "line {line} has {found} fields, the first line has {width}: every row needs as \
                     many; mend that line or leave it out"
                ));
            }
            if rows % STRIDE == 0 {
                places.push((at, line));
            }
            if rows == 1 {
                compare(&unsure, &record)?;
            }
            rows += 1;
            more = read(&mut reader, &mut record)?;
        }
        let end = reader.position().byte().min(store.len());
        Ok(Self { store, delimiter, rows, columns: width, names, option, fields, places, end })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn width(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
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
            let found = match shown.trim() {
                "" => "is empty".to_owned(),
                _ => format!("is no number: {shown:?}"),
            };
            let option = self.option;
            format!(
                "line {line}, column {field}{name} {found}; choose columns of numbers with {option}, or \
                 clean the table first"
            )
        })
    }
}

/// The first line, which is of names or the first row.
struct First<'r> {
    line: u64,
    record: &'r ByteRecord,
}

/// A field of the first line: its number, and what it says.
type Word = (usize, String);

impl First<'_> {
    /// The names, none where it is a row; and the fields that are used. It is a row where those are all
    /// numbers, and names where none of them is: nothing is guessed where they are mixed. Columns that
    /// are chosen by name make it names.
    fn choose(
        &self,
        columns: Option<&Columns>,
        option: &str,
    ) -> Result<(Vec<String>, Vec<usize>), String> {
        let width = self.record.len();
        let names: Vec<String> = self.record.iter().map(shown).collect();
        if let Some(columns) = columns.filter(|columns| columns.have_names()) {
            let names = if self.numbers(0..width).count() == width { Vec::new() } else { names };
            let fields = columns.of(width, &names)?;
            return Ok((names, fields));
        }
        let fields = match columns {
            Some(columns) => columns.of(width, &[])?,
            None => (0..width).collect(),
        };
        let number = self.numbers(fields.iter().copied()).next();
        let word = fields.iter().find(|&&field| self.is_word(field));
        match (number, word) {
            (Some(number), Some(&word)) => Err(format!(
                "line {} is neither names nor a row: column {word} is {:?}, column {number} is {:?}; choose \
                 columns of numbers with {option}, or clean the table first",
                self.line, names[word], names[number]
            )),
            (Some(_), None) => Ok((Vec::new(), fields)),
            (None, _) => Ok((names, fields)),
        }
    }

    fn numbers(&self, fields: impl Iterator<Item = usize>) -> impl Iterator<Item = usize> {
        fields.filter(|&field| self.record.get(field).is_some_and(|text| parse(text).is_some()))
    }

    /// Whether a field is something, but no number.
    fn is_word(&self, field: usize) -> bool {
        let text = self.record.get(field).unwrap_or_default();
        !text.trim_ascii().is_empty() && parse(text).is_none()
    }

    /// The fields that are not used and are no numbers.
    fn words_beside(&self, used: &[usize]) -> Vec<Word> {
        let mut beside = vec![true; self.record.len()];
        used.iter().for_each(|&field| beside[field] = false);
        let words = self.record.iter().enumerate();
        let words = words.filter(|(field, text)| beside[*field] && parse(text).is_none());
        words.map(|(field, text)| (field, shown(text))).collect()
    }
}

/// Where the first line was taken for a row, but has a word in a column that goes on with numbers, it
/// may as well be names that happen to be numbers (`label,0,1,2`).
fn compare(words: &[Word], second: &ByteRecord) -> Result<(), String> {
    let is_number = |field| second.get(field).is_some_and(|text| parse(text).is_some());
    match words.iter().find(|(field, _)| is_number(*field)) {
        Some((field, word)) => Err(format!(
            "its first line may be names or a row: the columns chosen are numbers in it, column {field} is \
             {word:?} and a number below; if it is names, begin it with #, else give column {field} a number"
        )),
        None => Ok(()),
    }
}

fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim().to_owned()
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
