//! Parquet tables: the chosen columns, read into memory as f64.

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};

use super::columns::Columns;
use super::parquet_pages;
use crate::bytes::{Cursor, Store};
use crate::limits::Limits;

/// Rows of numbers in memory.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) rows: usize,
    pub(super) width: usize,
    /// Columns of the file, used or not.
    pub(super) columns: usize,
    /// Row after row.
    pub(super) numbers: Vec<f64>,
}

/// Reads the chosen columns.
pub(super) fn read(
    store: &Store,
    columns: Option<&Columns>,
    limits: &Limits,
) -> Result<Held, String> {
    // The crate below is not made for damaged files: what it panics on is damage, too.
    let read = || read_columns(store, columns, limits);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("the file is damaged".to_owned()))
}

fn read_columns(store: &Store, columns: Option<&Columns>, limits: &Limits) -> Result<Held, String> {
    let text = |error: parquet::errors::ParquetError| error.to_string();
    let file = SerializedFileReader::new(store.clone()).map_err(text)?;
    let metadata = file.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let places = match columns {
        Some(columns) => columns.of(names.len(), &names)?,
        None => (0..names.len()).collect(),
    };
    if let Some(&nested) = places.iter().find(|&&at| schema.column(at).max_rep_level() > 0) {
        return Err(format!("column {:?} holds lists; expected plain numbers", names[nested]));
    }
    let rows = usize::try_from(metadata.num_rows()).map_err(|_| "it claims no rows".to_owned())?;
    let width = places.len();
    let total = rows.checked_mul(width).filter(|&total| total <= limits.held_numbers);
    let total = total.ok_or_else(|| {
        format!(
            "{rows} rows of {width} columns are more than {} numbers (Limits::held_numbers); choose \
             columns, or save the table as .npy",
            limits.held_numbers
        )
    })?;
    // Repeated numbers take next to no space in the file.
    let most = limits.most_inflated(store.len()) / size_of::<f64>() as u64;
    if total as u64 > most {
        return Err(format!(
            "{rows} rows of {width} columns would become more than {most} numbers \
             (Limits::inflate_ratio and inflated_bytes); choose columns, or save the table as .npy"
        ));
    }
    let (mut numbers, mut pages) = (Vec::new(), 0);
    let mut first = 0;
    for group in 0..file.num_row_groups() {
        let group = file.get_row_group(group).map_err(text)?;
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(usize::MAX);
        if count > rows - first {
            return Err("its row groups have more rows than it claims".to_owned());
        }
        numbers.resize((first + count) * width, 0.0);
        for (at, &place) in places.iter().enumerate() {
            let chunk = group.metadata().column(place);
            let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
            let name = &names[place];
            let offset = |offset: i64| {
                let before =
                    || format!("column {name:?} lies before the file's start: it is damaged");
                u64::try_from(offset).map_err(|_| before())
            };
            let (start, _) = (offset(start)?, offset(chunk.data_page_offset())?);
            let end = start.saturating_add(offset(chunk.compressed_size())?).min(store.len());
            parquet_pages::check(store, start..end, count as u64, limits, &mut pages)
                .map_err(|reason| format!("column {name:?}: {reason}"))?;
            let values = values(group.get_column_reader(place).map_err(text)?, count)
                .map_err(|reason| format!("column {name:?}: {reason}"))?;
            let own = numbers[first * width..].iter_mut().skip(at).step_by(width);
            own.zip(values).for_each(|(to, value)| *to = value);
        }
        first += count;
    }
    if numbers.len() != total {
        return Err(format!("it claims {rows} rows, its row groups have {first}"));
    }
    Ok(Held { rows, width, columns: names.len(), numbers })
}

/// A column chunk as f64.
fn values(reader: ColumnReader, count: usize) -> Result<Vec<f64>, String> {
    #[allow(clippy::cast_precision_loss, reason = "rounded once, as any number on the way in")]
    let of_long = |value: i64| value as f64;
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            read_all(reader, count, |v| f64::from(u8::from(v)))
        }
        ColumnReader::Int32ColumnReader(reader) => read_all(reader, count, f64::from),
        ColumnReader::Int64ColumnReader(reader) => read_all(reader, count, of_long),
        ColumnReader::FloatColumnReader(reader) => read_all(reader, count, f64::from),
        ColumnReader::DoubleColumnReader(reader) => read_all(reader, count, |v| v),
        _ => Err("it holds no numbers; leave it out with --columns".to_owned()),
    }
}

fn read_all<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    count: usize,
    widen: impl Fn(T::T) -> f64,
) -> Result<Vec<f64>, String> {
    let (mut values, mut levels, mut records) = (Vec::new(), Vec::new(), 0);
    while records < count {
        let most = (count - records).min(1 << 16);
        let read = reader.read_records(most, Some(&mut levels), None, &mut values);
        let (read, ..) = read.map_err(|error| error.to_string())?;
        if read == 0 {
            return Err(format!("it ends after {records} of {count} rows"));
        }
        records += read;
    }
    if values.len() != count {
        let missing = count - values.len();
        return Err(format!("{missing} of its values are missing; fill or drop them first"));
    }
    Ok(values.into_iter().map(widen).collect())
}

impl Length for Store {
    fn len(&self) -> u64 {
        Store::len(self)
    }
}

impl ChunkReader for Store {
    type T = std::io::BufReader<Cursor>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let mut cursor = self.cursor();
        std::io::Seek::seek(&mut cursor, std::io::SeekFrom::Start(start))?;
        Ok(std::io::BufReader::new(cursor))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let end = start.checked_add(length as u64);
        let end = end.ok_or_else(|| std::io::Error::other("a place beyond the file"))?;
        let mut buffer = Vec::new();
        Ok(Bytes::copy_from_slice(self.read(start..end, &mut buffer)?))
    }
}
